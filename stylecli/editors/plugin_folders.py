"""Where editors look for plug-ins on Linux, macOS and Windows: packages of the system, Flatpaks, Snaps."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

FLATPAK_PERMISSION = "org.freedesktop.Flatpak=talk"  # to start programs outside the sandbox
ANSWER = 20.0  # seconds that a program may take to tell its version


@dataclass(frozen=True)
class PluginFolder:
    """A folder in which one installation of an editor looks for plug-ins.

    fault: why nothing can be installed there; empty if it can. advice: what a user can do then. prefix: the first
    words of a command that is to run outside the editor's sandbox.
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
class ProfiledEditor:
    """An editor that keeps a profile (a folder of settings) for each version, with a folder of plug-ins below it."""

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


def folders_of(editor: ProfiledEditor, machine: Machine) -> list[PluginFolder]:
    """One folder for each profile that a user has, or will have once the editor was started."""
    if folder := machine.environment.get(editor.variable):
        return [PluginFolder(editor.title, Path(folder) / editor.plugins)]
    if machine.system == "darwin":
        return profiles(editor, machine.home / "Library/Application Support" / editor.macos)
    if machine.system == "win32":
        return profiles(editor, roaming(machine) / editor.windows)
    return [*_native(editor, machine), *_flatpaks(editor, machine)]


def profiles(
    editor: ProfiledEditor, folder: Path, kind: str = "", *, fault: str = "", advice: str = ""
) -> list[PluginFolder]:
    """The profiles below a folder; `kind` is added to the editor's name."""
    return [
        PluginFolder(f"{editor.title} {profile.name}{kind}", profile / editor.profile_plugins, fault, advice)
        for profile in _subfolders(folder)
        if editor.version.fullmatch(profile.name)
    ]


def _native(editor: ProfiledEditor, machine: Machine) -> list[PluginFolder]:
    """On Linux: by the profiles. Without a profile, by the version that the program prints."""
    folder = _xdg_config(machine) / editor.linux
    if found := profiles(editor, folder):
        return found
    program = shutil.which(editor.program, path=machine.environment.get("PATH", ""))
    answer = _answer([program, "--version"]) if program else ""
    version = re.search(rf"(?<![\d.])({editor.version.pattern})\.\d+", answer)
    return (
        [PluginFolder(f"{editor.title} {version[1]}", folder / version[1] / editor.profile_plugins)] if version else []
    )


def _flatpaks(editor: ProfiledEditor, machine: Machine) -> list[PluginFolder]:
    folder = machine.home / f".var/app/{editor.flatpak}/config" / editor.linux
    found = profiles(editor, folder, " (Flatpak)")
    if not found:
        return []
    if FLATPAK_PERMISSION in _answer(["flatpak", "info", "--show-permissions", editor.flatpak]).split():
        return [replace(place, prefix=("flatpak-spawn", "--host")) for place in found]
    fault = "this Flatpak may start no program outside its sandbox"
    advice = f"Allow it: flatpak override --user --talk-name=org.freedesktop.Flatpak {editor.flatpak}"
    return [replace(place, fault=fault, advice=advice) for place in found]


def _answer(command: list[str]) -> str:
    """The standard output of a program; empty if it cannot be run or fails."""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=ANSWER, check=True, stdin=subprocess.DEVNULL
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def _subfolders(folder: Path) -> Iterable[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if entry.is_dir())
    except OSError:
        return []


def _xdg_config(machine: Machine) -> Path:
    variable = machine.environment.get("XDG_CONFIG_HOME")
    return Path(variable) if variable else machine.home / ".config"


def roaming(machine: Machine) -> Path:
    """Windows' folder for the settings of programs."""
    variable = machine.environment.get("APPDATA")
    return Path(variable) if variable else machine.home / "AppData/Roaming"
