"""The folder by which a plug-in without Python finds stylecli: configuration, launcher, folder of jobs.

It stands at a fixed place, so that no plug-in has to search. Its name is plain ASCII.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stylecli.core.files import alone_in, write_atomically
from stylecli.core.version import __version__
from stylecli.editors.plugin_folders import Machine, PluginFolder

FORMAT = 1  # of the configuration
UNWANTED = ("PYTHONHOME", "LD_LIBRARY_PATH", "LD_PRELOAD")  # of the editor: another Python stumbles over them


@dataclass(frozen=True)
class Connection:
    """The folder at the fixed place."""

    folder: Path
    is_windows: bool = False

    @property
    def config(self) -> Path:
        """What the plug-in reads."""
        return self.folder / "config.json"

    @property
    def spool(self) -> Path:
        """The worker's folder of jobs."""
        return self.folder / "spool"

    @property
    def log(self) -> Path:
        """The worker's messages."""
        return self.folder / "log.txt"

    @property
    def launcher(self) -> Path:
        """A program that starts stylecli with the arguments that it is given."""
        return self.folder / ("stylecli.cmd" if self.is_windows else "stylecli.sh")


def connection(host: str, machine: Machine) -> Connection:
    """Where the plug-in of a host, by its name, looks for stylecli."""
    if machine.system == "darwin":
        return Connection(machine.home / "Library/Application Support/stylecli" / host)
    if machine.system == "win32":
        local = machine.environment.get("LOCALAPPDATA", str(machine.home / "AppData/Local"))
        # Lua on Windows opens only files whose names the system's code page has.
        base = local if local.isascii() else machine.environment.get("PROGRAMDATA", "C:/ProgramData")
        return Connection(Path(base) / "stylecli" / host, is_windows=True)
    return Connection(machine.home / ".config/stylecli" / host)


def connect(
    there: Connection, place: PluginFolder, command: Sequence[str], *, also: Sequence[Path] = (), **more: str
) -> None:
    """Write the folder, or renew it, for a plug-in that is installed in `place`.

    also: other folders that the plug-in needs; those that are made here go with the connection. `more` goes into the
    configuration.
    """
    with alone_in(Path.home()):
        _connect(there, place, command, also, more)


def disconnect(there: Connection, place: PluginFolder, *, own: Sequence[str] = ()) -> None:
    """Remove the folder, unless the plug-in is installed in another place too; its worker ends.

    own: patterns of files that the plug-in itself has written there.
    """
    with alone_in(Path.home()):
        _disconnect(there, place, own)


def places(there: Connection) -> list[str]:
    """The folders in which the plug-in is installed."""
    return list(_read(there).get("places", []))


def with_other_places(there: Connection, editor: str, found: Sequence[PluginFolder]) -> list[PluginFolder]:
    """The folders that were `found` for an editor, and those in which its plug-in was installed by their names."""
    others = (Path(one) for one in places(there) if Path(one) not in {place.folder for place in found})
    return [*found, *(PluginFolder(editor, other) for other in others if other.is_dir())]


def renew_styles(there: Connection) -> None:
    """Write the list of styles anew, where the folder is there."""
    with alone_in(Path.home()):
        if known := _read(there):
            _write(there, {**known, "styles": installed_styles()})


def fault_of(there: Connection) -> str:
    """What is wrong with the folder; empty if all is well."""
    known = _read(there)
    if not known:
        return f"{there.config} is missing or damaged"
    if known.get("version") != __version__:
        return f"{there.config} is of stylecli {known.get('version')}, this is {__version__}"
    if not there.launcher.is_file():
        return f"{there.launcher} is missing"
    for folder in (there.folder, there.spool):  # the worker makes a spool that was removed
        if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
            return f"{folder} may not be written"
    return ""


def installed_styles() -> list[dict[str, str]]:
    """The name and title of every style, as plug-ins list them."""
    from stylecli.packs.shelves import list_styles  # reads style packs, which --help does not need

    return [{"style": pack.name, "title": pack.card.title} for pack in list_styles(None)]


def _connect(
    there: Connection, place: PluginFolder, command: Sequence[str], also: Sequence[Path], more: Mapping[str, str]
) -> None:
    known = _read(there)
    made = known.get("made", [])
    for needed in (there.folder, *also):
        made = [*made, *(str(folder) for folder in reversed([needed, *needed.parents]) if not folder.exists())]
        needed.mkdir(parents=True, exist_ok=True)
    config = {
        "format": FORMAT,
        "version": __version__,
        "folder": str(there.folder),
        "spool": str(there.spool),
        "launcher": str(there.launcher),
        "log": str(there.log),
        **more,
        "styles": installed_styles(),
        "places": sorted({*places(there), str(place.folder)}),
        "made": made,
    }
    _write(there, config)  # first: whatever happens then, `disconnect` knows that there is something to remove
    there.spool.mkdir(mode=0o700, exist_ok=True)
    write_atomically(there.launcher, _launcher(command, is_windows=there.is_windows).encode(), mode=0o755)


def _disconnect(there: Connection, place: PluginFolder, own: Sequence[str]) -> None:
    from stylecli.editors.spool.worker import stop  # loads onnxruntime, which --help does not need

    known = _read(there)
    others = [one for one in places(there) if one != str(place.folder)]
    if not known:
        return
    if others:
        _write(there, {**known, "places": others})
        return
    stop(there.spool)
    for folder in (there.spool, there.folder / "jobs"):
        shutil.rmtree(folder, ignore_errors=True)
    for file in (there.launcher, there.log, *(file for name in own for file in there.folder.glob(name)), there.config):
        file.unlink(missing_ok=True)
    for folder in (there.folder, *map(Path, reversed(known.get("made", [])))):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    left = [one for one in known.get("made", []) if Path(one).is_dir()]
    for config in sorted(there.folder.parent.glob("*/config.json"))[:1]:  # another plug-in, which goes later
        sibling = replace(there, folder=config.parent)
        theirs = _read(sibling)
        _write(sibling, {**theirs, "made": [*left, *theirs.get("made", [])]})


def _launcher(command: Sequence[str], *, is_windows: bool) -> str:
    if is_windows:
        words = " ".join(f'"{word}"' for word in command)
        unset = "".join(f"set {name}=\r\n" for name in UNWANTED)
        return f'@echo off\r\nchcp 65001 >nul\r\n{unset}cd /d "%USERPROFILE%"\r\n{words} %*\r\n'
    return f'#!/bin/sh\nunset {" ".join(UNWANTED)}\ncd\nexec {shlex.join(command)} "$@"\n'


def _write(there: Connection, config: dict[str, Any]) -> None:
    write_atomically(there.config, json.dumps(config, indent=1).encode() + b"\n")


def _read(there: Connection) -> dict[str, Any]:
    """The configuration that is there; empty without one."""
    try:
        known = json.loads(there.config.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
