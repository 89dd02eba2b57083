"""`stylecli distill`: train the loss network that ships with stylecli."""

from __future__ import annotations

from pathlib import Path

import click

from stylecli.cli import options
from stylecli.cli.console import emit, emit_json, print_table, progress_shown, say
from stylecli.cli.extras import needs_extra
from stylecli.cli.parameters import PathType


@click.command()
@click.option(
    "--data",
    "folders",
    required=True,
    multiple=True,
    type=PathType(),
    help="Training pictures: a folder with its subfolders, or a zip; may be repeated, all are sampled equally often.",
)
@click.option(
    "--photos",
    "judged_on",
    required=True,
    type=PathType(),
    help="Other pictures, to compare it with VGG-19.",
)
@options.run_folder
@click.option("--steps", type=click.IntRange(1), default=2000, show_default=True, help="Optimiser steps.")
@options.loss_weights
@options.styles_dir
@options.as_json
@needs_extra("train")
def command(
    folders: tuple[Path, ...],
    judged_on: Path,
    output: Path,
    steps: int,
    loss_weights: Path | None,
    styles_dir: Path | None,
    as_json: bool,
) -> None:
    """Train a narrow loss network to predict the features of VGG-19, and measure how well it does.

    It learns from photos and paintings, some of them stylized by the installed styles. The same command resumes an
    interrupted run. The package ships such a RUN/distilled.safetensors.
    """
    from stylecli.media.images.files import pictures_in
    from stylecli.training.data import PhotoFolder, read_photo
    from stylecli.training.distillation.agreement import JUDGED_SHORT_SIDE, correlations
    from stylecli.training.distillation.distill import distill, shelved_networks
    from stylecli.training.losses.distilled import MAPPED
    from stylecli.training.losses.loss_network import load_loss_network, load_vgg

    teacher = load_vgg("vgg19", MAPPED, file=loss_weights)
    photos = [PhotoFolder(folder, notice=say) for folder in folders]
    judged = [read_photo(path, short_side=JUDGED_SHORT_SIDE)[None] for path in pictures_in([judged_on])]
    with progress_shown(as_json=as_json) as progress:
        file = distill(teacher, photos, output, styles=shelved_networks(styles_dir), steps=steps, progress=progress)
    student = load_loss_network("distilled", MAPPED, file=file)
    rows = [{"layer": layer, **row} for layer, row in correlations(student, teacher, judged).items()]
    if as_json:
        emit_json({"event": "result", "file": file, "bytes": file.stat().st_size, "layers": rows})
    else:
        print_table(rows)
        emit(file)
