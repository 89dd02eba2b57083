"""`stylecli evaluate`: the quality of styles in numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stylecli.cli import options
from stylecli.cli.bars import progress_shown
from stylecli.cli.extras import needs_extra
from stylecli.cli.output import emit_json
from stylecli.cli.tables import print_table

if TYPE_CHECKING:
    from stylecli.engine import Device


@click.command()
@click.argument("styles", nargs=-1, required=True, metavar="STYLE...")
@click.option(
    "--photos", required=True, multiple=True, type=click.Path(path_type=Path), help="A photo or folder; repeatable."
)
@click.option(
    "--painting", type=click.Path(dir_okay=False, path_type=Path), help="The style's painting, for its distance."
)
@options.record
@options.loss_weights
@options.device
@options.styles_dir
@options.as_json
@needs_extra("train")
def command(
    styles: tuple[str, ...],
    photos: tuple[Path, ...],
    painting: Path | None,
    record: bool,
    loss_weights: Path | None,
    device: Device,
    styles_dir: Path | None,
    as_json: bool,
) -> None:
    """Measure content and style distance (VGG-19), grid energy and noise gain.

    Photos are judged at a short side of 384 pixels; how, docs/training.md says. Lower is better in all columns.
    """
    from stylecli.engine import Engine
    from stylecli.evaluation.quality import JUDGE_LAYERS, measure_quality
    from stylecli.pack import find_style, record_measurement
    from stylecli.stylize import pictures_in
    from stylecli.training.loss_network import load_loss_network

    loss_network = load_loss_network("vgg19", JUDGE_LAYERS, file=loss_weights)
    rows = []
    for pack in [find_style(style, styles_dir) for style in styles]:
        with Engine(pack, device=device) as engine, progress_shown(as_json=as_json) as progress:
            quality = measure_quality(
                engine, pictures_in(photos), painting=painting, loss_network=loss_network, progress=progress
            )
        row = {"style": pack.name, **quality.as_record()}
        if record:
            judge = {"loss_network": loss_network.name, "loss_network_sha256": loss_network.sha256}
            record_measurement(pack, "quality", {**quality.as_record(), **judge})
        if as_json:
            emit_json({"event": "result", **row})
        rows.append(row)
    if not as_json:
        print_table([{key: value for key, value in row.items() if key != "photos"} for row in rows])
