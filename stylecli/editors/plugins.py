"""Plug-ins in the editors: put there, looked at, taken away.

An installed plug-in is a folder `stylecli` with the plug-in's files and `stylecli.json`, which tells with absolute
paths how stylecli is started, and what was put there. Nothing else is ever removed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylecli.core.errors import MediaError, UsageError
from stylecli.core.files import bundled_folder
from stylecli.core.version import __version__
from stylecli.editors.plugin_folders import PLACES, Machine, Place

FORMAT = 1  # of CONFIG
CONFIG = "stylecli.json"
FOLDER = "stylecli"  # GIMP asks that a plug-in's folder has the name of its program
PROGRAM_MODE = 0o755  # without the right to be run GIMP leaves a plug-in out, silently
ANSWER = 60.0  # seconds for stylecli to tell its version, on the slowest of disks
TITLES = {"gimp": "GIMP 3", "blender": "Blender", "resolve": "DaVinci Resolve"}


@dataclass(frozen=True)
class Plugin:
    """What is in one place: nothing yet, or a plug-in of the stylecli of some `version`.

    fault: why it does not work, or cannot be installed; empty if all is well.
    """

    host: str
    place: Place
    is_installed: bool
    version: str = ""
    fault: str = ""
    advice: str = ""

    @property
    def says(self) -> str:
        """The state in words."""
        state = f"installed, stylecli {self.version}" if self.is_installed else "not installed"
        if self.is_installed and not _files_of(self.host):
            state += ", the configuration alone: this version has no plug-in for it"
        return f"{self.place.editor}: {state}{f'; {self.fault}' if self.fault else ''} ({self.place.folder})"


def find_plugins(host: str, machine: Machine | None = None) -> list[Plugin]:
    """Look at every place of a host on this machine, without changing anything; empty if the host is not found."""
    return [_look_at(host, place) for place in PLACES[host](machine or Machine())]


def install(host: str, place: Place) -> Plugin:
    """Put a plug-in into a place, or renew the one that is there; it is looked at afterwards.

    Raises:
        UsageError: the place can take none, or a folder that is not ours has its name.
        MediaError: a file cannot be written.
    """
    if place.fault:
        raise UsageError(f"{place.editor}: {place.fault}", hint=place.advice)
    folder = place.folder / FOLDER
    before = _read_config(folder)
    if before is None and folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder}: holds files that stylecli did not put there", hint="Move it away, then try again.")
    files = _files_of(host)
    made = before["made"] if before else _missing_folders(folder)
    config = {
        "format": FORMAT,
        "command": [*place.prefix, sys.executable, "-m", "stylecli"],
        "stylecli": __version__,
        "files": sorted(files),
        "made": [str(one) for one in made],
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The list first: whatever happens then, all that is there can be taken away.
        _write(folder / CONFIG, json.dumps(config, indent=1).encode() + b"\n")
        for name, content in files.items():
            _write(folder / name, content, is_program=name == f"{FOLDER}.py")
        for name in set(before["files"] if before else ()) - set(files):
            (folder / name).unlink(missing_ok=True)
    except OSError as err:
        raise MediaError(
            f"{err.filename or folder}: {err.strerror}", hint="Choose a folder that you may write."
        ) from err
    return _look_at(host, place)


def uninstall(host: str, place: Place) -> bool:
    """Take away what `install` put into a place; whether there was anything.

    Raises:
        MediaError: a file cannot be removed.
    """
    folder = place.folder / FOLDER
    config = _read_config(folder)
    if config is None:
        return False
    try:
        for cached in folder.glob("__pycache__/*.pyc"):
            if f"{cached.name.split('.')[0]}.py" in config["files"]:
                cached.unlink()
        for name in (*config["files"], CONFIG):  # the list last, as long as anything is there
            (folder / name).unlink(missing_ok=True)
        for empty in (folder / "__pycache__", folder, *map(Path, reversed(config["made"]))):
            if empty.is_dir() and not any(empty.iterdir()):
                empty.rmdir()
    except OSError as err:
        raise MediaError(f"{err.filename or folder}: {err.strerror}", hint=f"Remove {folder} by hand.") from err
    return True


def _look_at(host: str, place: Place) -> Plugin:
    folder = place.folder / FOLDER
    again = f"stylecli plugins install {host}"
    if not (folder / CONFIG).exists():
        return Plugin(host, place, False, "", place.fault, place.advice if place.fault else f"To install: {again}")
    config = _read_config(folder)
    if config is None:
        return Plugin(host, place, True, "?", f"{CONFIG} cannot be read", f"Renew it: {again}")
    version = str(config["stylecli"])
    fault = _fault_of_files(host, folder, version) or _fault_of_command(config["command"], place.prefix)
    return Plugin(host, place, True, version, fault, f"Renew it: {again}" if fault else "")


def _fault_of_files(host: str, folder: Path, version: str) -> str:
    if version != __version__:
        return f"it was installed by stylecli {version}, this is {__version__}"
    for name, content in _files_of(host).items():
        try:
            if (folder / name).read_bytes() != content:
                return f"{name} was changed"
        except OSError as err:
            return f"{name}: {err.strerror}"
    program = folder / f"{FOLDER}.py"
    return "" if not program.exists() or os.access(program, os.X_OK) else f"{program.name} may not be run"


def _fault_of_command(command: Sequence[str], prefix: Sequence[str]) -> str:
    """Start stylecli as the plug-in will, and hear whether it answers."""
    direct = command[len(prefix) :]  # the prefix means something inside the editor's sandbox alone
    try:
        answer = subprocess.run(
            [*direct, "--version"],
            capture_output=True,
            text=True,
            timeout=ANSWER,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=Path.home(),  # not where a folder `stylecli` may lie
        )
    except (OSError, subprocess.SubprocessError) as err:
        return f"stylecli cannot be started from there ({err})"
    return "" if answer.returncode == 0 else f"stylecli cannot be started from there ({answer.stderr.strip()[-200:]})"


def _files_of(host: str) -> Mapping[str, bytes]:
    """The plug-in's files by name, with those that all hosts of Python share; none while a host has no plug-in yet."""
    own = sorted((bundled_folder("plugins") / host / FOLDER).glob("*.py"))
    shared = sorted((bundled_folder("plugins") / "shared").glob("*.py")) if own else []
    return {file.name: file.read_bytes() for file in (*own, *shared)}


def _read_config(folder: Path) -> dict[str, Any] | None:
    """What an installation wrote; None for none, or for one that cannot be understood."""
    try:
        config = json.loads((folder / CONFIG).read_bytes())
    except (OSError, ValueError):
        return None
    lists = [config.get(key) for key in ("command", "files", "made")] if isinstance(config, dict) else [None]
    is_ours = all(isinstance(one, list) and all(isinstance(text, str) for text in one) for one in lists)
    # A name with a folder in it would reach outside: whoever wrote that, it was not us.
    if not is_ours or any(Path(name).name != name for name in config["files"]) or "stylecli" not in config:
        return None
    return dict(config)


def _missing_folders(folder: Path) -> list[Path]:
    """Those that have to be made, outermost first."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    return missing[::-1]


def _write(path: Path, content: bytes, *, is_program: bool = False) -> None:
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(beside).chmod(PROGRAM_MODE if is_program else 0o644)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
