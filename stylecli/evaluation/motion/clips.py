"""Clips with exactly known motion: a still that is panned, zoomed and rotated, and the scenes of MPI-Sintel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.evaluation.motion.flow import read_flow, sample, stays_inside
from stylecli.evaluation.quality.metrics.noise import NOISE, with_noise
from stylecli.media.images.files import read_picture
from stylecli.media.pixels import quantize, to_unit
from stylecli.media.resizing import resize
from stylecli.photos import SAMPLE_PHOTO

SYNTHETIC, NOISY, SINTEL = "synthetic", "noise", "sintel"  # the kinds of clips
FRAMES = 24  # of a clip made from a still: one second
FINENESS = 2  # pixels of the still, along each axis, that are averaged into one pixel of a frame
FRAME_HEIGHT = 360  # pixels, at most
MARGIN = 1.2  # size of the still over that of a frame: room for the motion
# Motion for each frame: a shift in pixels of the frame, a zoom factor, a turn in radians. No shift is a multiple of the
# networks' stride of 4, so every frame falls differently on their grids.
PAN, ZOOM, TURN = (0.83, 0.37), 1.004, 0.0035
RENDERS = ("final", "clean")  # folders of MPI-Sintel with frames; the first has motion blur and haze

Motion = Callable[[float], NDArray[np.float64]]  # frames since the middle of the clip -> a `_placement`


@dataclass(frozen=True, eq=False)
class MovingFrame:
    """A frame and its motion to the next one.

    pixels: (H, W, 3). flow: (H, W, 2), in pixels. visible: (H, W), whether the pixel is visible in the next frame too.
    flow and visible are None for the last frame, and where the flow is not known.
    """

    pixels: NDArray[Any]
    flow: NDArray[np.float32] | None = None
    visible: NDArray[np.bool_] | None = None


@dataclass(frozen=True, eq=False)
class MovingClip:
    """A clip that can be played any number of times. `kind`: SYNTHETIC, NOISY or SINTEL."""

    name: str
    kind: str
    count: int  # frames
    play: Callable[[], Iterator[MovingFrame]]


def known_clips(stills: Sequence[Path], sintel: Path | None = None) -> list[MovingClip]:
    """Make the clips to measure on.

    Args:
        stills: photos to move over; without any, the sample photo that ships with stylecli.
        sintel: a folder in the layout of MPI-Sintel, whose scenes are added.

    Raises:
        MediaError: a photo is unreadable or too small, or the folder holds no scene.
    """
    pictures = {path.stem: quantize(to_unit(read_picture(path).pixels), np.uint8) for path in stills or [SAMPLE_PHOTO]}
    clips = [clip for name, picture in pictures.items() for clip in clips_of_still(picture, name)]
    return [*clips, *(sintel_clips(sintel) if sintel else [])]


def clips_of_still(still: NDArray[np.uint8], name: str) -> list[MovingClip]:
    """Make four clips of a still (H, W, 3): at rest with camera noise, panned, zoomed and turned.

    Raises:
        MediaError: the still is too small for the motion.
    """
    source, size = _prepared(still, name)
    motions: dict[str, Motion] = {
        "pan": lambda time: _placement(shift=(PAN[0] * time, PAN[1] * time)),
        "zoom": lambda time: _placement(zoom=ZOOM**time),
        "turn": lambda time: _placement(angle=TURN * time),
    }
    clips = [
        MovingClip(f"{name}, {name_of_motion}", SYNTHETIC, FRAMES, partial(_moved, source, size, motion))
        for name_of_motion, motion in motions.items()
    ]
    at_rest = _frame(source, size, _placement())
    return [MovingClip(f"{name}, at rest with noise", NOISY, FRAMES, lambda: _noisy(at_rest)), *clips]


def sintel_clips(root: Path) -> list[MovingClip]:
    """Open the scenes of a folder in the layout of MPI-Sintel (Butler et al. 2012).

    It holds final/SCENE/frame_0001.png, flow/SCENE/frame_0001.flo and, as masks, occlusions/ and invalid/. Without
    masks, a pixel counts as visible unless it leaves the frame.

    Raises:
        MediaError: there is no scene with frames and flow.
    """
    base = root / "training" if (root / "training").is_dir() else root
    render = next((base / name for name in RENDERS if (base / name).is_dir()), None)
    scenes = sorted(path.name for path in render.iterdir() if (base / "flow" / path.name).is_dir()) if render else []
    if not render or not scenes:
        raise MediaError(
            f"{root}: no scene with frames and flow", hint="Give a folder that holds final/SCENE and flow/SCENE."
        )
    return [_scene_clip(base, render, scene) for scene in scenes]


def _prepared(still: NDArray[np.uint8], name: str) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """Return the still at the size that frames are sampled from, and the (width, height) of the frames."""
    height, width = still.shape[:2]
    scale = min(1.0, FRAME_HEIGHT * FINENESS * MARGIN / min(height, width))
    height, width = round(height * scale), round(width * scale)
    size = (int(width / FINENESS / MARGIN), int(height / FINENESS / MARGIN))
    if min(size) < FRAMES * max(PAN):
        raise MediaError(f"{name}: {width} x {height} is too small for the motion", hint="Give larger photos.")
    return resize(to_unit(still), height, width), size


def _placement(
    *, shift: tuple[float, float] = (0.0, 0.0), zoom: float = 1.0, angle: float = 0.0
) -> NDArray[np.float64]:
    """Return the affine map (3, 3) from positions in the frame to positions in the still, both from their centres."""
    cosine, sine = np.cos(angle) / zoom, np.sin(angle) / zoom
    return np.array([[cosine, -sine, shift[0]], [sine, cosine, shift[1]], [0, 0, 1]])


def _moved(source: NDArray[np.float32], size: tuple[int, int], motion: Motion) -> Iterator[MovingFrame]:
    """Yield the frames of a clip. Time runs from -FRAMES / 2 to FRAMES / 2, so the motion stays within the margin."""
    placements = [motion(number - FRAMES / 2) for number in range(FRAMES)]
    places = _places(size)
    for now, following in pairwise(placements):
        flow = (_mapped(np.linalg.inv(following) @ now, places) - places).astype(np.float32)
        yield MovingFrame(_frame(source, size, now), flow, stays_inside(flow))
    yield MovingFrame(_frame(source, size, placements[-1]))


def _noisy(at_rest: NDArray[np.uint8]) -> Iterator[MovingFrame]:
    still = np.zeros((*at_rest.shape[:2], 2), np.float32)
    for number in range(FRAMES):
        frame = with_noise(to_unit(at_rest), NOISE, seed=number)  # not rounded: that would add noise
        is_last = number == FRAMES - 1
        yield MovingFrame(frame) if is_last else MovingFrame(frame, still, stays_inside(still))


def _frame(source: NDArray[np.float32], size: tuple[int, int], placement: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Render one frame (h, w, 3). Each pixel is the mean of FINENESS x FINENESS samples, which suppresses aliasing.

    PyTorch's cubic kernel (a = -3/4) shifts a ramp by up to 0.05 pixels of the still, 0.025 of the frame.
    """
    height, width = source.shape[:2]
    places = _mapped(placement, _places(size, FINENESS)) * FINENESS + [(width - 1) / 2, (height - 1) / 2]
    samples = sample(source, places.astype(np.float32), mode="bicubic").clip(0, 1)
    parts = [samples[row::FINENESS, column::FINENESS] for row in range(FINENESS) for column in range(FINENESS)]
    return quantize(np.mean(parts, axis=0, dtype=np.float32), np.uint8)


def _places(size: tuple[int, int], fineness: int = 1) -> NDArray[np.float64]:
    """Return the positions (h, w, 2) of a frame's samples from its centre, `fineness` of them for each pixel."""
    x, y = ((np.arange(side * fineness) + 0.5) / fineness - side / 2 for side in size)
    return np.stack(np.meshgrid(x, y), axis=-1)


def _mapped(placement: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    mapped: NDArray[np.float64] = places @ placement[:2, :2].T + placement[:2, 2]
    return mapped


def _scene_clip(base: Path, render: Path, scene: str) -> MovingClip:
    files = sorted((render / scene).glob("frame_*.png"))
    if len(files) < 2:
        raise MediaError(f"{render / scene}: fewer than two frames", hint="Frames are named frame_0001.png and so on.")
    return MovingClip(scene, SINTEL, len(files), lambda: _scene_frames(base, scene, files))


def _scene_frames(base: Path, scene: str, files: Sequence[Path]) -> Iterator[MovingFrame]:
    for file in files:
        frame = quantize(to_unit(read_picture(file).pixels), np.uint8)
        flow_file = base / "flow" / scene / f"{file.stem}.flo"
        if file == files[-1] or not flow_file.exists():  # without flow the pair is not measured
            yield MovingFrame(frame)
            continue
        flow = read_flow(flow_file)
        if flow.shape[:2] != frame.shape[:2]:
            raise MediaError(f"{flow_file}: not the size of {file}", hint="Take both from the same data set.")
        hidden = [_mask(base / name / scene / file.name, frame) for name in ("occlusions", "invalid")]
        yield MovingFrame(frame, flow, stays_inside(flow) & ~np.logical_or(*hidden))


def _mask(file: Path, frame: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where a mask is white: (H, W); nowhere if the file does not exist."""
    if not file.exists():
        return np.zeros(frame.shape[:2], bool)
    mask = read_picture(file).pixels[..., 0]
    if mask.shape != frame.shape[:2]:
        raise MediaError(f"{file}: not the size of its frame", hint="Take both from the same data set.")
    white: NDArray[np.bool_] = to_unit(mask) > 0.5
    return white
