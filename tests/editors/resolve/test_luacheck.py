"""luacheck on every Lua file: unused values, shadowed names, branches that nothing reaches."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from stylecli.editors.fusion import host
from stylecli.editors.hosts.resolve import files
from tests.editors.resolve.test_globals import OF_FUSES, OF_SCRIPTS, PROGRAMS

HERE = Path(__file__).parent
STAND_INS = [Path(host.__file__).parent / "host.lua", *sorted(HERE.glob("*.lua"))]
LINE_MAX = 130
UNUSED_GLOBAL = "131"  # the functions that Fusion calls; test_globals.py knows them
pytestmark = pytest.mark.skipif(not shutil.which("luacheck"), reason="needs luacheck: tests/editors/resolve/setup.sh")


def faults_of(text: bytes, *options: str) -> str:
    """What luacheck says of a text; nothing if it finds no fault."""
    command = ["luacheck", "-", "--std", "luajit", "--max-line-length", str(LINE_MAX), "--no-color", "-q", *options]
    done = subprocess.run(command, input=text, capture_output=True, check=False, timeout=60)
    return (done.stdout + done.stderr).decode() if done.returncode else ""


@pytest.mark.parametrize("name", PROGRAMS)
def test_luacheck_finds_no_fault_in_what_is_installed(name: str) -> None:
    if name.endswith(".fuse"):
        options = ["--read-globals", *sorted(OF_FUSES), "--allow-defined", "--ignore", UNUSED_GLOBAL]
    else:
        options = ["--read-globals", *sorted(OF_SCRIPTS), "EXRIO"]
    assert faults_of(files()[name], *options) == ""


@pytest.mark.parametrize("file", STAND_INS, ids=lambda file: file.name)
def test_luacheck_finds_no_fault_in_the_stand_ins(file: Path) -> None:
    assert faults_of(file.read_bytes()) == ""


def test_a_fault_is_found() -> None:
    assert "unused variable" in faults_of(b"local a = 1\n")
