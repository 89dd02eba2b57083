"""A folder with pictures, a style of its own, and a manifest."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from stylecli.media.images.files import picture_from_pixels, write_picture

COUNT = 6  # pictures


@pytest.fixture
def folder(tmp_path: Path, tiny_style: Path) -> Path:
    """A folder with pictures and a manifest of them; a copy of the style that a test may change."""
    shutil.copytree(tiny_style, tmp_path / "styles" / "tiny")
    for number in range(COUNT):
        pixels = np.random.default_rng(number).integers(0, 255, (40, 60, 3), np.uint8)
        write_picture(picture_from_pixels(pixels), tmp_path / f"{number}.png")
    rows = [{"input": f"{number}.png", "output": f"out/{number}.png", "style": "tiny"} for number in range(COUNT)]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


@pytest.fixture
def photos(tmp_path: Path, photo_file: Path) -> Path:
    for name in ("photos/a.png", "photos/deep/b.png", "photos/deep/c.gif", "photos/.hidden/d.png", "photos/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo_file, tmp_path / name)
    return tmp_path / "photos"
