"""Frames as picture files -> a video with the timestamps of the sidecar and every other stream of the original."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from stylecli.containers import AS_USUAL, EncoderOptions, container_for, encoder_for
from stylecli.errors import MediaError, UsageError
from stylecli.images import read_picture
from stylecli.pipeline import VideoResult
from stylecli.progress import Progress, Step, ignore
from stylecli.remux import Cut, companions, ffmpeg_program, join
from stylecli.stages import reading_ahead, writing_behind
from stylecli.timing import Timing, read_timing
from stylecli.video import Clip, probe
from stylecli.video_reader import Frame, Notice
from stylecli.video_writer import blamed_on, encoding

if TYPE_CHECKING:
    from numpy.typing import NDArray


def assemble_video(
    folder: Path,
    output: Path,
    *,
    like: Path,
    options: EncoderOptions = AS_USUAL,
    overwrite: bool = False,
    progress: Progress = ignore,
    notice: Notice = lambda _: None,
) -> VideoResult:
    """Write the frames in `folder` as a video that is in all else as `like`, from which `split` had made them.

    Every frame is shown when `timing.json` says; sound, subtitles, chapters and tags are those of `like`, its colour
    tags too. The frames may be larger or smaller than they were, all of one size. `output` appears when it is complete.

    Raises:
        UsageError: `output` exists or cannot be such a video.
        MediaError: the sidecar, a frame or `like` is missing or damaged; `output` cannot be written.
    """
    container = container_for(output)
    encoder = encoder_for(container, options)
    _check_target(output, like, overwrite=overwrite)
    ffmpeg_program()  # better missed now than after all frames are encoded
    timing = read_timing(folder)
    clip = _clip_of(folder, timing, probe(like))
    streams, messages = companions(clip, container)
    if timing.video != like.name:
        messages.append(f"the frames are those of {timing.video}")
    for message in messages:
        notice(message)
    origin = min(0, timing.frames[0].pts)  # as `stylize_video`: what comes before 0 begins at 0
    with _draft(output) as draft:
        picture = draft.with_name("picture.mp4")
        with (
            encoding(picture, clip, encoder=encoder, origin=origin, output=output) as writer,
            reading_ahead(_frames(folder, timing, clip)) as frames,
            writing_behind(writer.write) as write,
        ):
            for done, frame in enumerate(frames, start=1):
                write(frame)
                progress(Step(done, len(timing.frames), "frames"))
        cut = Cut(origin=origin * clip.time_base)
        join(picture, draft, clip=clip, container=container, streams=streams, cut=cut)
    codec = encoder.codec.encoder
    return VideoResult(output, clip.width, clip.height, len(timing.frames), codec, tuple(messages))


def _check_target(output: Path, like: Path, *, overwrite: bool) -> None:
    if output.exists() and like.exists() and output.samefile(like):
        raise UsageError(f"{output}: is the original itself", hint="Write to another name.")
    if output.exists() and (not overwrite or output.is_dir()):
        raise UsageError(f"{output}: exists already", hint="Allow it with --overwrite.")
    if not output.parent.is_dir():
        raise MediaError(f"{output}: cannot be written, {output.parent} is not a folder", hint="Make the folder first.")


def _clip_of(folder: Path, timing: Timing, clip: Clip) -> Clip:
    """The original with the size of the frames and the clock of the sidecar.

    Raises:
        MediaError: a frame is missing.
    """
    missing = [frame.file for frame in timing.frames if not (folder / frame.file).is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise MediaError(f"{folder}: {missing[0]}{more} is missing", hint="Every frame of timing.json is needed.")
    height, width = _pixels(folder / timing.frames[0].file).shape[:2]
    return replace(clip, width=width, height=height, time_base=timing.time_base)


def _frames(folder: Path, timing: Timing, clip: Clip) -> Generator[Frame, None, None]:
    for timed in timing.frames:
        pixels = _pixels(folder / timed.file)
        if pixels.shape[:2] != (clip.height, clip.width):
            fault = f"{pixels.shape[1]}x{pixels.shape[0]}, the first frame is {clip.width}x{clip.height}"
            raise MediaError(f"{folder / timed.file}: {fault}", hint="All frames must have one size.")
        yield Frame(pixels, timed.pts, timed.duration)


def _pixels(path: Path) -> NDArray[Any]:
    import numpy as np

    from stylecli.engine import quantize, to_unit

    return quantize(to_unit(read_picture(path).pixels), np.uint8)


@contextmanager
def _draft(output: Path) -> Iterator[Path]:
    """A path in a hidden folder beside `output`; what was written there gets its name when all went well."""
    with blamed_on(output):
        folder = TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent)
    with folder:
        draft = Path(folder.name) / output.name
        yield draft
        with blamed_on(output):
            draft.replace(output)
