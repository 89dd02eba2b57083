"""Everything that `stylecli bench` measures, in one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stylecli.core.progress import Progress, ignore
from stylecli.evaluation.speed import tables
from stylecli.evaluation.speed.batch import BatchSpeed, measure_batch
from stylecli.evaluation.speed.doors import Door, measure_doors
from stylecli.evaluation.speed.memory import Peak, measure_memory
from stylecli.evaluation.speed.networks import Timing, machine, measure_networks, measure_start_ups
from stylecli.evaluation.speed.options import QUICK, SIZES, BenchOptions
from stylecli.evaluation.speed.scaling import ScalingPoint, measure_energy, measure_scaling
from stylecli.evaluation.speed.tables import BenchmarkTable
from stylecli.evaluation.speed.video import VideoSpeed, measure_video
from stylecli.packs.pack import StylePack, record_measurement, refuse_blends, topic_of

TOPIC = "speed"  # of the card


@dataclass(frozen=True)
class Findings:
    """All measurements. joules: of a 720p frame, None without counters. start_seconds: of programs in a new process."""

    timings: Sequence[Timing]
    videos: Sequence[VideoSpeed]
    batches: Sequence[BatchSpeed]
    points: Sequence[ScalingPoint]
    joules: float | None
    peaks: Sequence[Peak]
    doors: Sequence[Door]
    start_seconds: Mapping[str, float]

    @property
    def tables(self) -> list[BenchmarkTable]:
        """The tables for a terminal or a document."""
        starts = [{"start": name, "seconds": value} for name, value in self.start_seconds.items()]
        return [
            tables.networks(self.timings),
            tables.videos(self.videos),
            tables.batches(self.batches),
            tables.pixels_and_threads(self.points, self.joules),
            tables.memory(self.peaks),
            tables.doors(self.doors),
            BenchmarkTable("Start", "", starts),
        ]

    def as_record(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        timed, videos, batches, scaling, memory, doors, _ = (table.rows for table in self.tables)
        rows = {"networks": timed, "scaling": scaling, "memory": memory, "joules": self.joules}
        pipelines = {"videos": videos, "batches": batches, "doors": doors}
        return {"machine": machine(), "start_seconds": self.start_seconds, **rows, **pipelines}


def run_benchmark(packs: Sequence[StylePack], options: BenchOptions, *, progress: Progress = ignore) -> Findings:
    """Measure what was chosen: networks with all styles, everything else with the first one.

    Raises:
        UsageError: one of the packs is a blend.
        MediaError: one of `against` is no network that takes a picture.
        StyleError: a door failed, or a picture for the peak memory.
    """
    refuse_blends(packs)
    first, rounds = packs[0], options.rounds
    filmed = [size for size in options.size if size in QUICK and options.video]
    return Findings(
        timings=measure_networks(packs, options, progress=progress) if options.networks else [],
        videos=[measure_video(first, *SIZES[size], progress=progress) for size in filmed],
        batches=(
            measure_batch(first, photos=options.photos, rounds=rounds, progress=progress) if options.batch else []
        ),
        points=measure_scaling(first, rounds=rounds, progress=progress) if options.scaling else [],
        peaks=measure_memory(first, progress=progress) if options.memory else [],
        doors=measure_doors(first, rounds=rounds, device=options.device, progress=progress) if options.doors else [],
        joules=measure_energy(first) if options.scaling else None,
        start_seconds=measure_start_ups(rounds=rounds) if options.networks else {},
    )


def record_speed(packs: Sequence[StylePack], timings: Sequence[Timing]) -> None:
    """Write milliseconds per megapixel of every variant that was timed into the cards of styles, with the machine."""
    for pack in packs:
        for variant in [model.variant for model in pack.card.models]:
            name = pack.name if variant == pack.model().variant else f"{pack.name} {variant}"
            own = [timing for timing in timings if timing.contestant == f"{name}, onnxruntime"]
            speeds = {f"ms_per_megapixel_{timing.size}": timing.milliseconds_per_megapixel for timing in own}
            measured = replace(pack, variant=None if variant == pack.card.default else variant)
            if speeds:
                record_measurement(measured, topic_of(measured, TOPIC), {**speeds, **machine()})


def write_benchmark(findings: Findings, path: Path, *, command: str) -> None:
    """Write a Markdown document; `command` is the line that measured it. Raises MediaError."""
    tables.write_document(path, tables.as_markdown(findings.tables, command=command))
