"""A video -> its frames as picture files, with a sidecar that tells when each is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from stylecli.core.errors import UsageError
from stylecli.core.files import atomic_folder, blamed_on
from stylecli.core.progress import Notice, Progress, Step, ignore
from stylecli.core.threads import reading_ahead
from stylecli.media.frames.timing import TimedFrame, Timing, write_timing
from stylecli.media.video.clip import Clip, Frame, Span, probe
from stylecli.media.video.ffmpeg import piping_to_ffmpeg
from stylecli.media.video.plan import check_span, no_frame_in_range
from stylecli.media.video.reading.readable import readable
from stylecli.media.video.reading.reader import read_frames
from stylecli.media.video.stalls import watch_on_decoder

DIGITS = 6  # of the frames' numbers, from 1 on: enough for five hours at 50 a second


@dataclass(frozen=True)
class FrameFormat:
    """A format of frames, in ffmpeg's words; `deep` is what its encoder takes for 16 bits, without and with alpha."""

    suffix: str
    encoder: str
    deep: tuple[str, str]
    options: Mapping[str, str]
    is_light: bool = False  # scene-linear half floats, premultiplied, instead of R'G'B'


FORMATS = {
    "png": FrameFormat(".png", "png", ("rgb48be", "rgba64be"), {"pred": "paeth", "compression_level": "3"}),
    "tiff": FrameFormat(".tiff", "tiff", ("rgb48le", "rgba64le"), {"compression_algo": "deflate"}),
    "exr": FrameFormat(
        ".exr", "exr", ("gbrpf32le", "gbrapf32le"), {"compression": "zip16", "format:v": "half"}, is_light=True
    ),
}


@dataclass(frozen=True)
class SplitResult:
    """What was written."""

    folder: Path
    frames: int
    width: int
    height: int
    messages: tuple[str, ...]


def split_video(
    source: Path,
    folder: Path,
    *,
    format: str = "png",  # noqa: A002 (the word of the command line)
    bits: int | None = None,
    span: Span | None = None,
    progress: Progress = ignore,
    notice: Notice = lambda _: None,
) -> SplitResult:
    """Write the frames of `source`, upright, as 000001.png and so on into `folder`, and `timing.json` beside them.

    `bits` (8 or 16) is for PNG and TIFF; None takes 16 for videos of more than 8. EXR frames hold half floats:
    scene-linear light, the sRGB curve undone. The folder appears when it is complete, or not at all.

    span: seconds from and up to which frames are wanted; None: all.

    Raises:
        UsageError: the folder exists and is not empty, EXR with 8 bits, or no frame lies in `span`.
        MediaError: the video cannot be read, or the frames not be written.
    """
    written = FORMATS[format]
    if written.is_light and bits:
        raise UsageError(f"{bits} bits: EXR frames hold half floats", hint="Leave `bits` out.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: exists already", hint="Name a folder that does not exist, or an empty one.")
    check_span(span)
    messages: list[str] = []

    def tell(message: str) -> None:
        messages.append(message)
        notice(message)

    with readable(source, folder) as (path, remarks):
        clip = probe(path)
        for remark in remarks:
            tell(remark)
        if clip.is_interlaced:
            tell("the video is interlaced: it is deinterlaced, a frame for each frame")
        if clip.light:
            tell(f"the video is HDR ({clip.light.transfer}): it is tone-mapped to SDR")
        faults: list[str] = []  # heard in the reading thread, told in this one
        estimate = clip.frames(span)
        timed: list[TimedFrame] = []
        watch = watch_on_decoder(source)
        with (
            blamed_on(folder),
            atomic_folder(folder) as draft,
            reading_ahead(read_frames(clip, span=span, notice=faults.append, beat=watch.beat), watch) as frames,
        ):
            if (first := next(frames, None)) is None:
                raise no_frame_in_range(clip, source)
            is_deep = bits == 16 or (bits is None and first.pixels.itemsize > 1)
            pixel_format = _pixel_format(written, is_deep=is_deep, has_alpha=first.alpha is not None)
            with _pictures(draft, clip, written, pixel_format, fault=f"{folder}: cannot be written") as write:
                for number, frame in enumerate(chain([first], frames), start=1):
                    write(_samples(frame, pixel_format))
                    timed.append(TimedFrame(f"{number:0{DIGITS}d}{written.suffix}", frame.pts, frame.duration))
                    progress(Step(number, estimate and max(number, estimate), "frames"))
            write_timing(Timing(source.name, clip.time_base, tuple(timed), span), draft)
        for fault in faults:
            tell(fault)
        progress(Step(len(timed), len(timed), "frames"))
    return SplitResult(folder, len(timed), clip.width, clip.height, tuple(messages))


def _pictures(
    folder: Path, clip: Clip, written: FrameFormat, pixel_format: str, *, fault: str
) -> AbstractContextManager[Callable[[bytes], None]]:
    """A function that writes the samples of the next picture, by ffmpeg."""
    import ffmpeg  # not for `--help`

    pipe = ffmpeg.input("pipe:", f="rawvideo", pix_fmt=pixel_format, s=f"{clip.width}x{clip.height}", framerate=1)
    target = str(folder.resolve()).replace("%", "%%") + f"/%0{DIGITS}d{written.suffix}"
    output = pipe.output(target, f="image2", fps_mode="passthrough", **{"c:v": written.encoder}, **written.options)
    return piping_to_ffmpeg(output, fault)


def _pixel_format(written: FrameFormat, *, is_deep: bool, has_alpha: bool) -> str:
    """The samples that a format takes, in ffmpeg's words."""
    return (written.deep if is_deep or written.is_light else ("rgb24", "rgba"))[has_alpha]


def _samples(frame: Frame, pixel_format: str) -> bytes:
    """A frame's pixels, and its alpha where it has one, as samples of a format of ffmpeg."""
    import numpy as np

    from stylecli.media.linear_light import linear
    from stylecli.media.pixels import quantize, to_unit

    unit = to_unit(frame.pixels)
    alpha = None if frame.alpha is None else to_unit(frame.alpha)[..., None]
    if pixel_format.endswith("f32le"):  # whole planes in this order: green, blue, red, alpha
        light = linear(unit)[..., [1, 2, 0]]
        planes = light if alpha is None else np.concatenate([light * alpha, alpha], -1)
        return planes.transpose(2, 0, 1).astype("<f4").tobytes()
    straight = unit if alpha is None else np.concatenate([unit, alpha], -1)
    if pixel_format in ("rgb24", "rgba"):
        return quantize(straight, np.uint8).tobytes()
    return quantize(straight, np.uint16).astype(">u2" if pixel_format.endswith("be") else "<u2").tobytes()
