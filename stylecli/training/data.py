"""Photos for training: random crops that depend only on the seed and the step, so that a resumed run sees the same."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stylecli.core.errors import MediaError
from stylecli.core.progress import Notice
from stylecli.media.images.files import READABLE, read_picture
from stylecli.media.pixels import to_unit
from stylecli.media.resizing import at_short_side

ZOOM = (1.0, 1.4)  # range of the ratio of a photo's short side to the crop's size
BROKEN_IN_A_ROW = 50  # unreadable photos after which the training stops


class PhotoFolder:
    """All photos of a folder and its subfolders, or of a zip.

    A photo that cannot be decoded is reported to `notice`, added to `broken` and not read again. Photos smaller than a
    crop are enlarged and added to `small`; `notice` hears of the first one.
    """

    def __init__(self, source: Path, *, seed: int = 0, notice: Notice = lambda _: None) -> None:
        self.source = source
        self.seed = seed
        self.notice = notice
        self.broken: set[str] = set()
        self.small: set[str] = set()
        self._archive = _open_archive(source) if source.is_file() else None
        self.photos = _names_in(self._archive) if self._archive else _names_below(source)
        if not self.photos:
            raise MediaError(f"{source}: no photo in it", hint="Give a folder or zip of JPEG, PNG or other pictures.")

    def batch(self, step: int, *, count: int, size: int, first: int = 0) -> Tensor:
        """Return `count` crops of one step, from number `first` on: (count, 3, size, size), RGB in 0..1.

        Raises:
            MediaError: too many photos cannot be decoded.
        """
        return torch.stack([self._crop(f"{self.seed} {step} {number}", size) for number in range(first, first + count)])

    def _crop(self, seed: str, size: int) -> Tensor:
        chance = random.Random(seed)
        for _ in range(BROKEN_IN_A_ROW):
            name = chance.choice(self.photos)
            zoom, down, right, flip = chance.uniform(*ZOOM), chance.random(), chance.random(), chance.random() < 0.5
            if name in self.broken:
                continue
            try:
                photo = self._read(name, round(size * zoom), size)
            except MediaError as error:
                self.broken.add(name)
                self.notice(str(error) if self._archive is None else f"{self.source}/{name}: {error}")
                continue
            top, left = int(down * (photo.shape[1] - size + 1)), int(right * (photo.shape[2] - size + 1))
            crop = photo[:, top : top + size, left : left + size]
            return crop.flip(2) if flip else crop
        raise MediaError(
            f"{self.source}: {len(self.broken)} of {len(self.photos)} photos cannot be read",
            hint="Give a folder of whole photos.",
        )

    def _read(self, name: str, short_side: int, size: int) -> Tensor:
        try:
            source = self._archive.read(name) if self._archive else self.source / name
        except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:  # damaged, or encrypted
            raise MediaError(f"it cannot be unpacked ({error})") from error
        pixels = to_unit(read_picture(source).pixels)
        if min(pixels.shape[:2]) < size and name not in self.small:
            if not self.small:
                self.notice(f"{self.source}: photos smaller than crops of {size} pixels are enlarged, such as {name}")
            self.small.add(name)
        return photo_tensor(pixels, short_side)


def read_photo(path: Path, *, short_side: int) -> Tensor:
    """Read a picture as (3, H, W), sRGB-encoded RGB in 0..1, with a short side of `short_side` pixels.

    Raises:
        MediaError: it cannot be read.
    """
    return photo_tensor(to_unit(read_picture(path).pixels), short_side)


def photo_tensor(pixels: NDArray[np.float32], short_side: int) -> Tensor:
    """Resize a picture (H, W, 3) in 0..1 to a short side of `short_side` pixels; returns (3, H, W)."""
    return torch.from_numpy(at_short_side(pixels, short_side)).permute(2, 0, 1)


def _names_below(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise MediaError(f"{folder}: no such folder or zip", hint="Give a folder or a zip of photos.")
    paths = (path for path in folder.rglob("*") if path.suffix.lower() in READABLE)
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def _open_archive(file: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (OSError, zipfile.BadZipFile) as error:
        raise MediaError(f"{file}: not a whole zip ({error})", hint="Give a folder or a zip of photos.") from error


def _names_in(archive: zipfile.ZipFile) -> list[str]:
    names = (name for name in archive.namelist() if PurePosixPath(name).suffix.lower() in READABLE)
    return sorted(name for name in names if not name.startswith("__MACOSX/"))
