"""The parameter types of the command line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stylecli.cli.parameters import PathType


def test_permissions_are_left_to_the_reader_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photo.jpg").touch()
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read every file
    assert PathType().convert(str(tmp_path / "photo.jpg"), None, None) == tmp_path / "photo.jpg"
