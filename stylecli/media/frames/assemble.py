"""Frames as picture files -> a video with the timestamps of the sidecar and every other stream of the original."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

from stylecli.core.errors import MediaError
from stylecli.core.files import hidden_name
from stylecli.core.progress import Notice, Progress, Step, ignore
from stylecli.core.threads import reading_ahead, writing_behind
from stylecli.media.frames.timing import Timing, read_timing, timing_at
from stylecli.media.images.files import Picture, read_picture
from stylecli.media.pixels import quantize, to_unit
from stylecli.media.video.clip import Clip, Frame
from stylecli.media.video.color import BT709
from stylecli.media.video.plan import Plan, VideoOptions, VideoResult, check_wishes, plan_for, planned
from stylecli.media.video.side_data import Turn
from stylecli.media.video.stalls import watch_on_encoder
from stylecli.media.video.streams import blamed_on_output
from stylecli.media.video.writing.delivery import join_and_check
from stylecli.media.video.writing.writer import encoding

_NO_ORIGINAL = "the video has the frames alone: `like` names the original, whose sound and tags would go along"


def assemble_video(
    folder: Path,
    output: Path,
    *,
    like: Path | None = None,
    options: VideoOptions | None = None,
    rate: Fraction | None = None,
    overwrite: bool = False,
    progress: Progress = ignore,
    notice: Notice = lambda _: None,
) -> VideoResult:
    """Write the frames in `folder` as a video that is in all else as `like`, from which `split` had made them.

    Every frame is shown when `timing.json` says; sound, subtitles, chapters and tags are those of `like`, its colour
    tags too. Of frames of a range, they are those of the range. The frames may be larger or smaller than they were, all
    of one size. `output` appears when it is complete.

    like: None: the video has the frames alone, from 0 on, and the colours of BT.709.
    rate: frames a second, for frames without `timing.json`, by number; the sidecar is not read then.

    Raises:
        UsageError: `output` exists or cannot be such a video.
        MediaError: the sidecar, a frame or `like` is missing or damaged; `output` cannot be written.
    """
    with _planned(folder, output, like, options or VideoOptions(), rate=rate, overwrite=overwrite) as (plan, timing):
        clip = plan.clip
        origin = round(plan.cut.origin / clip.time_base)
        messages = list(plan.messages)
        for message in messages:
            notice(message)
        with _draft(output) as draft:
            picture = draft.with_name("picture")
            with (
                encoding(picture, clip, encoder=plan.encoder, origin=origin, output=output) as writer,
                reading_ahead(_frames(folder, timing, clip)) as frames,
                writing_behind(writer.write, watch_on_encoder(output, plan.encoder.name)) as write,
            ):
                for done, frame in enumerate(frames, start=1):
                    write(frame)
                    progress(Step(done, len(timing.frames), "frames"))
            clip = clip if like else replace(clip, path=picture)
            lost = join_and_check(picture, draft, end=writer.end, frames=len(timing.frames), clip=clip, plan=plan)
    for message in lost:
        messages.append(message)
        notice(message)
    return VideoResult(output, clip.width, clip.height, len(timing.frames), plan.encoder.name, 0, tuple(messages))


@contextmanager
def _planned(
    folder: Path, output: Path, like: Path | None, options: VideoOptions, *, rate: Fraction | None, overwrite: bool
) -> Iterator[tuple[Plan, Timing]]:
    """The plan, whose clip has the size of the frames and the clock of their timing; and that timing."""
    told = read_timing(folder) if rate is None else None
    if like is None:
        check_wishes(folder, output, options, overwrite=overwrite)
        timing = told or timing_at(folder, rate or Fraction(1), video="", start=Fraction(0))
        plan = plan_for(_clip_of_frames(folder, timing), folder, output, options)
        yield replace(plan, messages=(*plan.messages, _NO_ORIGINAL) if told else plan.messages), timing
        return
    options = replace(options, span=told.span if told else None)
    with planned(like, output, options, overwrite=overwrite) as plan:
        timing = told or timing_at(folder, rate or plan.clip.rate, video=like.name, start=plan.clip.first)
        others = () if timing.video == like.name else (f"the frames are those of {timing.video}",)
        yield replace(plan, clip=_clip_of(folder, timing, plan.clip), messages=(*plan.messages, *others)), timing


def _clip_of_frames(folder: Path, timing: Timing) -> Clip:
    """What a video of nothing but the frames is.

    Raises:
        MediaError: a frame is missing.
    """
    first = _first_frame(folder, timing)
    height, width = first.pixels.shape[:2]
    rate, begin = 1 / _usual_gap(timing), timing.frames[0].pts * timing.time_base
    is_deep = first.pixels.itemsize > 1
    return Clip(
        path=folder,
        formats=frozenset(),
        width=width,
        height=height,
        turn=Turn(),
        sample_aspect=Fraction(1),
        color=BT709,
        output_color=BT709,
        light=None,
        pixel_format="gbrp16le" if is_deep else "gbrp",
        bits=16 if is_deep else 8,
        side_data=frozenset(),
        has_alpha=first.alpha is not None,
        is_interlaced=False,
        time_base=timing.time_base,
        rate=rate,
        start=begin,
        zero=begin,
        first=begin,
        duration=len(timing.frames) / rate,
        number=0,
        stream=0,
        dispositions=("default",),
        tags={},
        others=(),
        chapters=0,
        has_device_tags=False,
        reading={},
    )


def _clip_of(folder: Path, timing: Timing, clip: Clip) -> Clip:
    """The original with the size of the frames and the clock of the sidecar.

    Raises:
        MediaError: a frame is missing.
    """
    first = _first_frame(folder, timing)
    height, width = first.pixels.shape[:2]
    has_alpha = clip.has_alpha and first.alpha is not None
    rate = clip.rate if timing.time_base == clip.time_base else 1 / _usual_gap(timing)
    return replace(clip, width=width, height=height, time_base=timing.time_base, rate=rate, has_alpha=has_alpha)


def _first_frame(folder: Path, timing: Timing) -> Picture:
    """The first frame, if all are there. Raises MediaError."""
    missing = [frame.file for frame in timing.frames if not (folder / frame.file).is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise MediaError(f"{folder}: {missing[0]}{more} is missing", hint="Every frame of timing.json is needed.")
    return read_picture(folder / timing.frames[0].file)


def _usual_gap(timing: Timing) -> Fraction:
    """Seconds from a frame to the next, on average."""
    first, last = timing.frames[0], timing.frames[-1]
    gaps = max(1, len(timing.frames) - 1)
    return max(Fraction(last.pts - first.pts, gaps), Fraction(max(1, first.duration))) * timing.time_base


def _frames(folder: Path, timing: Timing, clip: Clip) -> Generator[Frame, None, None]:
    import numpy as np

    kind = np.uint16 if clip.bits > 8 else np.uint8
    for timed in timing.frames:
        picture = read_picture(folder / timed.file)
        height, width = picture.pixels.shape[:2]
        if (height, width) != (clip.height, clip.width):
            fault = f"{width}x{height}, the first frame is {clip.width}x{clip.height}"
            raise MediaError(f"{folder / timed.file}: {fault}", hint="All frames must have one size.")
        alpha = picture.alpha if clip.has_alpha else None
        yield Frame(
            quantize(to_unit(picture.pixels), kind),
            timed.pts,
            timed.duration,
            None if alpha is None else quantize(to_unit(alpha), kind),
        )


@contextmanager
def _draft(output: Path) -> Iterator[Path]:
    """A path in a hidden folder beside `output`; what was written there gets its name when all went well."""
    with blamed_on_output(output):
        folder = TemporaryDirectory(prefix=f".{hidden_name(output)}.", dir=output.parent)
    with folder:
        draft = Path(folder.name) / "whole"
        yield draft
        with blamed_on_output(output):
            draft.replace(output)
