"""What a batch will take, before it runs: items, frames, pixels, disk, and time by a measured sample."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from stylecli.core.errors import StyleError
from stylecli.core.temporary import temporary_folder
from stylecli.stylize.batch.manifests.files import files_of
from stylecli.stylize.batch.manifests.rows import Item
from stylecli.stylize.batch.options import BatchOptions
from stylecli.stylize.batch.run import local_workers
from stylecli.stylize.batch.workers.processes import WorkerProcess, request_of

PROBED_MAX = 40  # inputs of a kind that are looked at; the others are taken to be like them
VIDEO_BITS_A_PIXEL = 0.15  # of H.264 at its default quality, for a painted picture


@dataclass(frozen=True)
class BatchPlan:
    """Estimates are of all items, also of those that are done already. `seconds` is None if nothing can be measured."""

    items: int
    pictures: int
    sequences: int
    videos: int
    frames: int
    pixels: int
    probed: int  # inputs that were looked at; the rest is estimated by them
    workers: int
    seconds: float | None
    bytes_needed: int
    bytes_free: int


@dataclass(frozen=True)
class _Probed:
    """An item that was looked at; of a sequence its first frame, as a picture of its own."""

    item: Item
    width: int
    height: int
    frames: int  # in a file
    files: int  # of the item

    @property
    def pixels(self) -> int:  # of one file
        return self.frames * self.width * self.height


@dataclass(frozen=True)
class _Sample:
    frames: float  # a mean item's
    pixels: float
    probed: tuple[_Probed, ...]


def plan_batch(items: Sequence[Item], folder: Path, options: BatchOptions) -> BatchPlan:
    """Estimate a batch: look at some inputs, and paint one of them into a temporary folder.

    Raises:
        StyleError: the sample cannot be painted.
    """
    kinds = {kind: [item for item in items if item.kind == kind] for kind in ("picture", "sequence", "video")}
    workers = local_workers(options, len(items))
    worker = workers[0]  # the others are not started
    try:
        samples = {kind: _sample(of_kind, folder, worker) for kind, of_kind in kinds.items()}
        rate, bytes_a_pixel = _measured(samples, folder, worker)
    finally:
        worker.close()
    pixels = {kind: samples[kind].pixels * len(kinds[kind]) for kind in kinds}
    total = sum(pixels.values())
    return BatchPlan(
        items=len(items),
        pictures=len(kinds["picture"]),
        sequences=len(kinds["sequence"]),
        videos=len(kinds["video"]),
        frames=round(sum(samples[kind].frames * len(kinds[kind]) for kind in kinds)),
        pixels=round(total),
        probed=sum(len(sample.probed) for sample in samples.values()),
        workers=len(workers),
        seconds=None if rate is None else round(total * rate / len(workers), 1),
        bytes_needed=round((total - pixels["video"]) * bytes_a_pixel + pixels["video"] * VIDEO_BITS_A_PIXEL / 8),
        bytes_free=shutil.disk_usage(folder).free,
    )


def _sample(items: Sequence[Item], folder: Path, worker: WorkerProcess) -> _Sample:
    """Sizes of items spread evenly over all; those that cannot be read are left out."""
    step = max(1, len(items) // PROBED_MAX)
    looks = (_probed(item, folder, worker) for item in list(items[::step])[:PROBED_MAX])
    probed = tuple(one for one in looks if one)
    count = max(1, len(probed))
    frames = sum(one.files * one.frames for one in probed) / count
    pixels = sum(one.files * one.pixels for one in probed) / count
    return _Sample(frames, pixels, probed)


def _probed(item: Item, folder: Path, worker: WorkerProcess) -> _Probed | None:
    try:
        files = files_of(item, folder)
    except StyleError:
        return None
    if item.kind == "sequence":
        source, output = files[0]
        item = replace(item, kind="picture", input=str(source), output=str(output))
        item = replace(item, fill=0.0, detail=item.detail or 0.0)  # as `Look.of_frames`
    answer = worker.ask({**request_of(item, folder), "kind": "probe", "probes": item.kind})
    if answer["status"] != "done":
        return None
    return _Probed(item, answer["width"], answer["height"], answer["frames"], len(files))


def _measured(samples: dict[str, _Sample], folder: Path, worker: WorkerProcess) -> tuple[float | None, float]:
    """Seconds a pixel for one worker, and bytes of a result a pixel of pictures."""
    if pictures := (*samples["picture"].probed, *samples["sequence"].probed):
        middle = median(one.width * one.height for one in pictures)
        chosen = min(pictures, key=lambda one: abs(one.width * one.height - middle))
        with temporary_folder() as temporary:
            output = temporary / f"sample{Path(chosen.item.output).suffix}"
            request = {**request_of(chosen.item, folder), "output": str(output)}
            _checked(worker.ask({**request, "kind": "measure", "width": 64, "height": 64}))  # loads the style
            seconds = _checked(worker.ask(request))["seconds"]
            return seconds / chosen.pixels, output.stat().st_size / chosen.pixels
    if videos := samples["video"].probed:
        first = videos[0]
        size = {"width": first.width, "height": first.height}
        measured = _checked(worker.ask({**request_of(first.item, folder), "kind": "measure", **size}))
        return measured["painting"] / (first.width * first.height), 0.0
    return None, 0.0


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if answer["status"] != "done":
        raise StyleError(answer["error"], hint=answer["hint"])
    return answer
