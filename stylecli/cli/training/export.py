"""`stylecli export`: turn a finished training into a style."""

from __future__ import annotations

from pathlib import Path

import click

from stylecli.cli import options
from stylecli.cli.console import emit
from stylecli.cli.extras import needs_extra
from stylecli.cli.parameters import PathType
from stylecli.packs.card import PRECISIONS


@click.command()
@click.argument("run", type=PathType(file_okay=False))
@click.option(
    "-o",
    "--output",
    required=True,
    type=PathType(),
    metavar="PACK",
    help="Folder to write; its name becomes the style's name.",
)
@click.option("--preview", type=PathType(dir_okay=False), help="Photo for the preview; default: one that ships.")
@click.option("--number", type=click.IntRange(1), default=1, show_default=True, help="Which style, if RUN has several.")
@click.option("--variant", help="Add the network to the existing style PACK as this variant, such as quality.")
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default=PRECISIONS[0],
    show_default=True,
    help="Precision of the network; int8 is the smallest and the fastest in videos on a CPU.",
)
@click.option("--photos", type=PathType(), help="Photos to calibrate int8 on; default: 11 that ship.")
@options.overwrite
@needs_extra("train")
def command(
    run: Path,
    output: Path,
    preview: Path | None,
    number: int,
    variant: str | None,
    precision: str,
    photos: Path | None,
    overwrite: bool,
) -> None:
    """Turn a finished training into a style: ONNX model, weights, recipe, card, preview.

    Before anything is written, the model is compared with PyTorch at several sizes; one of lower precision also with
    fp32. `stylecli styles add PACK` adds it to your own styles.
    """
    from stylecli.media.images.files import read_picture
    from stylecli.photos import PREVIEW_PHOTO
    from stylecli.training.export.calibration import calibration_photos
    from stylecli.training.export.packing import Precision, add_variant, export_pack
    from stylecli.training.runs.finished import read_run

    finished = read_run(run, number=number)
    exact = Precision(precision, calibration_photos(photos) if precision != PRECISIONS[0] else ())
    if variant:
        pack = add_variant(finished, output, variant, precision=exact, overwrite=overwrite)
    else:
        photo = read_picture(preview or PREVIEW_PHOTO)
        pack = export_pack(finished, output, preview_of=photo, precision=exact, overwrite=overwrite)
    emit(pack.folder)
