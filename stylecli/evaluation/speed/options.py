"""What `stylecli bench` measures, as a caller chooses it; light, since the command line reads it for --help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from stylecli.inference.sessions import Device

SIZES: Mapping[str, tuple[int, int]] = {  # (width, height) in pixels
    "512": (512, 512),
    "720p": (1280, 720),
    "1080p": (1920, 1080),
    "4K": (3840, 2160),
    "8K": (7680, 4320),
}
QUICK = ("720p", "1080p")  # the sizes that are measured unless others are asked for
White = Literal["1", "255"]  # what white is at a foreign network's input


@dataclass(frozen=True)
class BenchOptions:
    """What is timed, and how.

    size: names of SIZES. rounds: timed runs, whose median counts. threads: CPU threads of every network; None: all
    cores. video: the pipeline too, at those sizes that are in QUICK. against: ONNX files of other networks, run on the
    CPU, with `against_white` at their input for white. all_variants: every variant of a style, not its default alone.
    scaling, memory, doors, batch: time by pixels and threads, peak memory, what editors wait for, a batch of photos.
    """

    size: tuple[str, ...] = QUICK
    rounds: int = 5
    threads: int | None = None
    video: bool = True
    against: tuple[Path, ...] = ()
    against_white: White = "255"
    all_variants: bool = False
    scaling: bool = False
    memory: bool = False
    doors: bool = False
    batch: bool = False
    device: Device = "auto"
