"""frei0r, the filters of ffmpeg, Kdenlive and GStreamer. The folder: frei0r's specification, "Plugin Locations"."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from stylecli.core.errors import UsageError
from stylecli.editors import connection
from stylecli.editors.connection import Connection
from stylecli.editors.frei0r import build, kdenlive
from stylecli.editors.host import Check, Host
from stylecli.editors.plugin_folders import Machine, PluginFolder

NAME = "frei0r"
TITLE = "frei0r"
PROGRAMS = {  # that load frei0r filters, with what people call them
    "ffmpeg": "ffmpeg",
    "kdenlive": "Kdenlive",
    "melt": "MLT",
    "gst-launch-1.0": "GStreamer",
}
FOLDER = ".frei0r-1/lib"


def folders(machine: Machine) -> list[PluginFolder]:
    """The folder of this user, on Linux, if there is a program that looks into it, and others that were named once."""
    path = machine.environment.get("PATH", "")
    found = [title for program, title in PROGRAMS.items() if shutil.which(program, path=path)]
    if machine.system != "linux":
        return []
    has_compiler = build.find_compiler(machine.environment)
    usual = PluginFolder(
        f"{TITLE} ({', '.join(found)})",
        machine.home / FOLDER,
        "" if has_compiler else "there is no C compiler",
        "" if has_compiler else build.ADVICE,
    )
    there = connection.connection(NAME, machine)
    return connection.with_other_places(there, TITLE, [usual] if found else [])


def connect(place: PluginFolder, command: Sequence[str]) -> None:
    """Compile the filter, and write the folder by which it finds stylecli."""
    if Machine().system != "linux":
        raise UsageError("the frei0r filter is for Linux only", hint="See docs/editors.md for other ways.")
    build.build(_library(place))
    folder = kdenlive.effects_folder(Machine())
    has_kdenlive = folder.parent.is_dir() or shutil.which("kdenlive")
    connection.connect(_connection(), place, command, also=[folder] if has_kdenlive else [])
    if has_kdenlive:
        _describe(folder)


def disconnect(place: PluginFolder) -> None:
    """Remove the filter; and the folder by which it finds stylecli, unless another place needs it."""
    build.remove(_library(place))
    is_last = connection.places(_connection()) == [str(place.folder)]
    if is_last:
        kdenlive.remove_effect(kdenlive.effects_folder(Machine()))
    connection.disconnect(_connection(), place)


def fault(place: PluginFolder) -> str:
    """What is wrong with the filter or with its way to stylecli."""
    return build.fault_of_library(_library(place)) or connection.fault_of(_connection())


def styles_changed() -> None:
    """Renew the lists of styles, that of Kdenlive too."""
    connection.renew_styles(_connection())
    folder = kdenlive.effects_folder(Machine())
    if (folder / kdenlive.FILE).exists():
        _describe(folder)


def check(place: PluginFolder) -> Iterator[Check]:
    """Paint frames by the installed filter, in this process and by ffmpeg."""
    from stylecli.editors.frei0r.check import check_filter  # loads numpy, which --help does not need

    return check_filter(_library(place))


def _describe(folder: Path) -> None:
    kdenlive.write_effect(folder, [(one["style"], one["title"]) for one in connection.installed_styles()])


def _library(place: PluginFolder) -> Path:
    return place.folder / build.LIBRARY


def _connection() -> Connection:
    return connection.connection(NAME, Machine())


HOST = Host(
    NAME,
    TITLE,
    folders,
    lambda: {build.SOURCE: build.source()},
    connect,
    disconnect,
    fault,
    styles_changed,
    check,
    check_hint="tried in this process, and in the ffmpeg of this machine if that has frei0r",
)
