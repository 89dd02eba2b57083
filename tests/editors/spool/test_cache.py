from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from stylecli.editors.spool.cache import FrameCache, key_of


def test_the_frames_that_were_used_longest_ago_go_first(tmp_path: Path) -> None:
    cache = FrameCache(tmp_path / "cache", bytes_max=40)
    for age, key in enumerate(("a", "b", "c", "d")):
        cache.put(key, bytes(10))
        os.utime(tmp_path / "cache" / key, (1000 + age, 1000 + age))
    assert cache.get("a") == bytes(10)  # used now
    cache.put("e", bytes(20))
    assert {file.name for file in (tmp_path / "cache").iterdir()} == {"a", "d", "e"}


def test_on_a_full_disk_frames_leave_as_much_room_as_they_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def usage(folder: Path) -> SimpleNamespace:  # of a disk with 100 bytes
        return SimpleNamespace(free=100 - sum(file.stat().st_size for file in folder.iterdir()))

    monkeypatch.setattr(shutil, "disk_usage", usage)
    cache = FrameCache(tmp_path / "cache")
    for age, key in enumerate("abcdefgh"):
        cache.put(key, bytes(12))
        os.utime(tmp_path / "cache" / key, (1000 + age, 1000 + age))
    assert {file.name for file in (tmp_path / "cache").iterdir()} == set("efgh")


def test_a_folder_that_cannot_be_written_is_a_miss(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    cache = FrameCache(tmp_path / "cache")
    cache.put("a", b"frame")
    assert cache.get("a") is None


def test_a_key_tells_its_parts_apart() -> None:
    assert key_of("ab", "c") != key_of("a", "bc")
    assert key_of(b"a") == key_of("a")


def test_what_a_killed_worker_had_begun_to_write_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".0123456789abcdef").write_bytes(b"half a frame")
    (tmp_path / "frame").write_bytes(b"whole")
    cache = FrameCache(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["frame"]
    assert cache.get("frame") == b"whole"
