"""A plug-in as the installer puts it, for a user of its own who has two styles."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from stylecli.editors.host import Host
from stylecli.editors.plugin_folders import PluginFolder
from stylecli.editors.plugins import install, uninstall
from tests.support.packs import write_style

ROOT = Path(__file__).parents[2]
OWN = {"worker.lock", "worker.json", "worker.beat", "styles.json", "cache"}  # a worker's own files


@dataclass
class InstalledPlugin:
    """The plug-in, with its connection in a home of its own."""

    host: Host
    home: Path
    place: PluginFolder
    shelf: Path

    @property
    def folder(self) -> Path:
        return self.home / ".config/stylecli" / self.host.name

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    @property
    def worker_pid(self) -> int:
        return int(json.loads((self.spool / "worker.json").read_text())["pid"])

    def change_config(self, **values: object) -> None:
        config = self.folder / "config.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), **values}))

    def left(self) -> set[str]:
        """What is in the spool beside the worker's own files."""
        return {file.name for file in self.spool.iterdir()} - OWN


@contextmanager
def installed_plugin(host: Host, folder: Path, place: Path) -> Iterator[InstalledPlugin]:
    """Install a plug-in into `place` for a user whose home is below `folder`; its worker ends with the `with`."""
    shelf, home = folder / "styles", folder / "home"
    write_style(shelf)
    write_style(shelf, "zebra", title="Another One")
    home.mkdir()
    target = PluginFolder(host.title, place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("STYLECLI_STYLES", str(shelf))
        patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
        assert install(host, target).fault == ""
    installed = InstalledPlugin(host, home, target, shelf)
    launcher = installed.folder / "stylecli.sh"
    settings = {"STYLECLI_STYLES": shelf, "PYTHONPATH": ROOT}  # as this user's session has them
    lines = "".join(f"export {name}={shlex.quote(str(value))}\n" for name, value in settings.items())
    launcher.write_text(launcher.read_text().replace("exec", f"{lines}exec"))
    yield installed
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        uninstall(host, target)
