from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from stylecli.engine import quantize
from stylecli.errors import MediaError
from stylecli.images import picture_from_pixels, write_picture
from stylecli.training.data import PhotoFolder, read_photo


def test_a_step_sees_the_same_crops_every_time(photo_folder: Path) -> None:
    once, again = PhotoFolder(photo_folder, seed=3), PhotoFolder(photo_folder, seed=3)
    torch.testing.assert_close(once.batch(5, count=2, size=64), again.batch(5, count=2, size=64))


def test_steps_and_seeds_see_different_crops(photo_folder: Path) -> None:
    crops = PhotoFolder(photo_folder).batch(5, count=1, size=64)
    assert not torch.equal(crops, PhotoFolder(photo_folder).batch(6, count=1, size=64))
    assert not torch.equal(crops, PhotoFolder(photo_folder, seed=1).batch(5, count=1, size=64))


def test_photos_in_subfolders_are_found(photo_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(photo_folder, tmp_path / "a" / "b")
    assert len(PhotoFolder(tmp_path).photos) == 4


def test_a_corrupt_photo_is_left_out_counted_and_named_once(photo_folder: Path, tmp_path: Path) -> None:
    shutil.copy(photo_folder / "coffee.png", tmp_path)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
    notes: list[str] = []
    photos = PhotoFolder(tmp_path, note=notes.append)
    for step in range(20):
        assert photos.batch(step, count=1, size=32).shape == (1, 3, 32, 32)
    assert photos.broken == {tmp_path / "broken.png"}
    assert len(notes) == 1
    assert "broken.png" in notes[0]


def test_a_folder_of_corrupt_photos_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_text("no picture")
    with pytest.raises(MediaError, match="1 of 1 photos cannot be read"):
        PhotoFolder(tmp_path).batch(0, count=1, size=32)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no photo"):
        PhotoFolder(tmp_path)


def test_a_photo_smaller_than_the_crop_is_enlarged(photo_folder: Path, tmp_path: Path) -> None:
    small = read_photo(photo_folder / "coffee.png", short_side=20).permute(1, 2, 0).numpy()
    write_picture(picture_from_pixels(quantize(small, np.uint8)), tmp_path / "small.png")
    assert PhotoFolder(tmp_path).batch(0, count=1, size=64).shape == (1, 3, 64, 64)
