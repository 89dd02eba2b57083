"""The report on steadiness: tables of errors, plots over time, slices through clips, consecutive frames."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.evaluation.motion.clips import FRAMES, NOISY, SINTEL, SYNTHETIC
from stylecli.evaluation.motion.plots import time_plot
from stylecli.evaluation.motion.steadiness import ITSELF, ClipTracks, Steadiness
from stylecli.evaluation.report.page import (
    Cell,
    Column,
    Gallery,
    Report,
    Section,
    Table,
    best_of,
    photo_image,
    plot_image,
)

SLICE_STRETCH = 10  # pixels that each column of a slice is widened to: 24 columns alone are hard to see
FRAME_WIDTH = 480  # pixels
KINDS = {SYNTHETIC: "stills in motion", SINTEL: "MPI-Sintel"}
TEXT = (
    "Noise gain: how much a camera's noise (2 levels of 255) is amplified; above 1, a still scene flickers. Warping "
    "error: the squared difference between a frame and the next one warped back along the known motion, summed over "
    "the channels, averaged over the pixels visible in both (Lai et al. 2018). Stability error: the root of its mean "
    "over all samples of a frame (Huang et al. 2017). Times: the error divided by that of the clip itself, which is "
    "never 0."
)
OVER_TIME = (
    "The error of each pair of frames, and the mean brightness of each frame, which must not pump. Dotted: the clip "
    "itself. A peak is a jump; a high, even line means boiling strokes."
)
SLICES = (
    "The middle column of every frame, side by side. Steady strokes give smooth lines; flicker and boiling give "
    "speckles and broken lines."
)
FRAMES_TEXT = "Two consecutive frames from the middle of the clip: any difference beyond the motion is flicker."


def temporal_report(steadiness: Steadiness) -> Report:
    """Build the report of all measured clips."""
    stills = f"{FRAMES} frames each, at rest with noise, panned, zoomed and turned"
    facts = (("clips", ", ".join(clip.name for clip in steadiness.clips)), ("stills", stills))
    sections = (_errors(steadiness), _over_time(steadiness), _slices(steadiness), _frames(steadiness))
    return Report("Styles over time, measured", facts, sections)


def _errors(steadiness: Steadiness) -> Section:
    kinds = [kind for kind in KINDS if any(clip.kind == kind for clip in steadiness.clips)]
    columns = [Column(""), Column("noise gain", "lower")]
    values: list[list[float | None]] = [[steadiness.mean(name, NOISY, "noise_gain") for name in _all(steadiness)]]
    for kind in kinds:
        columns += [Column(f"{what}, {KINDS[kind]}", "lower") for what in ("warping error", "times", "stability error")]
        warping = [steadiness.mean(name, kind, "e_warp") for name in _all(steadiness)]
        stability = [steadiness.mean(name, kind, "e_stab") for name in _all(steadiness)]
        values += [warping, [value and warping[0] and value / warping[0] for value in warping], stability]
    digits = [2, *(digit for _ in kinds for digit in (5, 2, 3))]
    best = [best_of(column[1:], "lower") for column in values]
    rows = []
    for place, name in enumerate(_all(steadiness)):
        cells = [
            Cell("" if column[place] is None else f"{column[place]:.{digit}f}", _mark(place, column[place], top))
            for column, digit, top in zip(values, digits, best, strict=True)
        ]
        rows.append((Cell(name, "own" if name == ITSELF else ""), *cells))
    return Section("Errors", TEXT, (Table(tuple(columns), tuple(rows)),))


def _over_time(steadiness: Steadiness) -> Section:
    plots = []
    for clip in steadiness.clips:
        errors = {name: track.warping for name, track in clip.tracks.items()}
        brightness = {name: track.brightness for name, track in clip.tracks.items()}
        plots.append(plot_image(time_plot(errors, brightness, own=ITSELF), clip.name))
    return Section("Over time", OVER_TIME, plots=tuple(plots))


def _slices(steadiness: Steadiness) -> Section:
    rows = tuple(
        (clip.name, tuple(photo_image(_stretched(track.slice), name) for name, track in clip.tracks.items()))
        for clip in steadiness.clips
    )
    return Section("Slices", SLICES, galleries=(Gallery(rows),))


def _frames(steadiness: Steadiness) -> Section:
    rows = [row for clip in steadiness.clips if clip.kind != NOISY for row in _pairs(clip)]
    return Section("Frames", FRAMES_TEXT, galleries=(Gallery(tuple(rows)),))


def _pairs(clip: ClipTracks) -> list[Any]:
    first, second = (
        tuple(photo_image(track.shown[place], name, width=FRAME_WIDTH) for name, track in clip.tracks.items())
        for place in (0, -1)
    )
    return [(clip.name, first), ("", second)]


def _stretched(column_slice: NDArray[np.uint8]) -> NDArray[np.uint8]:
    times = max(1, min(SLICE_STRETCH, FRAME_WIDTH // column_slice.shape[1]))
    return np.ascontiguousarray(column_slice.repeat(times, axis=1))


def _mark(place: int, value: float | None, best: Any) -> str:
    return "best" if place and best is not None and value == best else ""


def _all(steadiness: Steadiness) -> list[str]:
    return [ITSELF, *steadiness.names]
