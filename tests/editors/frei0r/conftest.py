from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stylecli.editors.frei0r.build import LIBRARY, find_compiler
from stylecli.editors.frei0r.library import Frei0rFilter
from stylecli.editors.host import find_host
from tests.support.installed_plugins import InstalledPlugin, installed_plugin

FREI0R = find_host("frei0r")


class Installation(InstalledPlugin):
    """The installed filter. Its process's HOME is that of the user who has it."""

    @property
    def library(self) -> Path:
        return self.place.folder / LIBRARY

    def filter(self, width: int, height: int, **values: float | str) -> Frei0rFilter:
        """The filter as an editor loads it, with the style `tiny`."""
        loaded = Frei0rFilter(self.library, width, height)
        loaded.set(**{"style": "tiny", **values})
        return loaded


@pytest.fixture(autouse=True)
def _where_it_can_be_built() -> None:
    if sys.platform != "linux" or not find_compiler(os.environ):
        pytest.skip("needs Linux and a C compiler")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """Install the filter for a user who has two styles; a worker that it started is ended."""
    with installed_plugin(FREI0R, tmp_path, tmp_path / "home/.frei0r-1/lib") as plugin:
        monkeypatch.setenv("HOME", str(plugin.home))
        yield Installation(plugin.host, plugin.home, plugin.place, plugin.shelf)


@pytest.fixture(scope="module")
def shared_plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    if sys.platform != "linux" or not find_compiler(os.environ):
        pytest.skip("needs Linux and a C compiler")
    folder = tmp_path_factory.mktemp("shared")
    with installed_plugin(FREI0R, folder, folder / "home/.frei0r-1/lib") as plugin:
        yield Installation(plugin.host, plugin.home, plugin.place, plugin.shelf)


@pytest.fixture
def shared(shared_plugin: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Give an installation for many tests, with one worker. Nothing of it is changed."""
    monkeypatch.setenv("HOME", str(shared_plugin.home))
    return shared_plugin
