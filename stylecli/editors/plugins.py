"""Install, inspect and remove editor plug-ins.

An installation leaves a file `stylecli/stylecli.json` in the editor's folder of plug-ins. It holds the command that
starts stylecli, with absolute paths, and the names of all installed files. Nothing else is ever removed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from stylecli.core.errors import MediaError, StyleError, UsageError
from stylecli.core.files import write_atomically
from stylecli.core.version import __version__
from stylecli.editors.host import Host
from stylecli.editors.plugin_folders import Machine, PluginFolder

FORMAT = 1  # of CONFIG
CONFIG = "stylecli.json"
FOLDER = "stylecli"  # GIMP asks that a plug-in's folder has the name of its program
PROGRAM = f"{FOLDER}.py"
PROGRAM_MODE, FILE_MODE = 0o755, 0o644  # GIMP silently ignores a plug-in that is not executable
ANSWER = 60.0  # seconds for stylecli to tell its version, on the slowest of disks


@dataclass(frozen=True)
class Plugin:
    """The state of one folder: nothing installed, or a plug-in of the stylecli of some `version`.

    fault: why it does not work, or cannot be installed; empty if all is well.
    """

    host: Host
    place: PluginFolder
    is_installed: bool
    version: str = ""
    fault: str = ""
    advice: str = ""

    @property
    def says(self) -> str:
        """The state in words."""
        state = f"installed, stylecli {self.version}" if self.is_installed else "not installed"
        return f"{self.place.editor}: {state}{f'; {self.fault}' if self.fault else ''} ({self.place.folder})"


def find_plugins(host: Host, machine: Machine | None = None) -> list[Plugin]:
    """Look at every folder of a host on this machine, without changing anything; empty if the host is not found."""
    return [look_at(host, place) for place in host.folders(machine or Machine())]


def install(host: Host, place: PluginFolder) -> Plugin:
    """Install a plug-in into a folder, or renew the one that is there, then inspect it.

    Where the list of an installation is damaged, the files that this version has count as installed.

    Raises:
        UsageError: the folder can take none, or holds files of somebody else under our name.
        MediaError: a file cannot be written.
    """
    if place.fault:
        raise UsageError(f"{place.editor}: {place.fault}", hint=place.advice)
    folder = place.folder / FOLDER
    files = host.files()
    before = _read_config(folder)
    if before is None and (folder / CONFIG).is_file():
        before = {"files": list(files), "made": []}
    if before is None and folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder}: holds files that stylecli did not put there", hint="Move it away, then try again.")
    known = set(before["files"]) if before else set()
    for name in files:  # next to the folder `stylecli` a file may be anybody's
        if "/" in name and name not in known and (place.folder / name).exists():
            raise UsageError(f"{place.folder / name}: stylecli did not put it there", hint="Move it away first.")
    made = [*(before["made"] if before else ())]
    made += [one for one in _missing_folders(place, (CONFIG, *files)) if one not in made]
    command = [*place.prefix, sys.executable, "-m", "stylecli"]
    config = {"format": FORMAT, "command": command, "stylecli": __version__, "files": sorted(files), "made": made}
    with _blamed_on(folder, hint="It has to be a folder that you may write."):
        folder.mkdir(parents=True, exist_ok=True)
        # The list first: whatever happens then, everything that is there can be removed.
        write_atomically(folder / CONFIG, json.dumps(config, indent=1).encode() + b"\n", mode=FILE_MODE)
        for name, content in files.items():
            path = _path_of(place, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content, mode=PROGRAM_MODE if name == PROGRAM else FILE_MODE)
        for name in known - set(files):
            _path_of(place, name).unlink(missing_ok=True)
        try:
            host.connect(place, command)
        except (StyleError, OSError):
            if before is None:  # no half installation stays
                uninstall(host, place)
            raise
    return look_at(host, place)


def uninstall(host: Host, place: PluginFolder) -> bool:
    """Remove what `install` put into a folder; whether there was anything.

    Raises:
        UsageError: the list of what was put there is damaged.
        MediaError: a file cannot be removed.
    """
    folder = place.folder / FOLDER
    config = _read_config(folder)
    if config is None and (folder / CONFIG).is_file():
        raise UsageError(f"{folder / CONFIG}: cannot be read", hint="Install the plug-in again, then uninstall it.")
    if config is None:
        return False
    with _blamed_on(folder, hint="Make that folder writable, then try again."):
        host.disconnect(place)
        for cached in folder.glob("__pycache__/*.pyc"):
            if f"{cached.name.split('.')[0]}.py" in config["files"]:
                cached.unlink()
        for name in (*config["files"], CONFIG):  # the list last, as long as anything is there
            _path_of(place, name).unlink(missing_ok=True)
        own_folders = [_path_of(place, name).parent for name in config["files"]]
        for empty in (folder / "__pycache__", folder, *own_folders, *map(Path, reversed(config["made"]))):
            if empty.is_dir() and not any(empty.iterdir()):
                empty.rmdir()
    return True


def look_at(host: Host, place: PluginFolder) -> Plugin:
    """The state of one folder, without changing anything."""
    folder = place.folder / FOLDER
    again = f"stylecli plugins install {host.name}"
    if not (folder / CONFIG).exists():
        return Plugin(host, place, False, "", place.fault, place.advice if place.fault else f"To install: {again}")
    config = _read_config(folder)
    if config is None:
        return Plugin(host, place, True, "?", f"{CONFIG} cannot be read", f"Renew it: {again}")
    version = str(config["stylecli"])
    fault = _fault_of_files(host, place, version) or host.fault(place)
    fault = fault or _fault_of_command(config["command"], place.prefix)
    return Plugin(host, place, True, version, fault, f"Renew it: {again}" if fault else "")


def _fault_of_files(host: Host, place: PluginFolder, version: str) -> str:
    if version != __version__:
        return f"it was installed by stylecli {version}, this is {__version__}"
    for name, content in host.files().items():
        try:
            if _path_of(place, name).read_bytes() != content:
                return f"{name} was changed"
        except OSError as error:
            return f"{name}: {error.strerror}"
    program = place.folder / FOLDER / PROGRAM
    return "" if not program.exists() or os.access(program, os.X_OK) else f"{program.name} may not be run"


def _fault_of_command(command: Sequence[str], prefix: Sequence[str]) -> str:
    """Start stylecli as the plug-in does, and check that it answers."""
    direct = command[len(prefix) :]  # the prefix means something inside the editor's sandbox alone
    try:
        answer = subprocess.run(
            [*direct, "--version"],
            capture_output=True,
            text=True,
            timeout=ANSWER,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=Path(sys.executable).anchor,  # not where a folder `stylecli` may lie
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"stylecli cannot be started from there ({error})"
    return "" if answer.returncode == 0 else f"stylecli cannot be started from there ({answer.stderr.strip()[-200:]})"


def _path_of(place: PluginFolder, name: str) -> Path:
    return place.folder / name if "/" in name else place.folder / FOLDER / name


def _read_config(folder: Path) -> dict[str, Any] | None:
    """What an installation wrote; None without one, or if it cannot be understood."""
    try:
        config = json.loads((folder / CONFIG).read_bytes())
    except (OSError, ValueError):
        return None
    lists = [config.get(key) for key in ("command", "files", "made")] if isinstance(config, dict) else [None]
    is_ours = all(isinstance(one, list) and all(isinstance(text, str) for text in one) for one in lists)
    if not is_ours or not all(map(_is_own_name, config["files"])) or "stylecli" not in config:
        return None
    return dict(config)


def _is_own_name(name: str) -> bool:
    """Whether an installation can have this file: others are never removed, whoever wrote their names down."""
    path = PurePosixPath(name)
    is_below = not path.is_absolute() and ".." not in path.parts and not {"\\", ":"} & set(name)
    return is_below and (path.name == name or path.parent.name == FOLDER)


def _missing_folders(place: PluginFolder, names: Sequence[str]) -> list[str]:
    """The folders that have to be made for files, outermost first."""
    missing: list[str] = []
    for name in names:
        folder, new = _path_of(place, name).parent, []
        while not folder.exists():
            new.append(str(folder))
            folder = folder.parent
        missing += [one for one in reversed(new) if one not in missing]
    return missing


@contextmanager
def _blamed_on(folder: Path, *, hint: str) -> Iterator[None]:
    """The file that the system names is the right one here: there are many."""
    try:
        yield
    except OSError as error:
        raise MediaError(f"{error.filename or folder}: {error.strerror}", hint=hint) from error
