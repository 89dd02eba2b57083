"""`stylecli bench`: measure the speed of the styles, the video pipeline and the start."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from stylecli.cli import options
from stylecli.cli.console import emit, emit_json, print_table, progress_shown, say
from stylecli.cli.parameters import PathType
from stylecli.core.errors import UsageError
from stylecli.evaluation.speed.options import QUICK, SIZES, BenchOptions, White

if TYPE_CHECKING:
    from stylecli.evaluation.speed.benchmark import Findings

PARTS = ("scaling", "memory", "doors", "batch")


def _bench_options(*, size: tuple[str, ...], networks: bool | None, video: bool | None, **others: Any) -> BenchOptions:
    """Without a choice, networks and videos are measured; otherwise what was chosen."""
    nothing = not (networks or video or any(others[part] for part in PARTS))
    networks, video = (nothing if chosen is None else chosen for chosen in (networks, video))
    return BenchOptions(size=size or QUICK, networks=networks, video=video, **others)


bench_options = options.gathered(
    "chosen",
    _bench_options,
    click.option(
        "--size",
        multiple=True,
        type=click.Choice([*SIZES]),
        help=f"Only this size; may be repeated; default: {' and '.join(QUICK)}.",
    ),
    click.option(
        "--rounds",
        type=click.IntRange(1),
        default=BenchOptions.rounds,
        show_default=True,
        help="Number of timed runs; the median is reported.",
    ),
    click.option("--threads", type=click.IntRange(1), help="CPU threads of every network; default: all cores."),
    click.option("--networks/--no-networks", default=None, help="Measure the networks, and the start of the program."),
    click.option("--video/--no-video", default=None, help="Measure the video pipeline, at 720p and 1080p."),
    click.option(
        "--against",
        multiple=True,
        type=PathType(exists=True, dir_okay=False),
        help="Also time this ONNX network, which takes an RGB picture (1, 3, h, w); may be repeated.",
    ),
    click.option(
        "--against-white",
        type=click.Choice(get_args(White)),
        default=BenchOptions.against_white,
        show_default=True,
        help="Value of white at the input of the networks of --against.",
    ),
    click.option("--all-variants", is_flag=True, help="Time every variant of the styles, such as int8."),
    click.option("--scaling", is_flag=True, help="Measure how time grows with pixels and threads, and energy."),
    click.option("--memory", is_flag=True, help="Measure the peak memory of `stylecli image`, up to 100 megapixels."),
    click.option("--doors", is_flag=True, help="Measure the overhead of the pipe and the spool."),
    click.option(
        "--batch",
        is_flag=True,
        help="Measure `stylecli batch` and `image` with many photos; takes one to three minutes.",
    ),
    click.option(
        "--photos",
        type=click.IntRange(2),
        default=BenchOptions.photos,
        show_default=True,
        help="Photos of --batch, of 1.1 megapixels each.",
    ),
    options.device,
)


@click.command()
@click.option("-s", "--style", "names", multiple=True, help="Only this style; may be repeated; default: all.")
@options.variant
@bench_options
@click.option("--markdown", type=PathType(dir_okay=False), help="Write the results to this Markdown file.")
@click.option("--plot", type=PathType(dir_okay=False), help="Write a plot of time against pixels.")
@options.record
@options.styles_dir
@options.as_json
def command(
    names: tuple[str, ...],
    variant: str | None,
    chosen: BenchOptions,
    markdown: Path | None,
    plot: Path | None,
    record: bool,
    styles_dir: Path | None,
    as_json: bool,
) -> None:
    """Measure the networks and the video pipeline, or only the parts that are named: --batch, --doors ...

    The styles and Johnson's network run alternately, so that the ratios are fair. Johnson's network needs the extra
    `train`; without it there are no ratios. Stop other work meanwhile.
    """
    from stylecli.evaluation.report.files import check_targets
    from stylecli.evaluation.speed.benchmark import record_speed, run_benchmark, write_benchmark
    from stylecli.evaluation.speed.tables import draw_timings
    from stylecli.packs.shelves import find_style, list_styles

    if (record or plot) and not chosen.networks:
        raise UsageError("only the speed of networks is recorded and drawn", hint="Add `networks=True`.")
    check_targets([path for path in (markdown, plot) if path], overwrite=True)
    names = names or tuple(pack.name for pack in list_styles(styles_dir))
    packs = [find_style(name, styles_dir, variant=variant) for name in names]
    with progress_shown() as progress:
        findings = run_benchmark(packs, chosen, progress=progress)
    _print(findings, rounds=chosen.rounds, as_json=as_json)
    if record:
        record_speed(packs, findings.timings)
    if markdown:
        write_benchmark(findings, markdown, command=shlex.join(["stylecli", *sys.argv[1:]]))
    if plot:
        draw_timings(findings.timings, plot)


def _print(findings: Findings, *, rounds: int, as_json: bool) -> None:
    if as_json:
        emit_json({"event": "result", **findings.as_record()})
        return
    from stylecli.evaluation.speed.networks import machine

    say(f"{machine()['processor']}, {machine()['cores']} cores; median of {rounds}")
    for table in findings.tables:
        print_table(table.rows)
        for verdict in table.verdicts:
            emit(verdict)
