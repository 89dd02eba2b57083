"""The demo: a photo in every style, a sheet of them all, and a short stylized clip with sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import PackError, UsageError
from stylecli.core.files import atomic_file, blamed_on, check_room
from stylecli.core.progress import Progress, Step, ignore
from stylecli.inference.engine import Device, Engine
from stylecli.media.images.files import picture_from_pixels, write_picture
from stylecli.media.video.writing.writer import Sound, record
from stylecli.packs.pack import StylePack
from stylecli.photos.film import RATE, chord, sample_film, sample_photo
from stylecli.stylize.frame_painter import FramePainter
from stylecli.stylize.look import Look
from stylecli.stylize.painting import paint
from stylecli.stylize.sheet import labelled_grid, tile_of
from stylecli.stylize.videos.video import stylize_video

CLIP_STYLE = "the-scream"  # without this style the first one paints the clip
CREDIT = "by Aitzol Berasategi, CC BY 4.0"
SHEET = "sheet.jpg"
QUALITY = 92  # of the JPEG files
PICTURE_BYTES, FRAME_BYTES = 0.5, 0.07  # for each pixel of a picture and of a frame: of the demo as it is


@dataclass(frozen=True)
class Extent:
    """Sizes of the demo, (width, height) in pixels; those of the clip are even."""

    picture: tuple[int, int] = (1280, 853)
    clip: tuple[int, int] = (640, 360)
    frames: int = 96
    rate: Fraction = Fraction(24)


FULL = Extent()


def make_demo(
    folder: Path,
    packs: Sequence[StylePack],
    *,
    device: Device = "auto",
    extent: Extent = FULL,
    progress: Progress = ignore,
) -> list[Path]:
    """Write the demo's files into `folder`; returns them in the order in which they are made.

    Files of an earlier demo are replaced; all other files in the folder stay.

    Raises:
        UsageError: `folder` is a file.
        PackError: there is no style, or one is damaged.
        MediaError: something cannot be written.
        DeviceError: the device asked for does not work.
    """
    if not packs:
        raise PackError("the demo: no style was found", hint="Add one with `stylecli styles add`.")
    _make_folder(folder)
    check_room(folder / SHEET, needed=_bytes_of(extent, len(packs)))
    total = 2 + len(packs) + 2 * extent.frames

    def from_step(start: int, path: Path) -> Progress:
        return lambda step: progress(Step(min(start + step.done, total), total, "pictures", path.name))

    pictures = _make_pictures(folder, packs, device=device, extent=extent, progress_from=from_step)
    pack = next((pack for pack in packs if pack.name == CLIP_STYLE), packs[0])
    film, painted = folder / "film.mp4", folder / f"film-{pack.name}.mp4"
    start = 2 + len(packs)
    _make_clip(film, extent, progress=from_step(start, film))
    with Engine(pack, device=device, side_by_side=True) as engine:
        stylize_video(
            film,
            painted,
            paint=FramePainter(engine, Look()),
            overwrite=True,
            progress=from_step(start + extent.frames, painted),
        )
    return [*pictures, film, painted]


def _bytes_of(extent: Extent, styles: int) -> float:
    """Estimate the size of all files."""
    width, height = extent.picture
    pictures = (styles + 1) * width * height * PICTURE_BYTES
    return pictures + 2 * extent.frames * extent.clip[0] * extent.clip[1] * FRAME_BYTES


def _make_pictures(
    folder: Path,
    packs: Sequence[StylePack],
    *,
    device: Device,
    extent: Extent,
    progress_from: Callable[[int, Path], Progress],
) -> list[Path]:
    """Write the photo, the photo in every style, and the sheet."""
    files = [folder / name for name in ("photo.jpg", *(f"photo-{pack.name}.jpg" for pack in packs), SHEET)]
    working = Step(0, None, "pictures")
    progress_from(0, files[0])(working)
    photo = sample_photo(*extent.picture)
    _write(photo, files[0])
    tiles = [(photo, "The photo", CREDIT)]
    for index, pack in enumerate(packs, start=1):
        progress_from(index, files[index])(working)
        with Engine(pack, device=device) as engine:
            tiles.append(tile_of(pack, paint(engine, photo, Look())))
        _write(tiles[-1][0], files[index])
    progress_from(1 + len(packs), files[-1])(working)
    _write(labelled_grid(tiles), files[-1])
    return files


def _make_clip(path: Path, extent: Extent, *, progress: Progress) -> None:
    """Write the film with its sound; the file appears complete or not at all."""
    seconds = float(extent.frames / extent.rate)
    with atomic_file(path) as draft:
        sound = Sound(chord(seconds), RATE)
        record(draft, _frames(extent, progress), size=extent.clip, rate=extent.rate, sound=sound)


def _frames(extent: Extent, progress: Progress) -> Iterator[NDArray[np.uint8]]:
    for index, frame in enumerate(sample_film(*extent.clip, extent.frames)):
        progress(Step(index, extent.frames, "frames"))
        yield frame


def _write(pixels: NDArray[np.uint8], path: Path) -> None:
    write_picture(picture_from_pixels(pixels), path, quality=QUALITY, overwrite=True)


def _make_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file", hint="Give a folder as `output`.")
    with blamed_on(folder, hint="Give another folder as `output`."):
        folder.mkdir(parents=True, exist_ok=True)
