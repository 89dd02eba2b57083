"""Blender. Its folders: Blender's manual, "Blender's Directory Layout"."""

from __future__ import annotations

import re

from stylecli.editors.host import Host, python_files
from stylecli.editors.plugin_folders import Machine, PluginFolder, ProfiledEditor, folders_of

EDITOR = ProfiledEditor(
    title="Blender",
    version=re.compile(r"[3-9]\.\d+"),
    variable="BLENDER_USER_SCRIPTS",
    plugins="addons",
    profile_plugins="scripts/addons",
    linux="blender",
    macos="Blender",
    windows="Blender Foundation/Blender",
    program="blender",
    flatpak="org.blender.Blender",
)


def folders(machine: Machine) -> list[PluginFolder]:
    """Every Blender of this user."""
    return folders_of(EDITOR, machine)


HOST = Host("blender", "Blender", folders, lambda: python_files("blender"))
