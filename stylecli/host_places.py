"""Where editors look for plug-ins: on Linux, macOS and Windows, as packages of the system, of Flatpak and of Snap.

GIMP: its manual, "Plug-in folders". DaVinci Resolve: the README of its scripting interface.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

FLATPAK_PERMISSION = "org.freedesktop.Flatpak=talk"  # to start programs outside the sandbox
GIMP_FLATPAK = "org.gimp.GIMP"
GIMP_VERSION = re.compile(r"3\.\d*[02468]")  # the stable ones, such as 3.0 and 3.2: each has a profile of its own
ANSWER = 20.0  # seconds that a program may take to tell its version


@dataclass(frozen=True)
class Place:
    """A folder in which one installation of an editor looks for plug-ins.

    fault: why nothing can be installed there; empty if it can. advice: what a person may do then. prefix: what a
    command begins with, so that it runs outside the editor's sandbox.
    """

    editor: str  # with its version, for people
    folder: Path
    fault: str = ""
    advice: str = ""
    prefix: tuple[str, ...] = ()


@dataclass(frozen=True)
class Machine:
    """What decides where things are: the system as `sys.platform` names it, the home folder, the environment."""

    system: str = sys.platform
    home: Path = field(default_factory=Path.home)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)


def gimp_places(machine: Machine) -> list[Place]:
    """Every GIMP 3 of this user: one for each profile that it has, or will have when it is first started."""
    if folder := machine.environment.get("GIMP3_DIRECTORY"):
        return [Place("GIMP 3", Path(folder) / "plug-ins")]
    if machine.system == "darwin":
        return _gimps(machine.home / "Library/Application Support/GIMP")
    if machine.system == "win32":
        return _gimps(_roaming(machine) / "GIMP")
    native = _gimps(_xdg_config(machine) / "GIMP") or _gimp_never_started(machine)
    return [*native, *_gimp_flatpaks(machine), *_gimp_snaps(machine)]


def resolve_places(machine: Machine) -> list[Place]:
    """DaVinci Resolve's Fusion folder of this user."""
    advice = "Install Resolve from Blackmagic Design's own site instead."
    if machine.system == "darwin":
        support = machine.home / "Library/Application Support/Blackmagic Design/DaVinci Resolve"
        store = machine.home / "Library/Containers/com.blackmagic-design.DaVinciResolveLite"
        fault = "the edition of the App Store may start no other program"
        boxed = [Place("DaVinci Resolve (App Store)", store, fault, advice)] if store.is_dir() else []
        return [*_if_there("DaVinci Resolve", support, "Fusion"), *boxed]
    if machine.system == "win32":
        support = _roaming(machine) / "Blackmagic Design/DaVinci Resolve"
        return _if_there("DaVinci Resolve", support, "Support/Fusion")
    return _if_there("DaVinci Resolve", machine.home / ".local/share/DaVinciResolve", "Fusion")


PLACES: Mapping[str, Callable[[Machine], list[Place]]] = {"gimp": gimp_places, "resolve": resolve_places}


def _gimps(profiles: Path, kind: str = "", **facts: str | tuple[str, ...]) -> list[Place]:
    return [
        Place(f"GIMP {profile.name}{kind}", profile / "plug-ins", **facts)  # type: ignore[arg-type]  # names of Place's
        for profile in _subfolders(profiles)
        if GIMP_VERSION.fullmatch(profile.name)
    ]


def _gimp_never_started(machine: Machine) -> list[Place]:
    """A GIMP that has no profile yet, by what the program itself says."""
    program = shutil.which("gimp-console", path=machine.environment.get("PATH", ""))
    if not program:
        return []
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=ANSWER, check=True, stdin=subprocess.DEVNULL
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    version = re.search(r"\b(3\.\d*[02468])\.\d+", answer)
    return [Place(f"GIMP {version[1]}", _xdg_config(machine) / "GIMP" / version[1] / "plug-ins")] if version else []


def _gimp_flatpaks(machine: Machine) -> list[Place]:
    places = _gimps(machine.home / f".var/app/{GIMP_FLATPAK}/config/GIMP", " (Flatpak)")
    if not places:
        return []
    allowed = _flatpak_may_start_programs()
    return [
        Place(
            place.editor,
            place.folder,
            "" if allowed else "this Flatpak may start no program outside its sandbox",
            "" if allowed else f"Allow it: flatpak override --user --talk-name=org.freedesktop.Flatpak {GIMP_FLATPAK}",
            prefix=("flatpak-spawn", "--host"),
        )
        for place in places
    ]


def _flatpak_may_start_programs() -> bool:
    try:
        answer = subprocess.run(
            ["flatpak", "info", "--show-permissions", GIMP_FLATPAK],
            capture_output=True,
            text=True,
            timeout=ANSWER,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return FLATPAK_PERMISSION in answer.stdout.split()


def _gimp_snaps(machine: Machine) -> list[Place]:
    return _gimps(
        machine.home / "snap/gimp/current/.config/GIMP",
        " (Snap)",
        fault="a Snap may start no program outside its sandbox",
        advice="Install GIMP from your distribution or as a Flatpak instead.",
    )


def _if_there(editor: str, home: Path, inside: str) -> list[Place]:
    return [Place(editor, home / inside)] if home.is_dir() else []


def _subfolders(folder: Path) -> Iterable[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if entry.is_dir())
    except OSError:
        return []


def _xdg_config(machine: Machine) -> Path:
    variable = machine.environment.get("XDG_CONFIG_HOME")
    return Path(variable) if variable else machine.home / ".config"


def _roaming(machine: Machine) -> Path:
    variable = machine.environment.get("APPDATA")
    return Path(variable) if variable else machine.home / "AppData/Roaming"
