"""`stylecli styles`: list, show, check, learn, add and remove styles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stylecli.cli import options
from stylecli.cli.console import emit, emit_json, print_table, say
from stylecli.cli.parameters import PathType
from stylecli.cli.stylize import learn
from stylecli.core.errors import PackError
from stylecli.stylize.options import TILE_WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stylecli.inference.engine import Device
    from stylecli.packs.pack import StylePack


@click.group(name="styles")
def command() -> None:
    """List, show, check, learn, add and remove styles.

    A style is a folder. Styles are searched in --styles-dir, $STYLECLI_STYLES, your own styles, the bundled styles.
    """


command.add_command(learn.command)


@command.command("list")
@options.styles_dir
@options.as_json
def list_command(styles_dir: Path | None, as_json: bool) -> None:
    """List all styles; --json also gives their folders.

    Damaged styles are left out; `stylecli styles check` names them.
    """
    from stylecli.packs.shelves import list_styles, shelves

    packs = list_styles(styles_dir)
    if as_json:
        for pack in packs:
            emit_json({"event": "result", **_entry(pack), "preview": str(pack.preview)})
    else:
        print_table(
            [{**_names(pack), "year": pack.card.year or None, "variants": ", ".join(_variants(pack))} for pack in packs]
        )
    if not packs:
        say(f"stylecli: no styles in {', '.join(str(shelf) for shelf in shelves(styles_dir))}")


@command.command()
@click.argument("style")
@options.styles_dir
@options.as_json
def show(style: str, styles_dir: Path | None, as_json: bool) -> None:
    """Show what a style's card says: painting, network, training, measurements.

    STYLE is a name or a folder.
    """
    from dataclasses import asdict

    from stylecli.packs.shelves import find_style

    pack = find_style(style, styles_dir)
    if as_json:
        emit_json({"event": "result", "folder": pack.folder, **asdict(pack.card)})
    else:
        print_table([{"field": field, "value": value} for field, value in _fields(pack)])


@command.command()
@click.argument("styles", nargs=-1, metavar="[NAME|FOLDER]...")
@options.styles_dir
@options.as_json
def check(styles: tuple[str, ...], styles_dir: Path | None, as_json: bool) -> None:
    """Check the card, the sha256 of every file and the safety of the networks.

    Without a name all styles are checked. Exit code 3 if one has problems.
    """
    from stylecli.packs.shelves import check_style, style_folders

    names = styles or sorted(style_folders(styles_dir))
    reports = {name: check_style(name, styles_dir) for name in names}
    for name, problems in reports.items():
        if as_json:
            emit_json({"event": "result", "style": name, "ok": not problems, "problems": problems})
        else:
            emit("\n".join(problems) or f"{name}: ok")
    if damaged := sum(1 for problems in reports.values() if problems):
        raise PackError(f"{damaged} of {len(reports)} styles have problems", hint="Get them again.")


@command.command()
@click.argument("source", type=PathType(exists=True))
@click.option("--replace", is_flag=True, help="Replace the style of the same name.")
@options.styles_dir
@options.as_json
def add(source: Path, replace: bool, styles_dir: Path | None, as_json: bool) -> None:
    """Check a style (a folder or a .zip) and add it to your own styles, or to --styles-dir.

    Refused are wrong sha256s, pickles, links, external data, non-standard operators and oversized files.
    """
    from stylecli.editors.host import tell_styles_changed
    from stylecli.packs.shelves import add_style, shelves

    pack = add_style(source, shelves(styles_dir)[0], replace=replace)
    tell_styles_changed()
    if as_json:
        emit_json({"event": "result", **_entry(pack)})
    else:
        emit(f"{pack.name}: added to {pack.folder.parent}")


@command.command()
@click.argument("name")
@options.styles_dir
@options.as_json
def remove(name: str, styles_dir: Path | None, as_json: bool) -> None:
    """Remove one of your own styles, or one in --styles-dir.

    The bundled styles stay.
    """
    from stylecli.editors.host import tell_styles_changed
    from stylecli.packs.shelves import remove_style, shelves

    shelf = shelves(styles_dir)[0]
    remove_style(name, shelf)
    tell_styles_changed()
    if as_json:
        emit_json({"event": "result", "style": name, "removed_from": shelf})
    else:
        emit(f"{name}: removed from {shelf}")


@command.command()
@click.argument("photo", type=PathType())
@click.option("-o", "--output", required=True, type=PathType(), help="Output picture.")
@click.option(
    "-s", "--style", "styles", multiple=True, help="A style's name or folder; may be repeated.  [default: all]"
)
@click.option("--tile", type=click.IntRange(64, 2048), default=TILE_WIDTH, show_default=True, help="Width of a tile.")
@options.device
@options.styles_dir
@options.overwrite
@options.as_json
def sheet(
    photo: Path,
    output: Path,
    styles: tuple[str, ...],
    tile: int,
    device: Device,
    styles_dir: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Draw a photo in every style into one labelled picture.

    Each tile is the full-size result, shrunk; the first one is the photo itself.
    """
    from stylecli.cli.console import progress_shown
    from stylecli.packs.shelves import find_style, list_styles
    from stylecli.stylize.sheet import write_sheet

    packs = [find_style(style, styles_dir) for style in styles] or list_styles(styles_dir)
    with progress_shown(as_json=as_json) as progress:
        write_sheet(photo, output, packs, tile_width=tile, device=device, overwrite=overwrite, progress=progress)
    if as_json:
        emit_json({"event": "result", "input": photo, "output": output, "styles": [pack.name for pack in packs]})
    else:
        emit(output)


def _entry(pack: StylePack) -> dict[str, Any]:
    files = {"bytes": pack.model().bytes, "folder": str(pack.folder)}
    return {**_names(pack), "variants": _variants(pack), **files}


def _names(pack: StylePack) -> dict[str, Any]:
    return {"style": pack.name, "title": pack.card.title, "artist": pack.card.artist, "year": pack.card.year}


def _variants(pack: StylePack) -> list[str]:
    return [model.variant for model in pack.card.models]


def _fields(pack: StylePack) -> Iterator[tuple[str, object]]:
    import json
    from dataclasses import asdict

    yield "folder", pack.folder
    for field, value in asdict(pack.card).items():
        if field == "models":
            for model in pack.card.models:
                facts = f"{model.file}, {model.bytes} bytes, {model.precision}, {model.statistics} statistics"
                yield f"model {model.variant}", facts
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield f"{field} {key}", inner if field == "files" else json.dumps(inner)
        else:
            yield field, value
