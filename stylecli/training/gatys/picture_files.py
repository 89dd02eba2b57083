"""Style transfer by optimisation for picture files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from stylecli.core.progress import Progress, Step, ignore
from stylecli.media.images.files import check_pictures_to_write, read_picture, write_picture
from stylecli.media.images.picture import picture_from_pixels, with_pixels_of_any_size
from stylecli.training.gatys.coarse_to_fine import optimize
from stylecli.training.gatys.options import Optimization, OptimizationJob
from stylecli.training.losses.loss_network import best_at_hand, load_loss_network

SETTINGS, JOB = Optimization(), OptimizationJob()  # the defaults


def optimize_file(
    photo: Path,
    painting: Path,
    output: Path,
    *,
    settings: Optimization = SETTINGS,
    job: OptimizationJob = JOB,
    overwrite: bool = False,
    progress: Progress = ignore,
) -> dict[str, float]:
    """Paint a photo file in the style of a painting by `optimize`; returns the losses of the last step by name.

    Previews are written beside `output`. All target files are checked before the work begins.

    Raises:
        UsageError: a target exists already or is a source, a picture is too small, the loss became infinite or NaN.
        MediaError: a file cannot be read or written.
        DeviceError: too little memory.
    """
    steps = range(job.preview_every, job.steps + 1, job.preview_every) if job.preview_every else ()
    targets = [output, *(preview_file(output, step) for step in steps)]
    check_pictures_to_write(targets, [photo, painting], overwrite=overwrite)
    picture, style = read_picture(photo), read_picture(painting)
    name = best_at_hand(job.loss_weights) if job.loss_network is None else job.loss_network
    network = load_loss_network(name, settings.layers, file=job.loss_weights)
    losses: dict[str, float] = {}

    def watch(step: Step) -> None:
        losses.update({name: round(value, 6) for name, value in step.values.items()})
        progress(step)

    def preview(step: int, pixels: NDArray[Any]) -> None:
        write_picture(picture_from_pixels(pixels), preview_file(output, step), overwrite=overwrite)

    pixels = optimize(picture.pixels, style.pixels, network, settings, job, progress=watch, preview=preview)
    write_picture(with_pixels_of_any_size(picture, pixels), output, overwrite=overwrite)
    return losses


def preview_file(output: Path, step: int) -> Path:
    """Return the file of the preview after a step."""
    return output.with_name(f"{output.stem}-step-{step:06d}.png")
