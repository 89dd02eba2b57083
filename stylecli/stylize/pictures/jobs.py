"""Plan picture jobs: which source becomes which output, for files, folders, sequences and split videos."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from stylecli.core.errors import MediaError, StyleError, UsageError
from stylecli.core.files import blamed_on, write_atomically
from stylecli.core.progress import Notice, unnoticed
from stylecli.media.frames.sequences import Pattern, frames_of, pattern_of
from stylecli.media.frames.timing import TIMING
from stylecli.media.images.formats import has_picture_suffix
from stylecli.stylize.names import (
    check_writable,
    filled,
    is_template,
    refuse_collisions,
    result_suffix,
    results_among,
)
from stylecli.stylize.pictures.selection import FolderSearch, Selection

EXPLICIT_PLACE = re.compile(r"%0\d+d")


@dataclass(frozen=True)
class PictureJob:
    """One picture to make: `source` in `style`, written to `output`.

    fault: why the job cannot be done, if that is known already.
    scene: the sequence or split video that it is a frame of; empty for a single picture.
    """

    source: Path
    style: str
    output: Path
    fault: StyleError | None = field(default=None, compare=False)
    scene: str = ""


def plan_jobs(
    sources: Sequence[Path],
    styles: Sequence[str],
    output: Path | None,
    *,
    selection: Selection | None = None,
    notice: Notice = unnoticed,
) -> list[PictureJob]:
    """Plan one job for each picture and style.

    sources: pictures, folders, and patterns of numbered sequences (`media.frames.sequences`).
    output: a file, a folder, a pattern, or a template with {stem} and {style}; None: beside the source.
    selection: which pictures of folders; None: the defaults of `Selection`.
    notice: called with what was left out of folders.

    Results are named `{stem}-{style}{suffix}`. Frames of a sequence or of a split video keep their numbers; in another
    folder they keep their whole names. Results of earlier runs, beside their sources or in `output`, are left out.

    Raises:
        MediaError: a source does not exist, or a folder or sequence holds no picture.
        UsageError: two results have the same name, a result replaces a source, or no format has the suffix of `output`.
    """
    selection = selection or Selection()
    plan = _Plan(tuple(styles), output, selection, FolderSearch(selection, _folder_of(output)))
    numbered = [source for source in sources if pattern_of(source)]
    target = _target(output, numbered)
    plain: list[Path] = []
    jobs: list[PictureJob] = []
    earlier = results_among(sources, selection.known_styles) if output is None else set()
    for source in sources:
        if sequence := pattern_of(source):
            jobs += plan.of_sequence(sequence, target)
        elif is_split_video(source):
            jobs += plan.of_split_video(source)
        elif source in earlier:
            plan.search.results += 1
        else:
            plain.append(source)
            jobs += plan.of_pictures(source)
    plan.search.tell(notice)
    is_single = len(jobs) == 1 and len(plain) == 1 and not plain[0].is_dir()
    if target and len(numbered) < len(sources):
        raise UsageError(f"{output}: numbers come from numbered sources", hint="Give a folder as `output`.")
    if output and not target and not plan.template and not plan.names_folder():
        if is_single and output.suffix:
            check_writable(output)
            jobs = [PictureJob(jobs[0].source, styles[0], output)]
        elif has_picture_suffix(output.name):
            raise UsageError(f"{output}: names one file for {len(jobs)} pictures", hint="Give a folder as `output`.")
    jobs = _told_apart(jobs)
    refuse_collisions([job for job in jobs if not job.fault])
    return jobs


def is_split_video(source: Path) -> bool:
    """Whether a folder holds the frames that `stylecli split` made of a video."""
    return os.path.isfile(source / TIMING)  # noqa: PTH113  # unlike Path.is_file, False for a name that is too long


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
        with blamed_on(target):
            output.mkdir(parents=True, exist_ok=True)
            write_atomically(target, timing)


def _target(output: Path | None, numbered: Sequence[Path]) -> Pattern | None:
    """Return the output as a pattern of a sequence, or None.

    Without numbered sources, `50%dark.png` and `[2019-2021].png` are plain names.
    """
    target = pattern_of(output) if output else None
    is_meant = bool(numbered) or (output is not None and EXPLICIT_PLACE.search(output.name) is not None)
    return target if is_meant else None


def _folder_of(output: Path | None) -> Path | None:
    """Return the folder that a search for pictures leaves out."""
    return output if output and not is_template(output) else None


@dataclass
class _Plan:
    """Makes the jobs of one call."""

    styles: tuple[str, ...]
    output: Path | None
    selection: Selection
    search: FolderSearch

    @property
    def template(self) -> Path | None:
        return self.output if self.output and is_template(self.output) else None

    def names_folder(self) -> bool:
        return self.selection.is_folder or (self.output is not None and os.path.isdir(self.output))  # noqa: PTH112

    def of_pictures(self, source: Path) -> list[PictureJob]:
        if not os.path.isdir(source):  # noqa: PTH112  # unlike Path.is_dir, False for a name that is too long
            return [self._job(source, source.parent, style) for style in self.styles]
        found, faults = self.search.pictures_in(source)
        if not found and not faults:
            recursive = self.selection.recursive
            hint = "Give a folder with pictures." if recursive else "Look into its subfolders with `recursive=True`."
            raise MediaError(f"{source}: no picture in it", hint=hint)
        jobs = [self._job(path, source, style) for path in found for style in self.styles]
        return jobs + [PictureJob(Path(str(fault.message)), self.styles[0], source, fault) for fault in faults]

    def of_sequence(self, sequence: Pattern, target: Pattern | None) -> list[PictureJob]:
        if target:
            check_writable(Path(f"0{target.after}"), str(target))
            made = dict.fromkeys(self.styles, target)
        else:
            suffix = result_suffix(Path(f"0{sequence.after}"), self.selection.suffix)
            written = sequence.with_suffix(suffix).within(self.output or sequence.folder)
            keeps_names = self.output is not None and len(self.styles) == 1
            made = {style: written if keeps_names else written.named(style) for style in self.styles}
        return [
            PictureJob(path, style, made[style].path(number), scene=str(sequence))
            for number, path in frames_of(sequence).items()
            for style in self.styles
        ]

    def of_split_video(self, source: Path) -> list[PictureJob]:
        if len(self.styles) > 1 or not self.output:
            raise UsageError(
                f"{source}: holds the frames of a video", hint="Give one style, and another folder as `output`."
            )
        pictures = sorted(path for path in source.iterdir() if has_picture_suffix(path.name) and path.is_file())
        return [PictureJob(path, self.styles[0], self.output / path.name, scene=str(source)) for path in pictures]

    def _job(self, path: Path, base: Path, style: str) -> PictureJob:
        suffix, below = result_suffix(path, self.selection.suffix), path.parent.relative_to(base)
        if self.template:
            output = filled(self.template, path, style, suffix=suffix, folder=below)
            check_writable(output)
            return PictureJob(path, style, output)
        folder = self.output / below if self.output else path.parent
        return PictureJob(path, style, folder / f"{path.stem}-{style}{suffix}")


def _told_apart(jobs: Sequence[PictureJob]) -> list[PictureJob]:
    """Rename outputs that collide: `a.gif` and `a.png` give `a-gif-STYLE.png` and `a-STYLE.png`."""
    counts = Counter(job.output for job in jobs)
    return [
        replace(job, output=_with_kind(job))
        if counts[job.output] > 1 and job.source.suffix.lower() != job.output.suffix.lower()
        else job
        for job in jobs
    ]


def _with_kind(job: PictureJob) -> Path:
    stem, kind = job.source.stem, job.source.suffix.removeprefix(".").lower()
    if not job.output.name.startswith(stem):
        return job.output
    return job.output.with_name(f"{stem}-{kind}{job.output.name.removeprefix(stem)}")
