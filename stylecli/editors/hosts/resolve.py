"""DaVinci Resolve. Its folders: the README of its scripting interface."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stylecli.editors.host import Host
from stylecli.editors.plugin_folders import Machine, PluginFolder, roaming


def folders(machine: Machine) -> list[PluginFolder]:
    """The Fusion folder of this user's DaVinci Resolve; the edition of the App Store is found, but refused."""
    if machine.system == "darwin":
        support = machine.home / "Library/Application Support/Blackmagic Design/DaVinci Resolve"
        store = machine.home / "Library/Containers/com.blackmagic-design.DaVinciResolveLite"
        refused = PluginFolder(
            "DaVinci Resolve (App Store)",
            store,
            "the edition of the App Store may start no other program",
            "Install Resolve from Blackmagic Design's own site instead.",
        )
        return [*_if_there("DaVinci Resolve", support, "Fusion"), *([refused] if store.is_dir() else [])]
    if machine.system == "win32":
        support = roaming(machine) / "Blackmagic Design/DaVinci Resolve"
        return _if_there("DaVinci Resolve", support, "Support/Fusion")
    return _if_there("DaVinci Resolve", machine.home / ".local/share/DaVinciResolve", "Fusion")


def _if_there(editor: str, home: Path, inside: str) -> list[PluginFolder]:
    return [PluginFolder(editor, home / inside)] if home.is_dir() else []


def _files() -> Mapping[str, bytes]:
    return {}


HOST = Host("resolve", "DaVinci Resolve", folders, _files)
