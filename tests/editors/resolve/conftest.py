from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from stylecli.editors.fusion.host import FusionHost
from stylecli.editors.host import find_host
from tests.support.installed_plugins import InstalledPlugin, installed_plugin

RESOLVE = find_host("resolve")


class Installation(InstalledPlugin):
    """The installed plug-in of DaVinci Resolve."""

    @property
    def fuse(self) -> str:
        return (self.place.folder / "Fuses/stylecli/Stylize.fuse").read_text()

    def node(self, **how: Any) -> FusionHost:
        """A node of the installed fuse, with the style `tiny`."""
        node = FusionHost(self.fuse, **{"environment": {"HOME": str(self.home)}, **how})
        node.set(Style="tiny")
        return node


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installation]:
    """Install the plug-in for a user who has two styles; a worker that it started is ended."""
    with _installed(tmp_path) as installation:
        yield installation


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Give an installation for many tests, with one worker. Nothing of it is changed."""
    with _installed(tmp_path_factory.mktemp("shared")) as installation:
        yield installation


@contextmanager
def _installed(folder: Path) -> Iterator[Installation]:
    pytest.importorskip("lupa", reason="needs lupa, which is LuaJIT")
    with installed_plugin(RESOLVE, folder, folder / "Fusion") as plugin:
        yield Installation(plugin.host, plugin.home, plugin.place, plugin.shelf)
