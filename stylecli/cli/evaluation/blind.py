"""`stylecli evaluate blind`: a blind comparison of styles by people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stylecli.cli import options
from stylecli.cli.console import emit_json, print_table, progress_shown
from stylecli.cli.evaluation import judging
from stylecli.cli.extras import needs_extra
from stylecli.cli.parameters import PathType
from stylecli.core.errors import UsageError
from stylecli.evaluation.blind.options import BlindOptions

if TYPE_CHECKING:
    from stylecli.evaluation.speed.options import White
    from stylecli.inference.sessions import Device


@click.command(short_help="Let people choose between styles without knowing which is which.")
@click.argument("styles", nargs=-1, metavar="[STYLE_OR_RUN...]")
@judging.photos
@click.option("-o", "--output", type=PathType(dir_okay=False), help="Page to write (.html).")
@click.option(
    "--painting",
    type=PathType(exists=True, dir_okay=False),
    help="Also show the painting and ask which picture is more like it.",
)
@click.option(
    "--size",
    type=click.IntRange(64, 4096),
    default=BlindOptions.size,
    show_default=True,
    help="Short side of the pictures, in pixels.",
)
@click.option("--seed", type=int, help="Seed of the order and sides; default: random.")
@click.option(
    "--score",
    multiple=True,
    type=PathType(dir_okay=False),
    help="Count the answers that the page saved; may be repeated.",
)
@options.variant
@judging.white
@options.csv_file
@options.overwrite
@options.device
@options.styles_dir
@options.as_json
@needs_extra("train")
def blind(
    styles: tuple[str, ...],
    photos: tuple[Path, ...],
    output: Path | None,
    painting: Path | None,
    size: int,
    seed: int | None,
    score: tuple[Path, ...],
    variant: str | None,
    white: White,
    csv_file: Path | None,
    overwrite: bool,
    device: Device,
    styles_dir: Path | None,
    as_json: bool,
) -> None:
    """Write a page with pairs of pictures that do not say which style made them, or count its answers.

    `blind A B --photos DIR -o PAGE.html` writes one file for any browser: each pair of styles on each photo, in random
    order. Arrow keys choose, Z shows full resolution, S saves the answers. `blind --score answers.json` prints how
    often each style is preferred (Bradley-Terry), with 95 % intervals.
    """
    from stylecli.evaluation.report.files import check_targets

    if bool(score) == bool(styles):
        raise UsageError("give either styles to compare or answers to count", hint="See `stylecli evaluate blind -h`.")
    check_targets([path for path in (output, csv_file) if path], overwrite=overwrite)
    if score:
        _count(score, csv_file, as_json=as_json)
        return
    if not photos or not output:
        raise UsageError("no photos to compare on, or no page to write", hint="Give `photos` and `output`.")
    from stylecli.evaluation.blind.page import make_blind_page
    from stylecli.evaluation.quality.candidates import find_candidates

    chosen = BlindOptions(painting, size, seed)
    compared = find_candidates(styles, styles_dir, variant=variant, white=white, notice=judging.notice)
    with progress_shown(as_json=as_json) as progress:
        pairs = make_blind_page(compared, photos, output, chosen, device=device, progress=progress)
    if as_json:
        emit_json({"event": "result", "page": output, "pairs": pairs})
    else:
        judging.notice(f"{output}: {pairs} pairs. Open it in a browser, then count the answers with `score`.")


def _count(score: tuple[Path, ...], csv_file: Path | None, *, as_json: bool) -> None:
    from stylecli.evaluation.blind.answers import read_answers
    from stylecli.evaluation.blind.scoring import encounters, preferences
    from stylecli.evaluation.report.files import write_csv

    duels = read_answers(score)
    rows = [row.as_record() for row in preferences(duels)]
    met = [row.as_record() for row in encounters(duels)]
    if as_json:
        for event, records in (("result", rows), ("encounter", met)):
            for record in records:
                emit_json({"event": event, **record})
    else:
        print_table(rows)
        print_table(met)
    if csv_file:
        write_csv(rows, csv_file)
