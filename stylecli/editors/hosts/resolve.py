"""DaVinci Resolve and Fusion Studio. Their folders: the README of Resolve's scripting interface.

The editor finds the scripts in its own folders. The scripts find stylecli through one folder at a fixed place with an
ASCII name: the configuration, a program that starts stylecli, the worker's folder of jobs.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylecli.core.files import bundled_folder, write_atomically
from stylecli.core.version import __version__
from stylecli.editors.host import Host
from stylecli.editors.plugin_folders import Machine, PluginFolder, roaming

FORMAT = 1  # of the configuration
INCLUDE = "-- include stylecli.lua\n"
UNWANTED = ("PYTHONHOME", "LD_LIBRARY_PATH", "LD_PRELOAD")  # of the editor: another Python stumbles over them


@dataclass(frozen=True)
class Connection:
    """The folder at the fixed place."""

    folder: Path
    is_windows: bool

    @property
    def config(self) -> Path:
        """What the scripts read."""
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


def folders(machine: Machine) -> list[PluginFolder]:
    """The Fusion folder of this user's DaVinci Resolve, and that of Fusion Studio.

    The edition of the App Store is found, but refused.
    """
    if machine.system == "darwin":
        support = machine.home / "Library/Application Support/Blackmagic Design"
        store = machine.home / "Library/Containers/com.blackmagic-design.DaVinciResolveLite"
        refused = PluginFolder(
            "DaVinci Resolve (App Store)",
            store,
            "the edition of the App Store may start no other program",
            "Install Resolve from Blackmagic Design's own site instead.",
        )
        boxed = [refused] if store.is_dir() else []
        return [*_if_there(support / "DaVinci Resolve", "Fusion"), *_fusion_if_there(support / "Fusion"), *boxed]
    if machine.system == "win32":
        support = roaming(machine) / "Blackmagic Design"
        return [*_if_there(support / "DaVinci Resolve", "Support/Fusion"), *_fusion_if_there(support / "Fusion")]
    return [
        *_if_there(machine.home / ".local/share/DaVinciResolve", "Fusion"),
        *_fusion_if_there(machine.home / ".fusion/BlackmagicDesign/Fusion"),
    ]


def connection(machine: Machine) -> Connection:
    """Where the scripts of this user look for stylecli."""
    if machine.system == "darwin":
        return Connection(machine.home / "Library/Application Support/stylecli/resolve", is_windows=False)
    if machine.system == "win32":
        local = machine.environment.get("LOCALAPPDATA", str(machine.home / "AppData/Local"))
        # Lua on Windows opens only files whose names the system's code page has.
        base = local if local.isascii() else machine.environment.get("PROGRAMDATA", "C:/ProgramData")
        return Connection(Path(base) / "stylecli/resolve", is_windows=True)
    return Connection(machine.home / ".config/stylecli/resolve", is_windows=False)


def files() -> Mapping[str, bytes]:
    """The scripts, each with the text of `stylecli.lua` in it: none depends on where another one is."""
    source = bundled_folder("plugins") / "resolve"
    shared = (source / "stylecli.lua").read_text(encoding="utf-8")
    found = {}
    for folder in ("Fuses", "Scripts/Comp", "Scripts/Utility", "Templates/Edit/Effects"):
        for script in sorted((source / folder).glob("*.*")):
            text = script.read_text(encoding="utf-8").replace(INCLUDE, shared)
            found[f"{folder}/stylecli/{script.name}"] = text.encode()
    return found


def connect(place: PluginFolder, command: Sequence[str]) -> None:
    """Write the folder at the fixed place, or renew it."""
    from stylecli.packs.shelves import list_styles  # reads style packs, which --help does not need

    there = connection(Machine())
    known = _read(there)
    made = known.get("made", [])
    for folder in reversed([there.folder, *there.folder.parents]):
        if not folder.exists():
            made = [*made, str(folder)]
    there.folder.mkdir(parents=True, exist_ok=True)
    there.spool.mkdir(mode=0o700, exist_ok=True)
    write_atomically(there.launcher, _launcher(command, is_windows=there.is_windows).encode(), mode=0o755)
    config = {
        "format": FORMAT,
        "version": __version__,
        "folder": str(there.folder),
        "spool": str(there.spool),
        "launcher": str(there.launcher),
        "log": str(there.log),
        "results": str(_results(Machine())),  # made when there is one
        "styles": [{"style": pack.name, "title": pack.card.title} for pack in list_styles(None)],
        "places": sorted({*known.get("places", []), str(place.folder)}),
        "made": made,
    }
    write_atomically(there.config, json.dumps(config, indent=1).encode() + b"\n")


def disconnect(place: PluginFolder) -> None:
    """Remove the folder at the fixed place, unless another installation needs it; its worker ends."""
    from stylecli.editors.spool.worker import stop  # loads onnxruntime, which --help does not need

    there = connection(Machine())
    known = _read(there)
    places = [one for one in known.get("places", []) if one != str(place.folder)]
    if not known:
        return
    if places:
        write_atomically(there.config, json.dumps({**known, "places": places}, indent=1).encode() + b"\n")
        return
    stop(there.spool)
    shutil.rmtree(there.spool, ignore_errors=True)
    shutil.rmtree(there.folder / "jobs", ignore_errors=True)
    for file in (
        there.launcher,
        there.log,
        there.folder / "choices.json",
        there.folder / "self-test.json",
        there.config,
    ):
        file.unlink(missing_ok=True)
    for folder in map(Path, reversed(known.get("made", []))):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def fault() -> str:
    """What is wrong with the folder at the fixed place; empty if all is well."""
    there = connection(Machine())
    known = _read(there)
    if not known:
        return f"{there.config} is missing or damaged"
    if known.get("version") != __version__:
        return f"{there.config} is of stylecli {known.get('version')}, this is {__version__}"
    return "" if there.launcher.is_file() else f"{there.launcher} is missing"


def _results(machine: Machine) -> Path:
    """Where the frames and clips go that a timeline or composition uses; they stay when the plug-in goes."""
    return machine.home / ("Movies" if machine.system == "darwin" else "Videos") / "stylecli"


def _launcher(command: Sequence[str], *, is_windows: bool) -> str:
    if is_windows:
        words = " ".join(f'"{word}"' for word in command)
        unset = "".join(f"set {name}=\r\n" for name in UNWANTED)
        return f'@echo off\r\nchcp 65001 >nul\r\n{unset}cd /d "%USERPROFILE%"\r\n{words} %*\r\n'
    return f'#!/bin/sh\nunset {" ".join(UNWANTED)}\ncd\nexec {shlex.join(command)} "$@"\n'


def _read(there: Connection) -> dict[str, Any]:
    """The configuration that is there; empty without one."""
    try:
        known = json.loads(there.config.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _if_there(home: Path, inside: str) -> list[PluginFolder]:
    return [PluginFolder("DaVinci Resolve", home / inside)] if home.is_dir() else []


def _fusion_if_there(folder: Path) -> list[PluginFolder]:
    return [PluginFolder("Fusion Studio", folder)] if folder.is_dir() else []


HOST = Host("resolve", "DaVinci Resolve", folders, files, connect, disconnect, fault)
