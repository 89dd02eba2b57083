"""Photos for training: random crops that depend on the seed and the step alone, so that a resumed run sees the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from stylecli.engine import to_unit
from stylecli.errors import MediaError
from stylecli.images import READABLE, read_picture
from stylecli.look import resize

ZOOM = (1.0, 1.4)  # a photo's short side over the crop's size, drawn evenly
BROKEN_IN_A_ROW = 50  # so many unreadable photos one after the other: the folder is not one of photos


class PhotoFolder:
    """All photos of a folder and its subfolders.

    A photo that cannot be decoded is left out from then on, counted in `broken` and told to `note` once.
    """

    def __init__(self, folder: Path, *, seed: int = 0, note: Callable[[str], None] = lambda _: None) -> None:
        if not folder.is_dir():
            raise MediaError(f"{folder}: no such folder", hint="Give a folder of photos with --data.")
        self.photos = sorted(path for path in folder.rglob("*") if path.suffix.lower() in READABLE)
        if not self.photos:
            raise MediaError(f"{folder}: no photo in it", hint="Give a folder with JPEG, PNG or other pictures.")
        self.folder = folder
        self.seed = seed
        self.note = note
        self.broken: set[Path] = set()

    def batch(self, step: int, *, count: int, size: int) -> Tensor:
        """The crops of one step: (count, 3, size, size), RGB in 0..1.

        Raises:
            MediaError: hardly any photo of the folder can be decoded.
        """
        chance = random.Random(f"{self.seed} {step}")
        return torch.stack([self._crop(chance, size) for _ in range(count)])

    def _crop(self, chance: random.Random, size: int) -> Tensor:
        for _ in range(BROKEN_IN_A_ROW):
            path = chance.choice(self.photos)
            zoom, down, right, flip = chance.uniform(*ZOOM), chance.random(), chance.random(), chance.random() < 0.5
            if path in self.broken:
                continue
            try:
                photo = read_photo(path, short_side=round(size * zoom))
            except MediaError as err:
                self.broken.add(path)
                self.note(str(err))
                continue
            top, left = int(down * (photo.shape[1] - size + 1)), int(right * (photo.shape[2] - size + 1))
            crop = photo[:, top : top + size, left : left + size]
            return crop.flip(2) if flip else crop
        raise MediaError(
            f"{self.folder}: {len(self.broken)} of {len(self.photos)} photos cannot be read",
            hint="Give a folder of whole photos.",
        )


def read_photo(path: Path, *, short_side: int) -> Tensor:
    """A picture as (3, H, W), sRGB-encoded RGB in 0..1, resized so that its short side has `short_side` pixels.

    Raises:
        MediaError: it cannot be read.
    """
    pixels = to_unit(read_picture(path).pixels)
    height, width = pixels.shape[:2]
    scale = short_side / min(height, width)
    size = (max(short_side, round(height * scale)), max(short_side, round(width * scale)))
    return torch.from_numpy(resize(pixels, *size)).permute(2, 0, 1)
