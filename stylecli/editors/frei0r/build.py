"""The frei0r filter as a shared library, made by the system's own C compiler."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from stylecli.core.errors import MediaError, UsageError
from stylecli.core.files import bundled_folder, write_atomically
from stylecli.core.temporary import temporary_folder
from stylecli.core.version import __version__

SOURCE = "stylecli.c"
LIBRARY = "stylecli.so"
FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared", "-pthread")
COMPILERS = ("cc", "gcc", "clang")
COMPILING = 120.0  # seconds, on the slowest of machines
MARK = b"stylecli build: "  # stands in every library of ours
MODE = 0o755
ADVICE = "Install one, such as gcc by: sudo apt install gcc libc6-dev."


def find_compiler(environment: Mapping[str, str]) -> str:
    """The C compiler of the system, `$CC` first; empty without one."""
    wanted = environment.get("CC", "")
    found = (shutil.which(name, path=environment.get("PATH", "")) for name in (wanted, *COMPILERS) if name)
    return next((one for one in found if one), "")


def source() -> bytes:
    """The C text of the filter."""
    return (bundled_folder("plugins") / "frei0r" / SOURCE).read_bytes()


def build(library: Path) -> None:
    """Compile the filter and put it at `library`, atomically: a program may have loaded the one that is there.

    Raises:
        UsageError: there is no compiler, it fails, or another library has this name.
        MediaError: the library cannot be written.
    """
    if library.exists() and not _is_ours(library):
        raise UsageError(f"{library}: stylecli did not put it there", hint="Move it away, then try again.")
    compiler = find_compiler(os.environ)
    if not compiler:
        raise UsageError("there is no C compiler", hint=ADVICE)
    with temporary_folder() as spare:
        text, compiled = spare / SOURCE, spare / LIBRARY
        text.write_bytes(source())
        facts = {"STYLECLI_VERSION": __version__, "STYLECLI_BUILD": (MARK + _build()).decode()}
        defines = [f'-D{name}="{value}"' for name, value in facts.items()]
        try:
            done = subprocess.run(
                [compiler, *FLAGS, *defines, "-o", str(compiled), str(text)],
                capture_output=True,
                text=True,
                check=False,
                timeout=COMPILING,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise UsageError(f"{compiler}: it cannot be run ({error})", hint=ADVICE) from error
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
            raise UsageError(f"{compiler} fails: {(said or ['no message'])[0]}", hint=ADVICE)
        try:
            library.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(library, compiled.read_bytes(), mode=MODE)
        except OSError as error:
            raise MediaError(f"{library}: {error.strerror}", hint="Choose a folder that you may write.") from error


def remove(library: Path) -> None:
    """Remove the filter; a library of somebody else stays."""
    if library.exists() and _is_ours(library):
        library.unlink()


def fault_of_library(library: Path) -> str:
    """Why a library is not the one that `build` would make now; empty if it is."""
    try:
        content = library.read_bytes()
    except OSError as error:
        return f"{library.name}: {error.strerror}"
    return "" if MARK + _build() + b"\0" in content else f"{library.name} was made from other source text"


def _is_ours(library: Path) -> bool:
    return MARK in library.read_bytes()


def _build() -> bytes:
    return f"{__version__} {hashlib.sha256(source()).hexdigest()[:16]}".encode()
