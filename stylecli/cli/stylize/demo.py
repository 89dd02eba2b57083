"""`stylecli demo`: a picture in every style and a stylized clip, without any input."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stylecli.cli import options
from stylecli.cli.console import emit, progress_shown
from stylecli.cli.parameters import PathType

if TYPE_CHECKING:
    from stylecli.inference.engine import Device

FOLDER = Path("stylecli-demo")


@click.command()
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=PathType(),
    default=FOLDER,
    show_default=True,
    help="Output folder; files of an earlier demo are replaced, others stay.",
)
@options.device
@options.styles_dir
def command(output: Path, device: Device, styles_dir: Path | None) -> None:
    """Make a picture in every style and a short stylized clip with sound, and print their paths.

    They are made of a photo that ships with stylecli; nothing is downloaded.
    """
    from stylecli.packs.shelves import list_styles
    from stylecli.stylize.demo import make_demo

    with progress_shown() as progress:
        files = make_demo(output, list_styles(styles_dir), device=device, progress=progress)
    for file in files:
        emit(file)
