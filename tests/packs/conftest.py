"""A shelf, and a style that is not on it yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.packs import StyleFactory


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    return tmp_path / "shelf"


@pytest.fixture
def stranger(make_style: StyleFactory, tmp_path: Path) -> Path:
    """Give the folder of a good pack that is on no shelf yet."""
    return make_style(tmp_path / "downloads", "wave")
