"""A video -> a stylized video: decoding, painting and encoding at once, and everything else of the file kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from stylecli.containers import AS_USUAL, Encoder, EncoderOptions, container_for, encoder_for
from stylecli.errors import MediaError, UsageError
from stylecli.kept_frames import keeping_frames
from stylecli.progress import Progress, Step, ignore
from stylecli.remux import Cut, companions, ffmpeg_program, join
from stylecli.stages import each, reading_ahead, writing_behind
from stylecli.video import Clip, Span, probe
from stylecli.video_reader import Notice, read_frames
from stylecli.video_writer import blamed_on, encoding, pixel_format

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Paint = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]  # (height, width, 3) R'G'B' -> the same size


@dataclass(frozen=True)
class VideoResult:
    """What was written."""

    path: Path
    width: int
    height: int
    frames: int
    codec: str  # the encoder's name
    messages: tuple[str, ...]  # what could not be kept as it was


def stylize_video(
    source: Path,
    output: Path,
    *,
    paint: Paint,
    options: EncoderOptions = AS_USUAL,
    span: Span | None = None,
    keep_frames: Path | None = None,
    overwrite: bool = False,
    progress: Progress = ignore,
    notice: Notice = lambda _: None,
) -> VideoResult:
    """Write `source` to `output` with every frame painted; `output` appears when it is complete, or not at all.

    `paint` is called in this thread, frame by frame in order. The painted frames are kept as PNG, too, in the folder
    `keep_frames`. `notice` hears at once the messages that the result holds. Raises UsageError, MediaError and whatever
    `paint` and `progress` raise.
    """
    container = container_for(output)
    encoder = encoder_for(container, options)
    _check_target(source, output, overwrite=overwrite)
    _check_span(span)
    ffmpeg_program()  # better missed now than after an hour of painting
    clip = probe(source)
    streams, changes = companions(clip, container)
    messages: list[str] = []

    def tell(message: str) -> None:
        messages.append(message)
        notice(message)

    for message in (*clip.remarks, *_compromises(clip, encoder), *changes):
        tell(message)
    first, _ = clip.ticks(span)
    estimate = clip.frames(span)
    faults: list[str] = []  # heard in the reading thread, told in this one
    done = 0
    with _appearing(output) as draft:
        picture = draft.with_name("picture.mp4")
        with (
            encoding(picture, clip, encoder=encoder, origin=first, output=output) as writer,
            keeping_frames(keep_frames, clip) as keep,
            reading_ahead(read_frames(clip, span=span, notice=faults.append)) as frames,
            writing_behind(each(writer.write, keep)) as write,
        ):
            for done, frame in enumerate(frames, start=1):
                write(frame.with_pixels(paint(frame.pixels)))
                progress(Step(done, estimate and max(done, estimate), "frames"))
            if not done:
                raise UsageError(f"{source}: no frame lies in the range", hint=_length(clip))
        join(picture, draft, clip=clip, container=container, streams=streams, cut=_cut(clip, span))
    for fault in faults:
        tell(fault)
    progress(Step(done, done, "frames"))
    return VideoResult(output, clip.width, clip.height, done, encoder.codec.encoder, tuple(messages))


def _check_target(source: Path, output: Path, *, overwrite: bool) -> None:
    if output.exists() and source.exists() and output.samefile(source):
        raise UsageError(f"{output}: is the source itself", hint="Write to another name.")
    if output.exists() and not overwrite:
        raise UsageError(f"{output}: exists already", hint="Allow it with --overwrite.")
    if output.is_dir():
        raise UsageError(f"{output}: is a folder", hint="Name a file.")
    if not output.parent.is_dir():
        raise MediaError(f"{output}: cannot be written, {output.parent} is not a folder", hint="Make the folder first.")


def _check_span(span: Span | None) -> None:
    if span is not None and (span[0] < 0 or (span[1] is not None and span[1] <= span[0])):
        raise UsageError("range: must start at 0 s or later and end after its start", hint="For example 1.5:4.")


def _compromises(clip: Clip, encoder: Encoder) -> Iterator[str]:
    if (chosen := pixel_format(clip, encoder)) != "yuv420p":
        yield f"{clip.width}x{clip.height} is odd: written as {chosen}, which some players do not show"


@contextmanager
def _appearing(output: Path) -> Iterator[Path]:
    """A path in a hidden folder beside `output`; what was written there gets its name when all went well."""
    with blamed_on(output):
        folder = TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent)
    with folder:
        draft = Path(folder.name) / output.name
        yield draft
        with blamed_on(output):
            draft.replace(output)


def _cut(clip: Clip, span: Span | None) -> Cut:
    first, _ = clip.ticks(span)
    start, end = span or (None, None)
    return Cut(start=start, end=end, origin=first * clip.time_base)


def _length(clip: Clip) -> str:
    return "" if clip.duration is None else f"The video is {float(clip.duration):.2f} s long."
