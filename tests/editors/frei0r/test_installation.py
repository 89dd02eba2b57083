from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from stylecli.cli.app import suite
from stylecli.editors.frei0r import build
from stylecli.editors.host import find_host
from stylecli.editors.plugin_folders import Machine
from stylecli.editors.plugins import find_plugins
from tests.support.packs import StyleFactory

FREI0R = find_host("frei0r")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a user without anything of ours, who has an ffmpeg and a compiler."""
    home = tmp_path / "home"
    programs = home / "bin"
    programs.mkdir(parents=True)
    tools = tmp_path / "tools"  # nothing but a compiler with its own tools: a Kdenlive of this machine is not there
    tools.mkdir()
    for name in ("cc", "as", "ld"):
        if program := shutil.which(name):
            (tools / name).symlink_to(program)
    for name in ("ffmpeg", "melt"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{programs}:{tools}")
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.delenv("CC", raising=False)
    return home


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(suite, list(map(str, arguments)))
    return result.exit_code, result.output


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_it_is_installed_where_the_programs_look_and_leaves_nothing(home: Path) -> None:
    before = tree(home)
    code, said = run("plugins", "install", "frei0r")
    assert (code, "installed, stylecli" in said) == (0, True)
    library = home / ".frei0r-1/lib/stylecli.so"
    first = library.read_bytes()
    assert run("plugins", "install", "frei0r")[0] == 0  # again is the same
    assert library.read_bytes() == first
    assert [plugin.fault for plugin in find_plugins(FREI0R)] == [""]
    assert run("plugins", "uninstall", "frei0r")[0] == 0
    assert tree(home) == before


def test_it_is_found_by_the_programs_that_load_it(home: Path) -> None:
    environment = {"PATH": str(home / "bin"), "CC": "/bin/true"}
    (place,) = FREI0R.folders(Machine("linux", home, environment))
    assert "ffmpeg" in place.editor
    assert place.folder == home / ".frei0r-1/lib"
    for machine in (Machine("linux", home, {"PATH": ""}), Machine("darwin", home, environment)):
        assert FREI0R.folders(machine) == []


def test_without_a_compiler_it_says_what_to_install(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home / "bin"))
    code, said = run("plugins", "install", "frei0r")
    assert (code, "no C compiler" in said, "apt install gcc" in said) == (2, True, True)
    assert not (home / ".frei0r-1").exists()


def test_of_a_compiler_that_fails_nothing_stays_but_its_message(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = home / "bin/mycc"
    compiler.write_text("#!/bin/sh\necho 'fatal error: stdio.h: No such file' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", str(compiler))
    before = tree(home)
    code, said = run("plugins", "install", "frei0r")
    assert (code, "stdio.h: No such file" in said) == (2, True)
    assert tree(home) == before


def test_a_library_of_someone_else_stays(home: Path) -> None:
    theirs = home / ".frei0r-1/lib/stylecli.so"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"theirs")
    code, said = run("plugins", "install", "frei0r")
    assert (code, "did not put it there" in said) == (2, True)
    assert run("plugins", "uninstall", "frei0r")[0] == 0
    assert theirs.read_bytes() == b"theirs"


def test_a_library_of_other_source_text_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("plugins", "install", "frei0r")
    changed = build.source() + b"/* newer */"
    monkeypatch.setattr(build, "source", lambda: changed)
    assert [bool(plugin.fault) for plugin in find_plugins(FREI0R)] == [True]
    assert run("plugins", "install", "frei0r")[0] == 0
    assert [plugin.fault for plugin in find_plugins(FREI0R)] == [""]
    (home / ".frei0r-1/lib/stylecli.so").unlink()
    assert "stylecli.so: No such file" in find_plugins(FREI0R)[0].fault


@pytest.mark.parametrize("host", ["frei0r", "resolve"])
def test_a_style_added_or_removed_is_in_the_list_of_the_plugin(
    home: Path, tmp_path: Path, make_style: StyleFactory, host: str
) -> None:
    run("plugins", "install", host, "--target", tmp_path / "target")
    config = home / ".config/stylecli" / host / "config.json"

    def listed() -> set[str]:
        return {one["style"] for one in json.loads(config.read_text())["styles"]}

    style = make_style(tmp_path / "elsewhere", "mine")
    before = listed()
    assert run("styles", "add", style)[0] == 0
    assert listed() == {*before, "mine"}
    assert run("styles", "remove", "mine")[0] == 0
    assert listed() == before


def test_kdenlive_shows_the_styles_that_there_are(home: Path, tmp_path: Path, make_style: StyleFactory) -> None:
    (home / "data/kdenlive").mkdir(parents=True)
    before = tree(home)
    run("plugins", "install", "frei0r")
    description = home / "data/kdenlive/effects/stylecli.xml"

    def styles() -> dict[str, str]:
        parameter = ElementTree.parse(description).find("parameter[@name='0']")
        assert parameter is not None
        shown = parameter.findtext("paramlistdisplay") or ""
        return dict(zip(parameter.get("paramlist", "").split(";"), shown.split(","), strict=True))

    bundled = styles()
    run("styles", "add", make_style(tmp_path / "elsewhere", "mine", title="Mine, <all> & only"))
    assert styles() == {**bundled, "mine": "Mine  <all> & only"}
    run("styles", "remove", "mine")
    assert styles() == bundled
    run("plugins", "uninstall", "frei0r")
    assert [name for name in tree(home) if not name.startswith("data/stylecli")] == before


def test_of_two_places_each_keeps_its_filter(home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    run("plugins", "install", "frei0r")
    run("plugins", "install", "frei0r", "--target", other)
    run("plugins", "uninstall", "frei0r", "--target", other)
    assert not other.exists()
    assert [plugin.fault for plugin in find_plugins(FREI0R)] == [""]
    run("plugins", "uninstall", "frei0r")
    assert not (home / ".config").exists()


@pytest.mark.parametrize("order", [("frei0r", "resolve"), ("resolve", "frei0r")])
def test_of_two_plugins_nothing_is_left_whichever_goes_first(
    home: Path, tmp_path: Path, order: tuple[str, str]
) -> None:
    before = tree(home)
    for host in ("resolve", "frei0r"):
        assert run("plugins", "install", host, "--target", tmp_path / host)[0] == 0
    for host in order:
        assert run("plugins", "uninstall", host, "--target", tmp_path / host)[0] == 0
    assert tree(home) == before


def test_check_tries_the_installed_filter(home: Path) -> None:
    (home / "bin/ffmpeg").unlink()
    code, said = run("plugins", "check", "frei0r")
    assert (code, "not installed" in said) == (2, True)
    run("plugins", "install", "frei0r")
    code, said = run("plugins", "check", "frei0r", "--json")
    assert code == 0, said
    assert [json.loads(line)["topic"] for line in said.splitlines() if line.startswith("{")] == ["the filter"]
    assert run("plugins", "uninstall", "frei0r")[0] == 0
