"""Which picture file becomes which: single files, folders, numbered sequences, and the frames of a split video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stylecli.core.errors import MediaError, UsageError
from stylecli.media.frames.sequences import Pattern, frames_of, pattern_of
from stylecli.media.frames.timing import TIMING
from stylecli.media.images.files import WRITABLE, pictures_of

OTHERWISE = ".png"  # the format of a result whose source's format cannot be written


@dataclass(frozen=True)
class Job:
    """One picture to be made: `source` in `style`, written to `output`."""

    source: Path
    style: str
    output: Path


def plan_jobs(
    sources: Sequence[Path], styles: Sequence[str], output: Path | None, *, recursive: bool = False
) -> list[Job]:
    """Which file becomes which.

    `output` is a file, a folder, a pattern as in `sequences`, or None for beside the source. Sources are pictures,
    folders and patterns. Results are named `{stem}-{style}{suffix}`; those of a folder that is searched recursively
    keep their subfolders. The frames of a sequence, and those of a split video, keep their numbers, and in another
    folder their whole names.

    Raises:
        MediaError: a source does not exist, or a folder or sequence holds no picture.
        UsageError: two results would have the same name, a result that of a source, or `output` that of no format.
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
        jobs = [Job(jobs[0].source, styles[0], output)]
    elif target and not all(pattern_of(source) for source in sources):
        raise UsageError(f"{output}: numbers come from numbered sources", hint="Name a folder with -o.")
    _refuse_collisions(jobs)
    return jobs


def is_split_video(source: Path) -> bool:
    """Whether a folder holds the frames that `stylecli split` made of a video."""
    return (source / TIMING).is_file()


def carry_timing(sources: Sequence[Path], output: Path, *, overwrite: bool) -> None:
    """Lay the timing of a split video beside its stylized frames.

    Raises:
        UsageError: that of another video lies there.
        MediaError: it cannot be written.
    """
    for source in filter(is_split_video, sources):
        timing, target = (source / TIMING).read_bytes(), output / TIMING
        if target.is_file() and not overwrite and target.read_bytes() != timing:
            raise UsageError(f"{output}: holds the frames of another video", hint="Name another folder with -o.")
        try:
            output.mkdir(parents=True, exist_ok=True)
            target.write_bytes(timing)
        except OSError as err:
            raise MediaError(f"{target}: {err.strerror}", hint="Choose another folder with -o.") from err


def _jobs_of(source: Path, styles: Sequence[str], output: Path | None, *, recursive: bool) -> list[Job]:
    jobs = []
    for path, base in pictures_of(source, recursive=recursive):
        folder = output / path.parent.relative_to(base) if output else path.parent
        jobs += [Job(path, style, folder / f"{path.stem}-{style}{_suffix(path)}") for style in styles]
    return jobs


def _jobs_of_sequence(
    sequence: Pattern, styles: Sequence[str], output: Path | None, target: Pattern | None
) -> list[Job]:
    if target:
        _check_writable(Path(f"0{target.after}"), str(target))
        made = dict.fromkeys(styles, target)
    else:
        written = sequence.with_suffix(_suffix(Path(f"0{sequence.after}"))).within(output or sequence.folder)
        keeps_names = output is not None and len(styles) == 1
        made = {style: written if keeps_names else written.named(style) for style in styles}
    return [
        Job(path, style, made[style].path(number)) for number, path in frames_of(sequence).items() for style in styles
    ]


def _jobs_of_split_video(source: Path, styles: Sequence[str], output: Path | None) -> list[Job]:
    if len(styles) > 1 or not output:
        raise UsageError(f"{source}: holds the frames of a video", hint="Give one -s, and another folder with -o.")
    return [Job(path, styles[0], output / path.name) for path, _ in pictures_of(source, recursive=False)]


def _suffix(path: Path) -> str:
    return path.suffix if path.suffix.lower() in WRITABLE else OTHERWISE


def _check_writable(output: Path, name: str = "") -> None:
    """Said now, not when the picture is painted."""
    if output.suffix.lower() not in WRITABLE:
        fault = f"{name or output}: not a format that can be written"
        raise UsageError(fault, hint=f"Use {', '.join(WRITABLE)}.")


def _refuse_collisions(jobs: Sequence[Job]) -> None:
    sources = {job.source.resolve() for job in jobs}
    made: dict[Path, Path] = {}
    for job in jobs:
        target = job.output.resolve()
        if target in sources:
            raise UsageError(f"{job.output}: is a source too", hint="Give another name or folder with -o.")
        if target in made:
            raise UsageError(
                f"{job.output}: would be made from both {made[target]} and {job.source}",
                hint="Stylize them into different folders.",
            )
        made[target] = job.source
