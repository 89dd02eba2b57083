"""DaVinci Resolve and Fusion Studio. Their folders: the README of Resolve's scripting interface.

The editor finds the scripts in its own folders. The scripts find stylecli through the folder of `connection`.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from stylecli.core.files import bundled_folder
from stylecli.editors import connection
from stylecli.editors.connection import Connection
from stylecli.editors.host import Check, Host
from stylecli.editors.plugin_folders import Machine, PluginFolder, roaming

NAME = "resolve"
TITLE = "DaVinci Resolve"
INCLUDE = "-- include stylecli.lua\n"
TEMPLATES = "Templates"
BUNDLE = "stylecli.drfx"
OWN_FILES = ("choices.json", "self-test.json", "*.exit")  # that the scripts write


def folders(machine: Machine) -> list[PluginFolder]:
    """The Fusion folder of this user's DaVinci Resolve, that of Fusion Studio, and others that were named once.

    The edition of the App Store is found, but refused.
    """
    return connection.with_other_places(connection.connection(NAME, machine), TITLE, _usual_folders(machine))


def _usual_folders(machine: Machine) -> list[PluginFolder]:
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


def files() -> Mapping[str, bytes]:
    """The scripts, each with the text of `stylecli.lua` in it (none depends on where another one is), and BUNDLE."""
    source = bundled_folder("plugins") / "resolve"
    shared = (source / "stylecli.lua").read_text(encoding="utf-8")
    found = {}
    for folder in ("Fuses", "Scripts/Comp", "Scripts/Utility", f"{TEMPLATES}/Edit/Effects"):
        for script in sorted((source / folder).glob("*.*")):
            text = script.read_text(encoding="utf-8").replace(INCLUDE, shared)
            found[f"{folder}/stylecli/{script.name}"] = text.encode()
    return {**found, BUNDLE: _bundle(found)}


def _bundle(scripts: Mapping[str, bytes]) -> bytes:
    """A bundle of the templates, which Resolve installs when it is dragged onto its window: a zip of their folders."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as bundle:
        for name, content in scripts.items():
            if name.startswith(f"{TEMPLATES}/"):
                entry = zipfile.ZipInfo(name.removeprefix(f"{TEMPLATES}/"))  # of 1980: the same bytes each time
                bundle.writestr(entry, content)
    return data.getvalue()


def connect(place: PluginFolder, command: Sequence[str]) -> None:
    """Write the folder at the fixed place, or renew it."""
    results = _results(Machine())  # made when there is one
    connection.connect(_connection(), place, command, results=str(results))


def disconnect(place: PluginFolder) -> None:
    """Remove the folder at the fixed place, unless another installation needs it; its worker ends."""
    connection.disconnect(_connection(), place, own=OWN_FILES)


def check(place: PluginFolder) -> Iterator[Check]:
    """Run the installed fuse in LuaJIT against the real worker."""
    from stylecli.editors.fusion.check import check_fuse  # loads numpy, which --help does not need

    return check_fuse(place)


def _connection() -> Connection:
    return connection.connection(NAME, Machine())


def _results(machine: Machine) -> Path:
    """Where the frames and clips go that a timeline or composition uses; they stay when the plug-in goes."""
    return machine.home / ("Movies" if machine.system == "darwin" else "Videos") / "stylecli"


def _if_there(home: Path, inside: str) -> list[PluginFolder]:
    return [PluginFolder(TITLE, home / inside)] if home.is_dir() else []


def _fusion_if_there(folder: Path) -> list[PluginFolder]:
    return [PluginFolder("Fusion Studio", folder)] if folder.is_dir() else []


HOST = Host(
    NAME,
    TITLE,
    folders,
    files,
    connect,
    disconnect,
    fault=lambda _place: connection.fault_of(_connection()),
    styles_changed=lambda: connection.renew_styles(_connection()),
    check=check,
    check_hint="tried in LuaJIT with a stand-in for Fusion, not inside DaVinci Resolve",
)
