"""Steadiness over time: warping error, stability error and noise gain of styles on clips with known motion.

Each error is reported beside that of the clip itself, which is never zero: warping by fractions of a pixel blurs, and
light changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.progress import Progress, Step, ignore
from stylecli.evaluation.motion.clips import NOISY, SINTEL, SYNTHETIC, MovingClip, MovingFrame
from stylecli.evaluation.motion.flow import warp_back
from stylecli.evaluation.quality.candidates import Candidate
from stylecli.evaluation.quality.metrics.noise import NOISE
from stylecli.evaluation.quality.metrics.stylized_photo import Stylizer
from stylecli.inference.engine import Engine
from stylecli.media.pixels import LUMA, quantize, to_unit
from stylecli.packs.pack import record_measurement, topic_of
from stylecli.stylize.frame_painter import SceneStatistics

ITSELF = "the clip itself"  # the candidate that paints nothing
TOPIC = "steadiness"  # under which cards keep the numbers


class Track:
    """The measurements of one candidate on one clip, taken frame by frame.

    warping, stability: errors of each pair of frames with known motion (Lai et al. 2018, Huang et al. 2017).
    brightness: the mean luma of each frame. columns: the middle column of each frame, (H, 3). shown: two consecutive
    frames.
    """

    def __init__(self, count: int) -> None:
        self.warping: list[float] = []
        self.stability: list[float] = []
        self.brightness: list[float] = []
        self.columns: list[NDArray[np.uint8]] = []
        self.shown: list[NDArray[np.uint8]] = []
        self._first_shown = max(0, count // 2 - 1)
        self._before: tuple[NDArray[np.float32], MovingFrame] | None = None
        self._frames = 0
        self._mean: NDArray[np.float64] | float = 0.0
        self._variation: NDArray[np.float64] | float = 0.0

    def add_frame(self, painted: NDArray[np.float32], frame: MovingFrame) -> None:
        """Measure the next frame, `painted` (H, W, 3) in 0..1; `frame` holds its motion."""
        if self._before:
            painted_before, before = self._before
            if before.flow is not None and before.visible is not None:
                self.warping.append(warping_error(painted_before, painted, before.flow, before.visible))
                self.stability.append(stability_error(painted_before, painted, before.flow, before.visible))
        pixels = quantize(painted, np.uint8)
        self.brightness.append(float((painted @ LUMA).mean()))
        self.columns.append(pixels[:, pixels.shape[1] // 2].copy())
        if self._first_shown <= self._frames < self._first_shown + 2:
            self.shown.append(pixels)
        self._frames += 1
        change = painted - self._mean  # the running variance of Welford 1962
        self._mean = self._mean + change / self._frames
        self._variation = self._variation + change * (painted - self._mean)
        self._before = painted, frame

    @property
    def e_warp(self) -> float:
        """The warping error: the mean over the pairs of frames; NaN if no motion is known."""
        return float(np.mean(self.warping)) if self.warping else math.nan

    @property
    def e_stab(self) -> float:
        """The stability error: the root of the mean over the pairs of frames; NaN if no motion is known."""
        return math.sqrt(np.mean(self.stability)) if self.stability else math.nan

    @property
    def noise_gain(self) -> float:
        """For a clip at rest with noise: the standard deviation of the output over time, over that of the noise."""
        return float(np.sqrt(np.mean(self._variation) / (self._frames - 1)) / NOISE)

    @property
    def slice(self) -> NDArray[np.uint8]:
        """The middle columns of all frames side by side, (H, frames, 3): steady strokes give smooth lines."""
        return np.stack(self.columns, axis=1)


@dataclass(frozen=True, eq=False)
class ClipTracks:
    """A clip and its tracks by name of the candidate. The clip's own track is called ITSELF and comes first."""

    name: str
    kind: str
    tracks: Mapping[str, Track]


@dataclass(frozen=True, eq=False)
class Steadiness:
    """The measurements on all clips. `names`: the candidates."""

    names: tuple[str, ...]
    clips: tuple[ClipTracks, ...]

    def as_records(self) -> list[dict[str, Any]]:
        """Return a record for each candidate: means over the clips of each kind, the clips' own, and their ratio."""
        return [self._record(name) for name in self.names]

    def mean(self, name: str, kind: str, what: str) -> float | None:
        """Return the mean of `e_warp`, `e_stab` or `noise_gain` over the clips of a kind; None without such clips."""
        values = [getattr(clip.tracks[name], what) for clip in self.clips if clip.kind == kind]
        return float(np.mean(values)) if values else None

    def _record(self, name: str) -> dict[str, Any]:
        record: dict[str, Any] = {"name": name, "noise_gain": _rounded(self.mean(name, NOISY, "noise_gain"))}
        for kind in (SYNTHETIC, SINTEL):
            for what in ("e_warp", "e_stab"):
                value, own = self.mean(name, kind, what), self.mean(ITSELF, kind, what)
                if value is not None and own is not None:
                    record |= {f"{kind}_{what}": _rounded(value), f"{kind}_{what}_of_clip": _rounded(own)}
                    record[f"{kind}_{what}_ratio"] = _rounded(value / own) if own else None
        record["clips"] = [
            {
                "clip": clip.name,
                "e_warp": _rounded(clip.tracks[name].e_warp),
                "e_stab": _rounded(clip.tracks[name].e_stab),
            }
            for clip in self.clips
        ]
        return record


def warping_error(
    frame: NDArray[np.float32],
    later: NDArray[np.float32],
    flow: NDArray[np.float32],
    visible: NDArray[np.bool_],
) -> float:
    """Return sum M ||V_t - warp(V_t+1)||² / sum M (Lai et al. 2018, eq. 10).

    Args:
        frame: V_t, (H, W, 3) in 0..1.
        later: V_t+1, of the same shape.
        flow: the motion from `frame` to `later`, (H, W, 2) in pixels.
        visible: M, (H, W), which pixels are visible in both.
    """
    return _squared_difference(frame, later, flow, visible) / max(1, int(visible.sum()))


def stability_error(
    frame: NDArray[np.float32],
    later: NDArray[np.float32],
    flow: NDArray[np.float32],
    visible: NDArray[np.bool_],
) -> float:
    """Return (1/D) sum M (V_t - warp(V_t+1))², D being the number of samples of a frame (Huang et al. 2017, eq. 6).

    Arguments as of `warping_error`. The paper warps the earlier frame forward; here the later one is warped back, since
    data sets give the forward flow.
    """
    return _squared_difference(frame, later, flow, visible) / frame.size


def measure_steadiness(
    stylizers: Mapping[str, Stylizer], clips: Sequence[MovingClip], *, progress: Progress = ignore
) -> Steadiness:
    """Play every clip once and let all candidates paint its frames, as in a video.

    A style takes its statistics once a clip, as `stylecli video` does once a scene. The network of a run takes them
    from each frame.

    Args:
        stylizers: the candidates by name.
        clips: what they paint.
        progress: hears of every frame.

    Raises:
        MediaError: a frame or flow cannot be read.
    """
    total, done = sum(clip.count for clip in clips), 0
    measured = []
    for clip in clips:
        tracks = {name: Track(clip.count) for name in (ITSELF, *stylizers)}
        painters = {name: _scene_painter(stylizer) for name, stylizer in stylizers.items()}
        for frame in clip.play():
            progress(Step(done, total, "frames", clip.name))
            unit = to_unit(frame.pixels)
            for name, track in tracks.items():
                track.add_frame(unit if name == ITSELF else painters[name](unit), frame)
            done += 1
        measured.append(ClipTracks(clip.name, clip.kind, tracks))
    progress(Step(total, total, "frames"))
    return Steadiness(tuple(stylizers), tuple(measured))


def record_steadiness(steadiness: Steadiness, candidates: Sequence[Candidate]) -> None:
    """Write the numbers, with the names of the clips, into the cards of the candidates that are styles."""
    for candidate, record in zip(candidates, steadiness.as_records(), strict=True):
        if candidate.pack:
            numbers = {key: value for key, value in record.items() if key not in ("name", "clips")}
            clips = [clip["clip"] for clip in record["clips"]]
            record_measurement(candidate.pack, topic_of(candidate.pack, TOPIC), {**numbers, "clips": clips})


def _scene_painter(stylizer: Stylizer) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return a function that paints the frames of one clip, in order."""
    if not isinstance(stylizer, Engine):
        return stylizer.stylize
    scene = SceneStatistics(stylizer)
    return lambda unit: stylizer.stylize(unit, scene(unit))


def _squared_difference(
    frame: NDArray[np.float32],
    later: NDArray[np.float32],
    flow: NDArray[np.float32],
    visible: NDArray[np.bool_],
) -> float:
    difference = (frame - warp_back(later, flow))[visible]
    return float(np.square(difference, dtype=np.float64).sum())


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(f"{value:.4g}")
