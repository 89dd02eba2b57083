"""GIMP 3. Its folders: GIMP's manual, "Plug-in folders"."""

from __future__ import annotations

import re

from stylecli.editors.host import Host, python_files
from stylecli.editors.plugin_folders import Machine, PluginFolder, ProfiledEditor, folders_of, profiles

EDITOR = ProfiledEditor(
    title="GIMP",
    version=re.compile(r"3\.\d*[02468]"),  # the stable ones, such as 3.0 and 3.2: each has a profile of its own
    variable="GIMP3_DIRECTORY",
    plugins="plug-ins",
    profile_plugins="plug-ins",
    linux="GIMP",
    macos="GIMP",
    windows="GIMP",
    program="gimp-console",
    flatpak="org.gimp.GIMP",
)


def folders(machine: Machine) -> list[PluginFolder]:
    """Every GIMP 3 of this user; a Snap is found, but refused."""
    snaps = profiles(
        EDITOR,
        machine.home / "snap/gimp/current/.config/GIMP",
        " (Snap)",
        fault="a Snap may start no program outside its sandbox",
        advice="Install GIMP from your distribution or as a Flatpak instead.",
    )
    return [*folders_of(EDITOR, machine), *snaps]


HOST = Host("gimp", "GIMP 3", folders, lambda: python_files("gimp"))
