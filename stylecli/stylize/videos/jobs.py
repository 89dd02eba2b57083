"""Plan video jobs: which source becomes which output, for files, folders and wildcards."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stylecli.core.errors import MediaError, UsageError
from stylecli.media.video.writing.containers import CONTAINERS
from stylecli.stylize.names import refuse_collisions

OTHERWISE = ".mp4"  # the container of a result whose source's container is not written
# Looked for in folders. Most .webp are no animations.
VIDEOS = frozenset(CONTAINERS) - {".webp"} | {
    *(".3g2", ".3gp", ".avi", ".divx", ".dv", ".f4v", ".flv", ".m2v", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".vob"),
    *(".wmv", ".asf"),
}


@dataclass(frozen=True)
class VideoJob:
    """One video to be made of `source`, written to `output`."""

    source: Path
    output: Path


def plan_videos(sources: Sequence[Path], style: str, output: Path | None, *, recursive: bool = False) -> list[VideoJob]:
    """Plan one job for each video.

    sources: videos, folders, and names with wildcards, which are resolved here where no shell has done it.
    output: a file for a single video, or a folder; None: beside the source.
    recursive: search subfolders too, and keep them in the output.

    Results are named `{stem}-{style}{suffix}`, or `.mp4` where the source's container is not written. A file of a
    folder that is the result of another one is no source.

    Raises:
        MediaError: a folder holds no video, or nothing has such a name.
        UsageError: two results have the same name, or a result replaces a source.
    """
    if output and len(sources) == 1 and not sources[0].is_dir() and not _has_wildcards(sources[0]):
        if output.suffix and not output.is_dir():
            return [VideoJob(sources[0], output)]
    elif output and output.suffix.lower() in CONTAINERS and not output.is_dir():
        raise UsageError(f"{output}: is the name of one video", hint="Give a folder as `output`.")
    jobs, found = [], set()
    for source in sources:
        for path, base in _videos_of(source, recursive=recursive):
            folder = output / path.parent.relative_to(base) if output else path.parent
            jobs.append(VideoJob(path, folder / name_of_result(path, style)))
            if path != source:
                found.add(path)
    made = {job.output for job in jobs}
    jobs = [job for job in jobs if job.source not in found & made]
    refuse_collisions(jobs)
    return jobs


def name_of_result(source: Path, style: str) -> str:
    """The file name of a stylized video: `{stem}-{style}{suffix}`, in a container that is written."""
    suffix = source.suffix if source.suffix.lower() in CONTAINERS else OTHERWISE
    return f"{source.stem}-{style}{suffix}"


def _videos_of(source: Path, *, recursive: bool) -> Iterator[tuple[Path, Path]]:
    """(video, the folder that its subfolders are counted from)."""
    if source.is_dir():
        files = source.rglob("*") if recursive else source.iterdir()
        videos = sorted(path for path in files if _is_video(path))
        if not videos:
            hint = "Give a folder with videos." if recursive else "Look into its subfolders with `recursive=True`."
            raise MediaError(f"{source}: no video in it", hint=hint)
        yield from ((path, source) for path in videos)
    elif _has_wildcards(source):
        matches = sorted(Path(source.anchor).glob(str(source.relative_to(source.anchor))))
        videos = [path for path in matches if path.is_file() and not path.name.startswith(".")]
        if not videos:
            raise MediaError(f"{source}: no such video", hint="Check the folder and the name.")
        yield from ((path, path.parent) for path in videos)
    else:
        yield source, source.parent


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEOS and not path.name.startswith(".") and path.is_file()


def _has_wildcards(source: Path) -> bool:
    """Whether it is a pattern of names; a file that has such a name is none."""
    return glob.has_magic(str(source)) and not source.exists()
