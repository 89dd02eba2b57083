"""A job that stylizes files: one picture, one video, or many of both, which become a zip."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stylecli.core.errors import MediaError, StyleError
from stylecli.core.progress import Progress, Step
from stylecli.inference.engine import Engine
from stylecli.media.video.clip import Span
from stylecli.media.video.plan import VideoOptions
from stylecli.media.video.writing.containers import CONTAINERS
from stylecli.stylize.frame_painter import FramePainter
from stylecli.stylize.videos.video import stylize_video
from stylecli.web.jobs.queue import Item, Job
from stylecli.web.pictures.previews import Previews
from stylecli.web.pictures.results import make_picture, result_name
from stylecli.web.pictures.wishes import Wish

PLAYED = (".mp4", ".webm", ".mov")  # results that a browser plays
VIDEO_SUFFIX = ".mp4"  # of the result of any other video


@dataclass(frozen=True)
class Stylization:
    """The work of a job that stylizes files. `span` is the range of a video, None for the whole."""

    previews: Previews
    wish: Wish
    span: Span | None

    def __call__(self, job: Job, progress: Progress) -> None:
        """Stylize every file; one that is broken stops no other.

        Raises:
            MediaError: no file could be stylized.
        """
        outputs: list[tuple[Item, Path]] = []
        for number, item in enumerate(job.items):
            item.state = "running"
            try:
                outputs.append((item, self._file(job, item, _nth(progress, number, len(job.items)))))
                item.state = "done"
            except StyleError as error:
                item.state, item.note = "failed", str(error).replace(str(item.upload.path), item.upload.name)
        if not outputs:
            raise MediaError(job.items[0].note.rstrip(".") if len(job.items) == 1 else "no file could be stylized")
        if len(job.items) == 1:
            item, path = outputs[0]
            job.result, job.name = path, result_name(item.upload, job.style, path)
        else:
            job.result, job.name = _zipped(job, outputs), f"{job.style}.zip"

    def _file(self, job: Job, item: Item, progress: Progress) -> Path:
        if item.upload.kind == "video":
            return self._video(job, item, progress)
        progress(Step(0, 1, "files"))
        output, lost = make_picture(item.upload, self.wish, self.previews, job.folder)
        item.note = ", ".join(lost)
        progress(Step(1, 1, "files"))
        return output

    def _video(self, job: Job, item: Item, progress: Progress) -> Path:
        source = item.upload.path
        suffix = source.suffix if source.suffix in PLAYED and source.suffix in CONTAINERS else VIDEO_SUFFIX
        output = job.folder / f"{item.upload.id}{suffix}"
        notes: list[str] = []
        networks = self.previews.networks
        pack = networks.pack(self.wish.style, self.wish.variant)
        with Engine(pack, device=networks.device, side_by_side=True) as engine:
            painter = FramePainter(engine, self.previews.look(self.wish))
            stylize_video(
                source,
                output,
                paint=painter,
                options=VideoOptions(span=self.span),
                progress=progress,
                notice=notes.append,
            )
        item.note = " ".join(notes)
        return output


def _nth(progress: Progress, number: int, files: int) -> Progress:
    """The progress of one file among several, counted in files; that of a single file is told as it is."""
    if files == 1:
        return progress
    return lambda step: progress(Step(number + (step.done / step.total if step.total else 0), files, "files"))


def _zipped(job: Job, outputs: Sequence[tuple[Item, Path]]) -> Path:
    """All results in one zip, stored as they are: pictures and videos do not get smaller."""
    archive = job.folder / "all.zip"
    used: set[str] = set()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        for item, path in outputs:
            name = result_name(item.upload, job.style, path)
            number = 2
            while name in used:
                name = f"{item.upload.stem}-{job.style}-{number}{path.suffix}"
                number += 1
            used.add(name)
            file.write(path, name)
            with suppress(OSError):
                path.unlink()
    return archive
