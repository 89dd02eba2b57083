"""Statistics shared by the frames of a scene, so that contrast and colours do not flicker from frame to frame.

They are measured on the first frame. Later they follow the picture, faster the more it differs from the measured one:
a still keeps them exactly, a pan moves them slowly, a cut or a fade from black replaces them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.inference.engine import Engine
from stylecli.inference.normalization import Statistics
from stylecli.media.pixels import to_unit
from stylecli.stylize.look import Brush, Look
from stylecli.stylize.painting import at_working_size, paint

GRID = 16  # blocks along each side; frames are compared by the mean colours of their blocks
SAMPLES = 8  # pixels of a block along each side that are sampled
DARK = 0.1  # of 0..1, added to the brightness that a change is relative to, so that noise in black frames is ignored
DRIFT = 0.04  # relative change up to which the statistics stay
JUMP = 0.3  # relative change from which they are replaced; a smaller one moves them by its share
NOTHING = np.zeros((0, 0, 3), np.float32)  # the blocks before the first frame
PAUSE = 4  # frames between two measurements without a jump: measuring takes about as long as painting


class FramePainter:
    """Paints the frames of one video in order, with the statistics of their scene (`painting.paint`)."""

    def __init__(self, engine: Engine, look: Look) -> None:
        self._engine, self._look = engine, look.of_frames()
        self._scene = SceneStatistics(engine, look.brush)
        self.state, self.restore = self._scene.state, self._scene.restore
        self.at_once = engine.at_once

    def begin(self, frame: NDArray[Any]) -> Callable[[], NDArray[Any]]:
        """Return a callable that paints this frame; safe to run concurrently. Same shape (H, W, 3) and dtype."""
        statistics = self._scene(frame) if self._look.strength else None
        return partial(paint, self._engine, frame, self._look, statistics=statistics)

    def __call__(self, frame: NDArray[Any]) -> NDArray[Any]:
        """Paint one frame now."""
        return self.begin(frame)()


class SceneStatistics:
    """The statistics of the current scene; call it with each frame in order."""

    def __init__(self, engine: Engine, brush: Brush = "native") -> None:
        self._engine, self._brush = engine, brush
        self._statistics: Statistics = ()
        self._seen = NOTHING  # blocks of the frames on which the statistics were measured
        self._pause = 0  # frames until the next measurement

    def __call__(self, frame: NDArray[Any]) -> Statistics:
        """Return the statistics for the next frame (H, W, 3), of any type, measured at the network's size."""
        blocks = _blocks(frame)
        change = JUMP if blocks.shape != self._seen.shape else _change(self._seen, blocks)
        self._pause -= 1
        if change >= JUMP:
            self._statistics, self._seen, self._pause = self._measured(frame), blocks, PAUSE
        elif change > DRIFT and self._pause <= 0:
            share = np.float32(change / JUMP)
            new = self._measured(frame)
            self._statistics = [old + share * (one - old) for old, one in zip(self._statistics, new, strict=True)]
            self._seen, self._pause = self._seen + share * (blocks - self._seen), PAUSE
        return self._statistics

    def _measured(self, frame: NDArray[Any]) -> Statistics:
        return self._engine.measure(at_working_size(frame, self._brush))

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the state after the latest frame, for `restore`: arrays by name."""
        numbered = {f"statistics_{number:03}": one for number, one in enumerate(self._statistics)}
        return {**numbered, "seen": self._seen, "pause": np.array(self._pause)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from a `state`; an empty one is the beginning."""
        self._statistics = [state[name] for name in sorted(state) if name.startswith("statistics_")]
        self._seen, self._pause = state.get("seen", NOTHING), int(state.get("pause", 0))


def _blocks(frame: NDArray[Any]) -> NDArray[np.float32]:
    """Return the mean colours of about GRID x GRID blocks, (rows, columns, 3) in 0..1, from a sample of pixels."""
    height, width = frame.shape[:2]
    sample = frame[:: max(1, height // (GRID * SAMPLES)), :: max(1, width // (GRID * SAMPLES))]
    rows, columns = (
        np.linspace(0, length, min(GRID, length), endpoint=False).astype(int) for length in sample.shape[:2]
    )
    sums = np.add.reduceat(np.add.reduceat(to_unit(sample), rows, 0), columns, 1)
    counts = np.diff([*rows, sample.shape[0]])[:, None] * np.diff([*columns, sample.shape[1]])
    blocks: NDArray[np.float32] = (sums / counts[..., None]).astype(np.float32)
    return blocks


def _change(seen: NDArray[np.float32], blocks: NDArray[np.float32]) -> float:
    return float(np.abs(blocks - seen).mean() / (DARK + seen.mean()))
