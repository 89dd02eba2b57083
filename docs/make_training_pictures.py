"""Make the pictures of docs/training.md and docs/reproduction.md from finished runs: `make_training_pictures.py RUNS`.

RUNS is the folder of the runs that the two documents name; a picture whose runs are not there stays as it is.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyvips
import skimage.data
from numpy.typing import NDArray

from stylecli.evaluation.quality.stylizers import RunNetwork
from stylecli.evaluation.runs.curves import read_curves
from stylecli.evaluation.runs.report import loss_curves
from stylecli.media.images.files import picture_from_pixels, write_picture
from stylecli.media.pixels import quantize, to_unit
from stylecli.stylize.sheet import labelled_grid

PICTURES = Path(__file__).with_name("pictures")
EXPERIMENTS = ("johnson-17-50", "johnson-20-20", "johnson-50-50", "resnet-17-50")
ITERATIONS = (50, 100, 200, 366)
TILES = {
    "failures.jpg": (
        ("fail-short", "too few steps", "60 steps: few colours, a coarse pattern"),
        ("fail-style", "too much style", "--style-weight 30: motifs cover the cat"),
        ("fail-content", "too much content", "--content-weight 12: nearly the photo"),
    ),
    "pruned.jpg": (
        ("great-wave-resnet", "the whole resnet", "469,315 parameters"),
        ("great-wave-resnet-63000", "pruned", "--target-params 63000"),
        ("great-wave-resnet-20000", "pruned again", "--target-params 20000"),
    ),
}


def main(runs: Path) -> None:
    """Write the pictures anew."""
    cat = skimage.data.chelsea()
    for picture, tiles in TILES.items():
        if all((runs / name).is_dir() for name, *_ in tiles):
            _write(labelled_grid([_tile(runs / name, cat, *label) for name, *label in tiles]), picture)
    if all((runs / name).is_dir() for name in EXPERIMENTS):
        _experiments(runs)


def _experiments(runs: Path) -> None:
    curves = loss_curves({name: read_curves(runs / name) for name in EXPERIMENTS})
    assert curves is not None
    (PICTURES / "experiments.svg").write_bytes(curves)
    samples = [
        pyvips.Image.new_from_file(str(runs / EXPERIMENTS[0] / "samples" / f"step_{n:06d}.png")) for n in ITERATIONS
    ]
    photos, *_ = (sample.crop(0, 0, sample.width, sample.height // 2) for sample in samples)
    stylized = [sample.crop(0, sample.height // 2, sample.width, sample.height // 2) for sample in samples]
    _write(pyvips.Image.arrayjoin([photos, *stylized], across=1, shim=4).numpy()[..., :3], "iterations.jpg")


def _tile(run: Path, photo: NDArray[np.uint8], title: str, subtitle: str) -> tuple[NDArray[np.uint8], str, str]:
    with RunNetwork.of(run, device="cpu") as network:
        return quantize(network.stylize(to_unit(photo)), np.uint8), title, subtitle


def _write(pixels: NDArray[np.uint8], name: str) -> None:
    write_picture(picture_from_pixels(np.ascontiguousarray(pixels)), PICTURES / name, quality=85, overwrite=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
