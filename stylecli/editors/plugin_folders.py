"""Where editors look for plug-ins: on Linux, macOS and Windows, as packages of the system, of Flatpak and of Snap.

GIMP: its manual, "Plug-in folders". Blender: its manual, "Blender's Directory Layout". DaVinci Resolve: the README of
its scripting interface.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

FLATPAK_PERMISSION = "org.freedesktop.Flatpak=talk"  # to start programs outside the sandbox
GIMP_VERSION = re.compile(r"3\.\d*[02468]")  # the stable ones, such as 3.0 and 3.2: each has a profile of its own
BLENDER_VERSION = re.compile(r"[3-9]\.\d+")
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


@dataclass(frozen=True)
class _Editor:
    """An editor with a profile, a folder of settings, for each of its versions; below it a folder of plug-ins."""

    title: str
    version: re.Pattern[str]
    variable: str  # of the environment: a folder that takes the profile's place
    plugins: str  # in such a folder
    profile_plugins: str  # in a profile
    linux: str  # where the profiles are, below the folder of configurations
    macos: str  # below that of supporting files
    windows: str  # below that of roaming ones
    program: str
    flatpak: str


GIMP = _Editor(
    title="GIMP",
    version=GIMP_VERSION,
    variable="GIMP3_DIRECTORY",
    plugins="plug-ins",
    profile_plugins="plug-ins",
    linux="GIMP",
    macos="GIMP",
    windows="GIMP",
    program="gimp-console",
    flatpak="org.gimp.GIMP",
)
BLENDER = _Editor(
    title="Blender",
    version=BLENDER_VERSION,
    variable="BLENDER_USER_SCRIPTS",
    plugins="addons",
    profile_plugins="scripts/addons",
    linux="blender",
    macos="Blender",
    windows="Blender Foundation/Blender",
    program="blender",
    flatpak="org.blender.Blender",
)


def gimp_places(machine: Machine) -> list[Place]:
    """Every GIMP 3 of this user: one for each profile that it has, or will have when it is first started."""
    snaps = _profiles(
        GIMP,
        machine.home / "snap/gimp/current/.config/GIMP",
        " (Snap)",
        fault="a Snap may start no program outside its sandbox",
        advice="Install GIMP from your distribution or as a Flatpak instead.",
    )
    return [*_places(GIMP, machine), *snaps]


def blender_places(machine: Machine) -> list[Place]:
    """Every Blender of this user, as those of GIMP."""
    return _places(BLENDER, machine)


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


PLACES: Mapping[str, Callable[[Machine], list[Place]]] = {
    "gimp": gimp_places,
    "blender": blender_places,
    "resolve": resolve_places,
}


def _places(editor: _Editor, machine: Machine) -> list[Place]:
    if folder := machine.environment.get(editor.variable):
        return [Place(editor.title, Path(folder) / editor.plugins)]
    if machine.system == "darwin":
        return _profiles(editor, machine.home / "Library/Application Support" / editor.macos)
    if machine.system == "win32":
        return _profiles(editor, _roaming(machine) / editor.windows)
    return [*_native(editor, machine), *_flatpaks(editor, machine)]


def _profiles(editor: _Editor, folder: Path, kind: str = "", *, fault: str = "", advice: str = "") -> list[Place]:
    return [
        Place(f"{editor.title} {profile.name}{kind}", profile / editor.profile_plugins, fault, advice)
        for profile in _subfolders(folder)
        if editor.version.fullmatch(profile.name)
    ]


def _native(editor: _Editor, machine: Machine) -> list[Place]:
    """On Linux: by the profiles; of an editor that has none yet, by what the program itself says."""
    folder = _xdg_config(machine) / editor.linux
    if places := _profiles(editor, folder):
        return places
    program = shutil.which(editor.program, path=machine.environment.get("PATH", ""))
    answer = _answer([program, "--version"]) if program else ""
    version = re.search(rf"(?<![\d.])({editor.version.pattern})\.\d+", answer)
    return [Place(f"{editor.title} {version[1]}", folder / version[1] / editor.profile_plugins)] if version else []


def _flatpaks(editor: _Editor, machine: Machine) -> list[Place]:
    folder = machine.home / f".var/app/{editor.flatpak}/config" / editor.linux
    places = _profiles(editor, folder, " (Flatpak)")
    if not places:
        return []
    if FLATPAK_PERMISSION in _answer(["flatpak", "info", "--show-permissions", editor.flatpak]).split():
        return [replace(place, prefix=("flatpak-spawn", "--host")) for place in places]
    fault = "this Flatpak may start no program outside its sandbox"
    advice = f"Allow it: flatpak override --user --talk-name=org.freedesktop.Flatpak {editor.flatpak}"
    return [replace(place, fault=fault, advice=advice) for place in places]


def _answer(command: list[str]) -> str:
    """What a program says; nothing if it cannot be run or fails."""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=ANSWER, check=True, stdin=subprocess.DEVNULL
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


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
