from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from stylecli.core.errors import MediaError
from stylecli.media.images.files import picture_from_pixels, write_picture
from stylecli.media.pixels import quantize
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
    photos = PhotoFolder(tmp_path, notice=notes.append)
    for step in range(20):
        assert photos.batch(step, count=1, size=32).shape == (1, 3, 32, 32)
    assert photos.broken == {"broken.png"}
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


def test_a_zip_gives_the_same_crops_as_its_folder(photo_folder: Path, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "photos"), "zip", photo_folder))
    folder, zipped = PhotoFolder(photo_folder), PhotoFolder(archive)
    assert zipped.photos == folder.photos
    assert torch.equal(zipped.batch(3, count=2, size=48), folder.batch(3, count=2, size=48))


def test_a_damaged_photo_in_a_zip_is_named(photo_folder: Path, tmp_path: Path) -> None:
    shutil.copy(photo_folder / "coffee.png", tmp_path)
    archive = Path(shutil.make_archive(str(tmp_path.with_suffix("")), "zip", tmp_path))
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("below/broken.jpg", b"no picture")
    notes: list[str] = []
    photos = PhotoFolder(archive, notice=notes.append)
    for step in range(10):
        photos.batch(step, count=1, size=32)
    assert photos.broken == {"below/broken.jpg"}
    assert "below/broken.jpg" in notes[0]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half of a zip"])
def test_half_a_zip_is_a_media_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "photos.zip").write_bytes(content)
    with pytest.raises(MediaError, match="not a whole zip"):
        PhotoFolder(tmp_path / "photos.zip")


def test_photos_smaller_than_the_crop_are_enlarged_and_told_once(photo_folder: Path) -> None:
    notes: list[str] = []
    photos = PhotoFolder(photo_folder, notice=notes.append)
    for step in range(8):
        assert photos.batch(step, count=1, size=512).shape == (1, 3, 512, 512)
    assert len(photos.small) >= 2
    assert len(notes) == 1


def test_two_shares_of_a_batch_are_the_whole_batch(photo_folder: Path) -> None:
    photos = PhotoFolder(photo_folder)
    shares = [photos.batch(7, count=2, size=32, first=first) for first in (0, 2)]
    assert torch.equal(torch.cat(shares), photos.batch(7, count=4, size=32))
