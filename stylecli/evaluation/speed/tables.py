"""The results of `stylecli bench` as tables for the terminal, a Markdown document and a plot."""

from __future__ import annotations

import datetime
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stylecli.core.files import atomic_file, blamed_on, write_atomically
from stylecli.evaluation.speed.batch import BatchSpeed
from stylecli.evaluation.speed.doors import Door
from stylecli.evaluation.speed.memory import Peak
from stylecli.evaluation.speed.networks import Timing, machine
from stylecli.evaluation.speed.options import SIZES
from stylecli.evaluation.speed.scaling import ScalingPoint
from stylecli.evaluation.speed.video import Stage, VideoSpeed

Row = Mapping[str, Any]
LIBRARIES = ("onnxruntime-gpu", "onnxruntime", "torch")

INTRODUCTION = """# Benchmarks

Written by one command, from one run:

```sh
{command}
```

{machine}; {versions}; {date}.

All contestants run in turn in one process with the same number of threads, after a round that is not counted; each
runs twice in its turn and the second time counts, as in a row of pictures; what is told is the median over the turns.
Times differ from machine to machine and from hour to hour: compare the ratios.
"""
NETWORKS = """Milliseconds for one picture of 8 bits, in memory. *onnxruntime* after a style's name: a picture on its
own, its statistics measured too; *frame of a scene*: with statistics that are there already, as in a video. *Speedup*
is against Johnson's network (Johnson et al. 2016; random weights, on which no time depends) in PyTorch eager, the
next column against the same in onnxruntime. *gflops*: 10^9 operations of its convolutions a second; *share*: of what a
product of two large float32 matrices reaches, which networks of 8 bits may exceed. The styles are one network
with different weights: their differences are noise."""
VIDEO = """Each stage alone, then the whole pipeline, in the first style; *ceiling* is the most that the stages allow:
min(slowest stage alone, cores / sum of CPU seconds a frame)."""
BATCH = """JPEG to JPEG photos of 1.1 megapixels in the first style: each stage alone on all cores, then all photos by
a command, from the start of its workers (processes of `stylecli batch`, threads of `stylecli image`). *ceiling* is
the most that the stages allow: min(slowest stage alone, cores / sum of CPU seconds an item); *share* the part of it
that the command reached, in the median of the rounds; *cpu ms*: of an item in the whole, with the
start. *early*, *late*: 10^6 bytes of all worker processes after a third of the items, and at the end."""
MEMORY = """`stylecli image --brush native` on a PNG file, from the start of the program to the finished file; 10^6
bytes at most."""
DOORS = """A 720p frame in the first style, from having its pixels to having them painted: rgba8, through the fuse
half floats. *over network*: what the door adds. The pipe starts a process for each frame. The fuse runs in LuaJIT with
a stand-in for Fusion; *own*: what the stand-in takes beside, for its images and EXR files; Fusion's own is unknown."""


@dataclass(frozen=True)
class BenchmarkTable:
    """Rows that share their keys, under a title, with what must be known to read them."""

    title: str
    note: str
    rows: Sequence[Row]
    verdicts: Sequence[str] = ()  # measurements against their aims, a line each


def networks(timings: Sequence[Timing]) -> BenchmarkTable:
    """The table of all networks at all sizes."""
    return BenchmarkTable("Networks", NETWORKS, [asdict(timing) for timing in timings])


def videos(found: Sequence[VideoSpeed]) -> BenchmarkTable:
    """The table of the video pipeline."""
    return BenchmarkTable("Video", VIDEO if found else "", [_video_row(video) for video in found])


def batches(found: Sequence[BatchSpeed]) -> BenchmarkTable:
    """The table of many photos."""
    return BenchmarkTable(
        "Batch", BATCH if found else "", [_batch_row(batch) for batch in found], [batch.verdict for batch in found]
    )


def pixels_and_threads(points: Sequence[ScalingPoint], joules: float | None) -> BenchmarkTable:
    """The table of how a frame's time grows and shrinks; `joules` is what one takes at 720p, if the machine tells."""
    energy = f"At 720p one takes {joules} J" if joules else "This machine does not tell what energy it takes"
    note = f"A frame of a scene in the first style. {energy}." if points else ""
    return BenchmarkTable("Pixels and threads", note, [asdict(point) for point in points])


def memory(peaks: Sequence[Peak]) -> BenchmarkTable:
    """The table of peak memory by size."""
    return BenchmarkTable("Memory", MEMORY if peaks else "", [asdict(peak) for peak in peaks])


def doors(found: Sequence[Door]) -> BenchmarkTable:
    """The table of what editors wait for."""
    return BenchmarkTable(
        "Doors for editors",
        DOORS if found else "",
        [asdict(door) for door in found],
        [door.verdict for door in found if door.verdict],
    )


def as_markdown(tables: Sequence[BenchmarkTable], *, command: str) -> str:
    """The document: what was run, on what, when; then the tables that have rows or something to say."""
    facts = machine()
    versions = ", ".join(f"{name} {version}" for name in LIBRARIES if (version := _version_of(name)))
    head = INTRODUCTION.format(
        command=command,
        machine=f"{facts['processor']}, {facts['cores']} cores, {facts['system']}",
        versions=versions,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )
    return "\n".join([head, *(_section(table) for table in tables if table.rows or table.note)])


def write_document(path: Path, text: str) -> None:
    """Write a document, whole or not at all; raises MediaError."""
    with blamed_on(path, hint="Choose another folder."):
        write_atomically(path, text.encode())


def draw_timings(timings: Sequence[Timing], path: Path) -> None:
    """Milliseconds against megapixels, both logarithmic, a line for each contestant. Needs the extra `train`.

    Raises:
        MediaError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for name in dict.fromkeys(timing.contestant for timing in timings):
        mine = [timing for timing in timings if timing.contestant == name]
        megapixels = [SIZES[timing.size][0] * SIZES[timing.size][1] / 1e6 for timing in mine]
        axes.loglog(megapixels, [timing.milliseconds for timing in mine], marker="o", label=name)
    axes.set(xlabel="megapixels", ylabel="milliseconds", title=str(machine()["processor"]))
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend(fontsize="small")
    # ValueError: a suffix that matplotlib does not know.
    with blamed_on(path, hint="Give a name that ends in .png or .svg.", also=(ValueError,)), atomic_file(path) as draft:
        figure.savefig(draft)


def _batch_row(batch: BatchSpeed) -> Row:
    count = {"command": batch.command, "items": batch.items, "workers": batch.workers}
    whole = {"cpu_ms": round(batch.cpu_seconds * 1000, 1), "items_per_second": round(batch.items_per_second, 2)}
    best = {"ceiling": round(batch.ceiling, 2), "share": round(batch.share, 3)}
    early, late = (None, None) if batch.worker_megabytes is None else map(round, batch.worker_megabytes)
    return {**count, **_stages_row(batch.stages), **whole, **best, "early_megabytes": early, "late_megabytes": late}


def _stages_row(stages: Mapping[str, Stage]) -> Row:
    alone = {f"{name}_ms": round(stage.seconds * 1000, 1) for name, stage in stages.items()}
    return {**alone, **{f"{name}_cpu_ms": round(stage.cpu_seconds * 1000, 1) for name, stage in stages.items()}}


def _video_row(video: VideoSpeed) -> Row:
    whole = {"fps": round(video.fps, 2), "ceiling": round(video.ceiling, 2), "share": round(video.share, 3)}
    return {"video": f"{video.width}x{video.height}", **_stages_row(video.stages), **whole}


def _section(table: BenchmarkTable) -> str:
    lines = [f"## {table.title}", "", *([table.note, ""] if table.note else [])]
    if table.rows:
        headings = list(table.rows[0])
        lines.append(f"| {' | '.join(heading.replace('_', ' ') for heading in headings)} |")
        lines.append(f"| {' | '.join('---' for _ in headings)} |")
        lines += [f"| {' | '.join(_cell(row[heading]) for heading in headings)} |" for row in table.rows]
        lines += ["", *(f"- {verdict}." for verdict in table.verdicts)]
        lines += [""] if table.verdicts else []
    return "\n".join(lines)


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("|", r"\|")


def _version_of(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return ""
