"""`stylecli gallery`: the page as a static site."""

from __future__ import annotations

from pathlib import Path

import click

from stylecli.cli import options
from stylecli.cli.console import emit, progress_shown, say
from stylecli.cli.parameters import PathType


@click.command()
@click.option("-o", "--output", required=True, type=PathType(), metavar="SITE", help="Folder to write.")
@click.option("-s", "--style", "styles", multiple=True, help="Only this style; may be repeated. Default: all.")
@click.option(
    "--runtime",
    type=PathType(),
    metavar="DIR",
    help="Folder with onnxruntime-web; default: a cache, which npm fills once.",
)
@options.styles_dir
@options.overwrite
def command(
    output: Path, styles: tuple[str, ...], runtime: Path | None, styles_dir: Path | None, overwrite: bool
) -> None:
    """Write a static site on which visitors try the styles with their own photos.

    The networks run in the visitor's browser (WebAssembly); pictures never leave it. Any web server can host the site;
    try it with `python -m http.server -d SITE`. If the server sends the headers for cross-origin isolation, the
    networks use several threads, else one.
    """
    from stylecli.packs.shelves import find_style, list_styles
    from stylecli.web.gallery.site import write_gallery

    packs = [find_style(style, styles_dir) for style in styles] or list_styles(styles_dir)
    with progress_shown() as progress:
        size = write_gallery(output, packs, runtime=runtime, overwrite=overwrite, progress=progress)
    emit(output)
    say(f"stylecli: {len(packs)} styles, {size / 1e6:.0f} MB")
