"""`stylecli optimize`: one photo painted by optimisation, the slow baseline."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from stylecli.cli import options
from stylecli.cli.console import emit_json, progress_shown
from stylecli.cli.extras import needs_extra
from stylecli.core.errors import DeviceError, MediaError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stylecli.core.progress import Progress, Step
    from stylecli.media.images.files import Picture
    from stylecli.training.losses.loss_network import LossName

# As in stylecli.training.gatys, which --help must not import.
OPTIMIZERS = ("lbfgs", "adam")
CONTENT_WEIGHT = 1.0
STYLE_WEIGHT = 10.0


@click.command()
@click.argument("photo", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--painting", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Whose style it gets.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="OUT", help="The picture made.")
@click.option("--steps", type=click.IntRange(1), default=300, show_default=True, help="Optimiser steps, at all scales.")
@click.option(
    "--size",
    type=click.IntRange(8),
    default=512,
    show_default=True,
    metavar="PIXELS",
    help="Short side of the result at most; a smaller photo keeps its size.",
)
@click.option(
    "--scales",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="Paint from coarse to fine at so many sizes, each twice the one before: more makes larger strokes.",
)
@click.option(
    "--optimizer",
    type=click.Choice(OPTIMIZERS),
    default=OPTIMIZERS[0],
    show_default=True,
    help="lbfgs gets further in as many steps.",
)
@click.option("--style-weight", type=float, default=STYLE_WEIGHT, show_default=True, help="Of the painting.")
@click.option("--content-weight", type=float, default=CONTENT_WEIGHT, show_default=True, help="Of the photo.")
@click.option("--original-colors", is_flag=True, help="Keep the photo's colours, take only the brushwork.")
@click.option(
    "--preview-every",
    type=click.IntRange(1),
    metavar="N",
    help="Write OUT's name with -step-000050 and so on beside OUT every N steps.",
)
@options.loss_network("VGG-19 if its weights are here, else distilled, whose pictures are noisier")
@options.loss_weights
@options.overwrite
@options.as_json
@needs_extra("train")
def command(
    photo: Path,
    painting: Path,
    output: Path,
    overwrite: bool,
    as_json: bool,
    **how: Any,  # what is optimised, and how: for _paint
) -> None:
    """Paint one photo by optimisation (Gatys et al. 2016): slow, and the yardstick of the fast networks.

    The photo's pixels are changed step by step until a loss network sees the photo's content in the painting's style.
    """
    from stylecli.media.images.files import read_picture, write_picture

    steps = range(how["preview_every"], how["steps"] + 1, how["preview_every"]) if how["preview_every"] else []
    _check_files([output, *(_preview_file(output, step) for step in steps)], [photo, painting], overwrite=overwrite)
    picture, style, started = read_picture(photo), read_picture(painting), time.monotonic()
    with progress_shown(as_json=as_json) as progress:
        painted, losses = _paint(picture, style.pixels, output, progress, overwrite=overwrite, **how)
    write_picture(painted, output, overwrite=overwrite)
    if as_json:
        seconds = round(time.monotonic() - started, 1)
        emit_json({"event": "result", "output": output, "steps": how["steps"], "seconds": seconds, **losses})
    else:
        click.echo(output)


def _paint(
    picture: Picture,
    style: NDArray[Any],
    output: Path,
    progress: Progress,
    *,
    overwrite: bool,
    optimizer: Literal["lbfgs", "adam"],
    style_weight: float,
    content_weight: float,
    loss_network: LossName | None,
    loss_weights: Path | None,
    preview_every: int | None,
    **how: Any,  # steps, size, scales, original_colors: for `optimize`
) -> tuple[Picture, dict[str, float]]:
    """The painted picture and its losses."""
    from stylecli.media.images.files import picture_from_pixels, write_picture
    from stylecli.training.gatys import Optimization, optimize
    from stylecli.training.losses.loss_network import best_at_hand, load_loss_network

    settings = Optimization(optimizer, content_weight=content_weight, style_weight=style_weight)
    network = load_loss_network(loss_network or best_at_hand(loss_weights), settings.layers, file=loss_weights)
    losses: dict[str, float] = {}

    def watch(step: Step) -> None:
        losses.update({name: round(value, 6) for name, value in step.values.items()})
        progress(step)

    def preview(step: int, pixels: NDArray[Any]) -> None:
        write_picture(picture_from_pixels(pixels), _preview_file(output, step), overwrite=overwrite)

    how |= {"preview": preview, "preview_every": preview_every} if preview_every else {}
    with _memory_blamed():
        pixels = optimize(picture.pixels, style, network, settings, progress=watch, **how)
    return _with_pixels(picture, pixels), losses


def _with_pixels(picture: Picture, pixels: NDArray[Any]) -> Picture:
    """The picture with other pixels; of another size it keeps its transparency alone."""
    from stylecli.media.images.files import picture_from_pixels
    from stylecli.media.pixels import quantize, to_unit
    from stylecli.media.resizing import resize

    if pixels.shape == picture.pixels.shape:
        return picture.with_pixels(pixels)
    if picture.alpha is None:
        return picture_from_pixels(pixels)
    alpha = resize(to_unit(picture.alpha)[..., None], *pixels.shape[:2])[..., 0]
    return picture_from_pixels(pixels, quantize(alpha, picture.alpha.dtype))


def _check_files(targets: Sequence[Path], sources: Sequence[Path], *, overwrite: bool) -> None:
    """Refuse what would fail after the long work, or destroy a source."""
    from stylecli.evaluation.report.files import check_targets
    from stylecli.media.images.files import WRITABLE

    output = targets[0]
    if output.suffix.lower() not in WRITABLE:
        raise UsageError(f"{output}: not a format that can be written", hint=f"Use {', '.join(WRITABLE)}.")
    if clash := {path.resolve() for path in targets} & {path.resolve() for path in sources}:
        raise UsageError(f"{min(clash)}: is a source too", hint="Give another name with -o.")
    if output.is_dir():
        raise MediaError(f"{output}: it is a folder", hint="Give the name of a file.")
    check_targets(targets, overwrite=overwrite)


def _preview_file(output: Path, step: int) -> Path:
    return output.with_name(f"{output.stem}-step-{step:06d}.png")


@contextmanager
def _memory_blamed() -> Iterator[None]:
    """Tell a lack of memory, of the graphics card or the machine, from a defect."""
    try:
        yield
    except RuntimeError as err:  # torch has a type for that of the graphics card alone; the texts agree in a word
        if "allocate" not in str(err):
            raise
        raise DeviceError("not enough memory for a picture of this size", hint="Give a smaller --size.") from err
