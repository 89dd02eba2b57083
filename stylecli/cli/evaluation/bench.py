"""`stylecli bench`: how fast the styles, the video pipeline and the start are."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stylecli.cli import options
from stylecli.cli.console import emit_json, print_table, progress_shown, say

if TYPE_CHECKING:
    from stylecli.evaluation.speed.rivals import Range
    from stylecli.inference.engine import Device


@click.command()
@click.option("-s", "--style", "names", multiple=True, help="Only these styles; default: all.")
@click.option(
    "--size",
    "sizes",
    multiple=True,
    type=click.Choice(["512", "720p", "1080p", "4K", "8K"]),
    help="Only this size; repeatable; default: 720p and 1080p.",
)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Timed runs; the median counts.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads of every network; default: all cores.")
@click.option("--video/--no-video", "with_video", default=True, help="Measure the video pipeline, at 720p and 1080p.")
@click.option(
    "--against",
    "rivals",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Time this ONNX network too, on the CPU; it takes one RGB picture (1, 3, h, w); repeatable.",
)
@click.option(
    "--against-white",
    "white",
    type=click.Choice(["1", "255"]),
    default="255",
    show_default=True,
    help="What white is at the input of the networks of --against.",
)
@click.option("--all-variants", is_flag=True, help="Time every variant of the styles, such as int8.")
@click.option("--scaling", is_flag=True, help="Measure time by pixels and by threads, and energy.")
@click.option("--memory", is_flag=True, help="Measure the peak memory of `stylecli image`, up to 100 megapixels.")
@click.option("--doors", "with_doors", is_flag=True, help="Measure what the pipe and the spool add to the network.")
@click.option("--markdown", type=click.Path(dir_okay=False, path_type=Path), help="Write all of it to this document.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw time against pixels.")
@options.record
@options.device
@options.styles_dir
@options.as_json
def command(
    names: tuple[str, ...],
    sizes: tuple[str, ...],
    rounds: int,
    threads: int | None,
    with_video: bool,
    rivals: tuple[Path, ...],
    white: Range,
    all_variants: bool,
    scaling: bool,
    memory: bool,
    with_doors: bool,
    markdown: Path | None,
    plot: Path | None,
    record: bool,
    device: Device,
    styles_dir: Path | None,
    as_json: bool,
) -> None:
    """Time the styles against Johnson's network, in turn and in one run, so that the ratios are fair.

    Johnson's network needs the extra `train`; without it there are no ratios. Pause other work meanwhile.
    """
    from stylecli.evaluation.speed import networks as speed
    from stylecli.evaluation.speed import tables as benchmarks
    from stylecli.evaluation.speed.doors import measure_doors
    from stylecli.evaluation.speed.memory import measure_memory
    from stylecli.evaluation.speed.scaling import measure_energy, measure_scaling
    from stylecli.evaluation.speed.video import measure_video
    from stylecli.packs.pack import record_measurement
    from stylecli.packs.shelves import find_style, list_styles

    packs = [find_style(name, styles_dir) for name in names] or list_styles(styles_dir)
    with progress_shown() as progress:
        timings = speed.measure_networks(
            packs,
            sizes=sizes or speed.QUICK,
            rounds=rounds,
            device=device,
            threads=threads,
            all_variants=all_variants,
            rivals=rivals,
            white=white,
            progress=progress,
        )
        filmed = [size for size in sizes or speed.QUICK if size in speed.QUICK and with_video]
        videos = [measure_video(packs[0], *speed.SIZES[size], progress=progress) for size in filmed]
        points = measure_scaling(packs[0], rounds=rounds, progress=progress) if scaling else []
        peaks = measure_memory(packs[0], progress=progress) if memory else []
        doors = measure_doors(packs[0], rounds=rounds, device=device, progress=progress) if with_doors else []
    for pack in packs if record else ():
        mine = {timing.size: timing for timing in timings if timing.contestant == f"{pack.name}, onnxruntime"}
        speeds = {f"ms_per_megapixel_{size}": timing.milliseconds_per_megapixel for size, timing in mine.items()}
        record_measurement(pack, "speed", {**speeds, **speed.machine()})
    joules = measure_energy(packs[0]) if scaling else None
    start_ups = speed.measure_start_ups()
    tables = [
        benchmarks.networks(timings),
        benchmarks.videos(videos),
        benchmarks.pixels_and_threads(points, joules),
        benchmarks.memory(peaks),
        benchmarks.doors(doors),
        benchmarks.Table("Start", "", [{"start": name, "seconds": value} for name, value in start_ups.items()]),
    ]
    if markdown:
        command_line = shlex.join(["stylecli", *sys.argv[1:]])
        benchmarks.write_text(markdown, benchmarks.as_markdown(tables, command=command_line))
    if plot:
        benchmarks.plot(timings, plot)
    if as_json:
        found = {"networks": tables[0].rows, "scaling": tables[2].rows, "memory": tables[3].rows, "joules": joules}
        found |= {"videos": tables[1].rows, "doors": tables[4].rows}
        emit_json({"event": "result", "machine": speed.machine(), "start_seconds": start_ups, **found})
        return
    say(f"{speed.machine()['processor']}, {speed.machine()['cores']} cores; median of {rounds}")
    for table in tables:
        print_table(table.rows)
