"""Plan picture jobs: which source becomes which output, for files, folders, sequences and split videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from stylecli.core.errors import MediaError, UsageError
from stylecli.media.frames.sequences import Pattern, frames_of, pattern_of
from stylecli.media.frames.timing import TIMING
from stylecli.media.images.files import WRITABLE, pictures_of

OTHERWISE = ".png"  # the format of a result whose source's format cannot be written


@dataclass(frozen=True)
class PictureJob:
    """One picture to be made: `source` in `style`, written to `output`.

    scene: the sequence or split video that it is a frame of; empty for a picture of its own.
    """

    source: Path
    style: str
    output: Path
    scene: str = ""


class Job(Protocol):
    """What is made of what."""

    @property
    def source(self) -> Path: ...  # noqa: D102
    @property
    def output(self) -> Path: ...  # noqa: D102


def plan_jobs(
    sources: Sequence[Path], styles: Sequence[str], output: Path | None, *, recursive: bool = False
) -> list[PictureJob]:
    """Plan one job for each picture and style.

    sources: pictures, folders, and patterns of numbered sequences (`media.frames.sequences`).
    output: a file, a folder, or a pattern; None: beside the source.
    recursive: search subfolders too, and keep them in the output.

    Results are named `{stem}-{style}{suffix}`. Frames of a sequence or of a split video keep their numbers; in another
    folder they keep their whole names.

    Raises:
        MediaError: a source does not exist, or a folder or sequence holds no picture.
        UsageError: two results have the same name, a result replaces a source, or no format has the suffix of `output`.
    """
    target = pattern_of(output) if output else None
    jobs = []
    for source in sources:
        if sequence := pattern_of(source):
            jobs += _jobs_of_sequence(sequence, styles, output, target)
        elif is_split_video(source):
            jobs += _jobs_of_split_video(source, styles, output)
        else:
            jobs += _jobs_of(source, styles, output, recursive=recursive)
    is_single = len(jobs) == 1 and not target and not sources[0].is_dir() and not pattern_of(sources[0])
    if output and is_single and not output.is_dir() and output.suffix:
        _check_writable(output)
        jobs = [PictureJob(jobs[0].source, styles[0], output)]
    elif target and not all(pattern_of(source) for source in sources):
        raise UsageError(f"{output}: numbers come from numbered sources", hint="Give a folder as `output`.")
    refuse_collisions(jobs)
    return jobs


def refuse_collisions(jobs: Sequence[Job]) -> None:
    """Raise UsageError where a job would replace its own or another's source, or the result of another one."""
    sources = {job.source.resolve() for job in jobs}
    made: dict[Path, Path] = {}
    for job in jobs:
        target = job.output.resolve()
        if target in sources:
            raise UsageError(f"{job.output}: is a source too", hint="Give another name or folder as `output`.")
        if target in made:
            raise UsageError(
                f"{job.output}: would be made from both {made[target]} and {job.source}",
                hint="Stylize them into different folders.",
            )
        made[target] = job.source


def is_split_video(source: Path) -> bool:
    """Whether a folder holds the frames that `stylecli split` made of a video."""
    return (source / TIMING).is_file()


def carry_timing(sources: Sequence[Path], output: Path, *, overwrite: bool) -> None:
    """Copy the timing of a split video beside its stylized frames.

    Raises:
        UsageError: the folder holds the timing of another video.
        MediaError: it cannot be written.
    """
    for source in filter(is_split_video, sources):
        timing, target = (source / TIMING).read_bytes(), output / TIMING
        if target.is_file() and not overwrite and target.read_bytes() != timing:
            raise UsageError(f"{output}: holds the frames of another video", hint="Give another folder as `output`.")
        try:
            output.mkdir(parents=True, exist_ok=True)
            target.write_bytes(timing)
        except OSError as error:
            raise MediaError(f"{target}: {error.strerror}", hint="Choose another folder.") from error


def _jobs_of(source: Path, styles: Sequence[str], output: Path | None, *, recursive: bool) -> list[PictureJob]:
    jobs = []
    for path, base in pictures_of(source, recursive=recursive):
        folder = output / path.parent.relative_to(base) if output else path.parent
        jobs += [PictureJob(path, style, folder / f"{path.stem}-{style}{_suffix(path)}") for style in styles]
    return jobs


def _jobs_of_sequence(
    sequence: Pattern, styles: Sequence[str], output: Path | None, target: Pattern | None
) -> list[PictureJob]:
    if target:
        _check_writable(Path(f"0{target.after}"), str(target))
        made = dict.fromkeys(styles, target)
    else:
        written = sequence.with_suffix(_suffix(Path(f"0{sequence.after}"))).within(output or sequence.folder)
        keeps_names = output is not None and len(styles) == 1
        made = {style: written if keeps_names else written.named(style) for style in styles}
    return [
        PictureJob(path, style, made[style].path(number), scene=str(sequence))
        for number, path in frames_of(sequence).items()
        for style in styles
    ]


def _jobs_of_split_video(source: Path, styles: Sequence[str], output: Path | None) -> list[PictureJob]:
    if len(styles) > 1 or not output:
        raise UsageError(
            f"{source}: holds the frames of a video", hint="Give one style, and another folder as `output`."
        )
    return [
        PictureJob(path, styles[0], output / path.name, scene=str(source))
        for path, _ in pictures_of(source, recursive=False)
    ]


def _suffix(path: Path) -> str:
    return path.suffix if path.suffix.lower() in WRITABLE else OTHERWISE


def _check_writable(output: Path, name: str = "") -> None:
    """Refuse an unknown format before any work is done."""
    if output.suffix.lower() not in WRITABLE:
        fault = f"{name or output}: not a format that can be written"
        raise UsageError(fault, hint=f"Use {', '.join(WRITABLE)}.")
