from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stylecli.editors.fusion.host import FusionHost
from stylecli.editors.host import find_host
from stylecli.editors.plugin_folders import PluginFolder
from stylecli.editors.plugins import install, uninstall
from tests.support.packs import StyleFactory

RESOLVE = find_host("resolve")
ROOT = Path(__file__).parents[3]


@dataclass
class Installation:
    """The plug-in as the installer puts it, with its fixed place in a home of its own."""

    home: Path
    place: PluginFolder
    shelf: Path

    @property
    def folder(self) -> Path:
        return self.home / ".config/stylecli/resolve"

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    @property
    def fuse(self) -> str:
        return (self.place.folder / "Fuses/stylecli/Stylize.fuse").read_text()

    def node(self, **how: Any) -> FusionHost:
        """A node of the installed fuse, with the style `tiny`."""
        node = FusionHost(self.fuse, **{"environment": {"HOME": str(self.home)}, **how})
        node.set(Style="tiny")
        return node

    def change_config(self, **values: object) -> None:
        config = self.folder / "config.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), **values}))

    def left(self) -> set[str]:
        """What is in the spool beside the worker's own files."""
        own = {"worker.lock", "worker.json", "worker.beat", "styles.json", "cache"}
        return {file.name for file in self.spool.iterdir()} - own


@pytest.fixture
def installed(tmp_path: Path, make_style: StyleFactory) -> Iterator[Installation]:
    """Install the plug-in for a user who has two styles; a worker that it started is ended."""
    with _installed(tmp_path, make_style) as installation:
        yield installation


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, make_style: StyleFactory) -> Iterator[Installation]:
    """Give an installation for many tests, with one worker. Nothing of it is changed."""
    with _installed(tmp_path_factory.mktemp("shared"), make_style) as installation:
        yield installation


@contextmanager
def _installed(folder: Path, make_style: StyleFactory) -> Iterator[Installation]:
    pytest.importorskip("lupa", reason="needs lupa, which is LuaJIT")
    shelf, home = folder / "styles", folder / "home"
    make_style(shelf)
    make_style(shelf, "zebra", title="Another One")
    home.mkdir()
    place = PluginFolder("DaVinci Resolve", folder / "Fusion")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("STYLECLI_STYLES", str(shelf))
        patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
        assert install(RESOLVE, place).fault == ""
    installation = Installation(home, place, shelf)
    launcher = installation.folder / "stylecli.sh"
    settings = {"STYLECLI_STYLES": shelf, "PYTHONPATH": ROOT}  # as this user's session has them
    lines = "".join(f"export {name}={shlex.quote(str(value))}\n" for name, value in settings.items())
    launcher.write_text(launcher.read_text().replace("exec", f"{lines}exec"))
    yield installation
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        uninstall(RESOLVE, place)
