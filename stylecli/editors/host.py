"""An editor with a plug-in: its name, where it looks for plug-ins, the files of ours. The list of all of them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from stylecli.core.errors import UsageError
from stylecli.core.files import bundled_folder
from stylecli.editors import hosts
from stylecli.editors.plugin_folders import Machine, PluginFolder


@dataclass(frozen=True)
class Check:
    """One thing that was tried with an installed plug-in."""

    topic: str
    is_well: bool
    says: str


@dataclass(frozen=True)
class Host:
    """An editor. `stylecli plugins`, `stylecli doctor` and the installer know it by this alone.

    name: what the commands call it. title: what people call it. folders: every folder of a machine in which it looks
    for plug-ins. files: what is installed there, content by name; a name with folders is relative to the folder of
    plug-ins, one without is in its subfolder `stylecli`. connect, disconnect: what else has to be done after an
    installation, with the command that starts stylecli, and before its removal. fault: what is wrong with that.
    styles_changed: called after a style was added or removed. check: tries an installed plug-in without the editor, and
    check_hint says how; None where that is impossible.
    """

    name: str
    title: str
    folders: Callable[[Machine], list[PluginFolder]]
    files: Callable[[], Mapping[str, bytes]]
    connect: Callable[[PluginFolder, Sequence[str]], None] = lambda _folder, _command: None
    disconnect: Callable[[PluginFolder], None] = lambda _folder: None
    fault: Callable[[PluginFolder], str] = lambda _folder: ""
    styles_changed: Callable[[], None] = lambda: None
    check: Callable[[PluginFolder], Iterator[Check]] | None = None
    check_hint: str = ""


def host_names() -> list[str]:
    """The names of all editors, without loading any."""
    return sorted(module.name for module in pkgutil.iter_modules(hosts.__path__))


def list_hosts() -> list[Host]:
    """All editors, by name."""
    return [find_host(name) for name in host_names()]


def find_host(name: str) -> Host:
    """The editor of a name.

    Raises:
        UsageError: there is none.
    """
    if name not in host_names():
        raise UsageError(f"{name}: no such editor", hint=f"Give {', '.join(host_names())}.")
    host = importlib.import_module(f"{hosts.__name__}.{name}").HOST
    assert isinstance(host, Host)
    return host


def tell_styles_changed() -> None:
    """Let every installed plug-in that keeps a list of styles renew it."""
    for host in list_hosts():
        host.styles_changed()


def python_files(name: str) -> dict[str, bytes]:
    """The plug-in of an editor that runs Python: its own files, and those that all of them share."""
    plugins = bundled_folder("plugins")
    own, shared = (sorted(folder.glob("*.py")) for folder in (plugins / name / "stylecli", plugins / "shared"))
    return {file.name: file.read_bytes() for file in (*own, *shared)}
