"""The options of the benchmark. Importing this loads nothing heavy, since the command line reads it for --help."""

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
QUICK = ("720p", "1080p")  # the default sizes
PHOTOS = 60  # of a batch
White = Literal["1", "255"]  # the value of white at the input of another network


@dataclass(frozen=True)
class BenchOptions:
    """What is measured, and how.

    networks: time the styles beside Johnson's network, and the start of the program.
    video: time the video pipeline, at those sizes that are in QUICK.
    scaling, memory, doors, batch: measure time by pixels and threads; peak memory; how long editors wait; many photos.

    size: names of SIZES. rounds: timed runs, of which the median counts. threads: CPU threads of every network; None:
    all cores. against: ONNX files of other networks, which run on the CPU. against_white: the value of white at their
    input. all_variants: every variant of a style instead of its default. photos: of the batch.
    """

    size: tuple[str, ...] = QUICK
    rounds: int = 5
    threads: int | None = None
    networks: bool = True
    video: bool = True
    against: tuple[Path, ...] = ()
    against_white: White = "255"
    all_variants: bool = False
    scaling: bool = False
    memory: bool = False
    doors: bool = False
    batch: bool = False
    photos: int = PHOTOS
    device: Device = "auto"
