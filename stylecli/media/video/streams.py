"""The streams of a video file: which of them is the picture to be painted, and what the others are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from stylecli.core.errors import MediaError, UsageError
from stylecli.core.files import blamed_on
from stylecli.media.video.ffmpeg import url

if TYPE_CHECKING:
    from av import VideoStream
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.codeccontext import VideoCodecContext

MICROSECOND = Fraction(1, 1_000_000)  # the clock of libav's containers

Kind = Literal["sound", "subtitles", "cover", "video", "attachment", "data"]

_KINDS: Mapping[str, Kind] = {
    "audio": "sound",
    "subtitle": "subtitles",
    "video": "video",
    "attachment": "attachment",
}
# The native decoders of these leave out the alpha, which the container carries beside each packet.
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}

# libav's names of formats that hold pictures (besides those that end with `_pipe`), and the brands of AVIF and HEIF.
_PICTURE_FORMATS = ("image2", "gif", "apng")
_PICTURE_BRANDS = ("avif", "avis", "heic", "heix", "mif1", "msf1")

# How far libav looks for what it must know of every stream; patient for sound that begins late.
PATIENT = {"probesize": "500M", "analyzeduration": "3600M"}  # bytes, microseconds


@dataclass(frozen=True)
class OtherStream:
    """A stream of a video file that is not the picture."""

    index: int
    kind: Kind
    codec: str  # canonical name, empty if unknown
    channels: int  # of sound
    samples: int  # packets, 0 if unknown
    tags: Mapping[str, str]
    is_rebuilt: bool = False  # a data stream that ffmpeg writes anew: timecode, and the text track of MP4's chapters


def fraction(rational: Any, default: Fraction) -> Fraction:
    """A rational number of PyAV as a Fraction; `default` where it is not set.

    An unset one is None up to PyAV 18 and 0/1 from PyAV 19 on, whose own class of rationals computes in 32 bits.
    """
    return Fraction(rational.numerator, rational.denominator) if rational else default


def tags_of(stream: Stream) -> dict[str, str]:
    """The tags of a stream; bytes that are not UTF-8 are replaced (PyAV 19 hands them on as lone surrogates)."""
    return {_as_text(name): _as_text(value) for name, value in stream.metadata.items()}


def video_stream(container: InputContainer, path: Path, number: int = 0) -> VideoStream:
    """The moving picture `number`, counted from 0; cover art is a video stream of one picture and does not count.

    Raises MediaError where there is none at all, UsageError where there is none of that number.
    """
    moving = [stream for stream in container.streams.video if not is_cover(stream) and stream.codec_context is not None]
    if not moving:
        content = "it holds only sound" if container.streams.audio else f"it is {container.format.long_name}"
        raise MediaError(f"{path}: has no video stream, {content}", hint="Give a file with a moving picture.")
    if not 0 <= number < len(moving):
        raise UsageError(
            f"{path}: has no video stream {number}", hint=f"They are counted from 0, and there are {len(moving)}."
        )
    moving[number].thread_type = "AUTO"
    return moving[number]


def may_be_picture(container: InputContainer) -> bool:
    """Whether the container is one of pictures, or of animations: a video in it has more than one frame."""
    name = container.format.name
    brand = container.metadata.get("major_brand", "")
    return name in _PICTURE_FORMATS or name.endswith("_pipe") or brand in _PICTURE_BRANDS


def decoder(stream: VideoStream) -> VideoCodecContext:
    """What decodes `stream` with all that it holds."""
    from av import CodecContext, codecs_available

    name = _ALPHA_DECODERS.get(stream.codec_context.codec.canonical_name, "")
    if not announces_alpha(stream) or name not in codecs_available:
        return stream.codec_context
    context = cast("VideoCodecContext", CodecContext.create(name, "r"))
    context.extradata = stream.codec_context.extradata
    context.thread_count = 0  # as many as there are cores
    return context


def announces_alpha(stream: Stream) -> bool:
    """Whether Matroska or WebM say that there is alpha beside the packets."""
    return any(value == "1" for name, value in stream.metadata.items() if name.lower() == "alpha_mode")


def is_cover(stream: Stream) -> bool:
    """Whether it is a picture that stands for the file."""
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def dispositions(stream: Stream) -> tuple[str, ...]:
    """What the stream is for, in ffmpeg's words: default, forced, comment, ..."""
    from av.stream import Disposition

    return tuple(kind.name for kind in Disposition if kind.name and stream.disposition & kind)


def other_stream(stream: Stream, *, is_rebuilt: bool = False) -> OtherStream:
    """What can be said of a stream before anything of it is read."""
    context = stream.codec_context
    return OtherStream(
        index=stream.index,
        kind="cover" if is_cover(stream) else _KINDS.get(stream.type, "data"),
        codec=context.codec.canonical_name if context else "",
        channels=getattr(context, "channels", 0),
        samples=stream.frames,
        tags=tags_of(stream),
        is_rebuilt=is_rebuilt,
    )


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """The file as a libav container; whatever libav or the system has against it becomes a MediaError."""
    import av  # 0.1 s and all the codecs: not for `--help`

    if not path.is_file():
        raise MediaError(f"{path}: {'is not a file' if path.exists() else 'no such file'}", hint="Check the name.")
    if path.stat().st_size == 0:
        raise MediaError(f"{path}: the file is empty", hint="Copy or export it again.")
    try:
        with ExitStack() as stack:
            container = stack.enter_context(_opened(path, {}))
            if any(stream.codec_context and not stream.codec_context.channels for stream in container.streams.audio):
                stack.close()
                container = stack.enter_context(_opened(path, PATIENT))
            yield container
    except (av.FFmpegError, OSError) as error:
        fault = error.strerror or str(error)
        raise MediaError(f"{path}: cannot be read as a video ({fault})", hint="Is it complete?") from error


def holds_chapters(container: InputContainer, stream: Stream) -> bool:
    """Whether a data stream of MP4 is the text track of the chapters; it moves the place of reading.

    Of such a track libav gives the packets of some files and none of others.
    """
    chapters = container.chapters()
    if stream.type != "data" or not chapters or stream.frames > len(chapters):  # ffmpeg 5 writes one too few
        return False
    container.seek(0)
    packet = next((packet for packet in container.demux(stream) if packet.size), None)
    title = chapters[0]["metadata"].get("title", "").encode()
    return packet is None or bytes(packet)[2 : 2 + len(title)] == title  # behind the length of the text


def blamed_on_output(output: Path) -> AbstractContextManager[None]:
    """Raise MediaError about `output` for what libav or the system has against writing it."""
    import av

    return blamed_on(output, also=(av.FFmpegError,))


@contextmanager
def _opened(path: Path, reading: Mapping[str, str]) -> Iterator[InputContainer]:
    import av

    # Tags in a broken encoding are no error in PyAV 19, which has no argument for them any more (`tags_of`).
    lenient: Any = {} if int(av.__version__.partition(".")[0]) >= 19 else {"metadata_errors": "replace"}
    with ExitStack() as stack:
        name: Any = url(path)
        if name.encode(errors="replace") != name.encode(errors="surrogateescape"):  # PyAV takes names of UTF-8 alone
            name = stack.enter_context(path.open("rb"))
        yield stack.enter_context(av.open(name, "r", container_options=dict(reading), **lenient))


def _as_text(tag: str) -> str:
    return tag.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
