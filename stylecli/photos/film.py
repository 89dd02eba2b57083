"""The sample photo at any size, a film of it with a moving camera, and a sound for the film."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.media.images.files import read_picture
from stylecli.media.pixels import quantize
from stylecli.media.resizing import resize
from stylecli.photos import SAMPLE_PHOTO

NEAREST = 0.62  # size of the last view of a film; the first is 1, all of the photo
GOAL = (0.60, 0.36)  # where in the photo the last view has its centre: the rocks between clouds and snow
SAMPLES = 2  # for each pixel of a frame, along each axis; their mean suppresses aliasing

RATE = 48_000  # samples of sound a second
CHORD = (146.83, 220.00, 277.18, 369.99)  # hertz: D major seventh
DETUNE = (0.9985, 1.0015)  # of the left and the right channel
ATTACK, DECAY = 0.05, 2.0  # seconds
PEAK = 0.5  # of full scale: leaves headroom for a lossy codec


def sample_photo(width: int, height: int) -> NDArray[np.uint8]:
    """Return the sample photo at this size: (height, width, 3), sRGB-encoded, its edges cut to the new shape."""
    photo = read_picture(SAMPLE_PHOTO).pixels
    rows, columns = photo.shape[:2]
    cut_width = round(min(columns, rows * width / height))
    cut_height = round(min(rows, columns * height / width))
    left, top = (columns - cut_width) // 2, (rows - cut_height) // 2
    cut = np.ascontiguousarray(photo[top : top + cut_height, left : left + cut_width])
    return quantize(resize(cut, height, width), np.uint8)


def sample_film(width: int, height: int, frames: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames (height, width, 3), sRGB-encoded, of a camera that moves smoothly into the sample photo."""
    import pyvips  # a native library that --help does not need

    size = np.array([width, height]) * SAMPLES
    photo = pyvips.Image.new_from_array(sample_photo(*size), interpretation="srgb")
    for number in range(frames):
        time = number / max(1, frames - 1)
        time = time * time * (3 - 2 * time)  # the camera starts and stops softly
        view = NEAREST**time  # its size, as a part of the photo
        centre = 0.5 + time * (np.array(GOAL) - 0.5)
        yield _frame(photo, (centre - view / 2) * size, 1 / view)


def chord(seconds: float) -> NDArray[np.float32]:
    """Synthesize a soft chord that decays: (2, samples), -1..1, at `RATE`. It begins and ends in silence."""
    time = np.arange(round(seconds * RATE)) / RATE
    channels = [sum(np.sin(2 * np.pi * pitch * detune * time) for pitch in CHORD) for detune in DETUNE]
    envelope = np.minimum(1, time / ATTACK) * np.exp(-time / DECAY) * np.clip((seconds - time) / (0.2 * seconds), 0, 1)
    sound = np.array(channels) * envelope
    return np.asarray(PEAK * sound / np.abs(sound).max(), dtype=np.float32)


def _frame(photo: Any, corner: NDArray[np.float64], scale: float) -> NDArray[np.uint8]:
    """Enlarge the part of `photo` at the upper left `corner` to the size of the photo, and make that small."""
    import pyvips

    # libvips counts from the centre of the first pixel, `corner` from its corner.
    across, down = (float(0.5 * scale - 0.5 - place * scale) for place in corner)
    enlarged = photo.affine(
        [scale, 0, 0, scale],
        interpolate=pyvips.Interpolate.new("bicubic"),
        oarea=[0, 0, photo.width, photo.height],
        odx=across,
        ody=down,
        extend="copy",
    )
    frame: NDArray[np.uint8] = enlarged.shrink(SAMPLES, SAMPLES).numpy()
    return frame
