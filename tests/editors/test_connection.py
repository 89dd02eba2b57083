from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stylecli.editors.connection import connect, connection, disconnect, places
from stylecli.editors.plugin_folders import Machine, PluginFolder


def test_installations_at_the_same_time_all_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    there = connection("resolve", Machine(system="linux", home=tmp_path, environment={}))
    found = [PluginFolder("Resolve", tmp_path / f"place{number}") for number in range(12)]
    with ThreadPoolExecutor(len(found)) as pool:
        list(pool.map(lambda place: connect(there, place, ["stylecli"]), found))
    assert places(there) == sorted(str(place.folder) for place in found)
    assert str(tmp_path / ".config") in json.loads(there.config.read_text())["made"]
    with ThreadPoolExecutor(len(found)) as pool:
        list(pool.map(lambda place: disconnect(there, place), found))
    assert list(tmp_path.iterdir()) == []
