"""`stylecli plugins`: install, inspect and remove the plug-ins for editors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stylecli.cli import options
from stylecli.cli.console import emit, emit_json, say
from stylecli.cli.parameters import PathType
from stylecli.core.errors import ItemsFailedError, StyleError, UsageError
from stylecli.editors.host import find_host, host_names, list_hosts

if TYPE_CHECKING:
    from stylecli.editors.host import Host
    from stylecli.editors.plugin_folders import PluginFolder
    from stylecli.editors.plugins import Plugin

host_argument = click.argument("host", type=click.Choice(host_names()))
target_option = click.option(
    "--target",
    type=PathType(file_okay=False),
    help="The editor's plug-in folder; default: those that are found.",
)


@click.group(name="plugins")
def command() -> None:
    """List, install and uninstall the plug-ins for editors.

    A plug-in sends pixels to this stylecli and gets them back, see docs/editors.md.
    """


@command.command("list")
@options.as_json
def list_command(as_json: bool) -> None:
    """List the editors that were found, and whether the plug-in is installed and works.

    A folder that `--target` named is listed for resolve and frei0r alone.
    """
    from stylecli.editors.plugins import find_plugins

    for host in list_hosts():
        plugins = find_plugins(host)
        for plugin in plugins:
            _tell(plugin, as_json=as_json)
        if not plugins and not as_json:
            emit(f"{host.title}: not found")


@command.command()
@host_argument
@target_option
@options.as_json
def install(host: str, target: Path | None, as_json: bool) -> None:
    """Install or update the plug-in in every plug-in folder of the editor HOST.

    Exit code 6 if it failed for one of several folders.
    """
    from stylecli.editors.plugins import install as install_into

    known = find_host(host)
    places = _places(known, target)
    usable = [place for place in places if not place.fault] or places
    for place in places:
        if place not in usable:
            say(f"stylecli: {place.editor}: left out, {place.fault}. {place.advice}")
    broken = []
    for place in usable:
        try:
            plugin = install_into(known, place)
        except StyleError as error:
            if len(usable) == 1:
                raise
            say(f"stylecli: {error}")
            broken.append(place.editor)
        else:
            _tell(plugin, as_json=as_json)
            broken += [place.editor] if plugin.fault else []
    if broken:
        raise ItemsFailedError(f"it does not work in {', '.join(broken)}", hint="See above for the reason.")


@command.command()
@host_argument
@target_option
@options.as_json
def uninstall(host: str, target: Path | None, as_json: bool) -> None:
    """Remove everything that `install` wrote, and nothing else."""
    from stylecli.editors.plugins import uninstall as uninstall_from

    known = find_host(host)
    for place in _places(known, target):
        was_there = uninstall_from(known, place)
        if as_json:
            emit_json({"event": "result", "host": host, "folder": place.folder, "removed": was_there})
        else:
            emit(f"{place.editor}: {'removed from' if was_there else 'nothing was in'} {place.folder}")


@command.command()
@host_argument
@target_option
@options.as_json
def check(host: str, target: Path | None, as_json: bool) -> None:
    """Run an installed plug-in without its editor, against the real worker; for resolve and frei0r.

    For resolve it needs LuaJIT: pip install lupa. Exit code 6 if something does not work.
    """
    known = find_host(host)
    if not known.check:
        raise UsageError(f"{host}: its plug-in runs only inside the editor", hint="Start the editor to try it.")
    broken = []
    for place in _places(known, target):
        for one in known.check(place):
            broken += [] if one.is_well else [one.topic]
            if as_json:
                emit_json({"event": "result", "topic": one.topic, "works": one.is_well, "says": one.says})
            else:
                emit(f"{one.topic}: {one.says}")
    say(f"stylecli: {known.check_hint}")
    if broken:
        raise ItemsFailedError(f"it does not work by {', '.join(broken)}", hint="See above for the reason.")


def _places(host: Host, target: Path | None) -> list[PluginFolder]:
    from stylecli.editors.plugin_folders import PluginFolder
    from stylecli.editors.plugins import find_plugins

    if target:
        return [PluginFolder(host.title, target.absolute())]
    if places := [plugin.place for plugin in find_plugins(host)]:
        return places
    raise UsageError(
        f"{host.title}: not found on this machine",
        hint="Start it once, so that it makes its folders, or name its folder of plug-ins by `target`.",
    )


def _tell(plugin: Plugin, *, as_json: bool) -> None:
    if as_json:
        emit_json({"event": "result", **_entry(plugin)})
        return
    emit(plugin.says)
    if plugin.advice:
        emit(f"        {plugin.advice}")


def _entry(plugin: Plugin) -> dict[str, Any]:
    return {
        "host": plugin.host.name,
        "editor": plugin.place.editor,
        "folder": plugin.place.folder,
        "installed": plugin.is_installed,
        "stylecli": plugin.version,
        "fault": plugin.fault,
        "advice": plugin.advice,
    }
