"""The conversion plan, fixed before any frame is painted: codec, streams, what cannot be kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from stylecli.core.errors import MediaError, UsageError
from stylecli.core.files import blamed_on
from stylecli.media.video.clip import Clip, Hdr, Span, probe
from stylecli.media.video.ffmpeg import ffmpeg_program
from stylecli.media.video.rates import Rate, clock_for, usual_rate
from stylecli.media.video.reading.readable import readable
from stylecli.media.video.resume import Fingerprint
from stylecli.media.video.writing.codecs import CODECS, EncoderOptions
from stylecli.media.video.writing.companions import Companion, companions
from stylecli.media.video.writing.compromises import compromises
from stylecli.media.video.writing.containers import Container, container_for, encoder_for
from stylecli.media.video.writing.encoder import Encoder
from stylecli.media.video.writing.muxing.remux import Cut
from stylecli.media.video.writing.writer import pixel_format

_SAMPLE = 1 << 20  # bytes of the source at its start, in its middle and at its end that tell it from others
_LIBRARIES = ("stylecli", "av", "numpy", "pyvips", "imageio-ffmpeg")


@dataclass(frozen=True)
class VideoOptions:
    """What is wanted of a video, and how it is written.

    encoder: codec and quality.
    span: (start, end) in seconds of what a player shows, the end excluded, None: up to the last frame; None: all.
    stream: which of the moving pictures, counted from 0.
    hdr: "tonemap" makes SDR of HDR, "keep" leaves it as it is.
    copies_videos: the others go along as they are, where the container takes them.
    allow_truncated: keep what can be read of a damaged source, instead of an error.
    strict: refuse a source with a single frame that is damaged or missing.
    audio: "copy", "none", or the codec that all sound is to have; None: as it is, converted where it must be.
    rate: frames a second, at a constant rate, "cfr" for about as many as there are; None: every frame when it is shown.
    """

    encoder: EncoderOptions = field(default_factory=EncoderOptions)
    span: Span | None = None
    stream: int = 0
    copies_videos: bool = True
    hdr: Hdr = "tonemap"
    allow_truncated: bool = False
    strict: bool = False
    audio: str | None = None
    rate: Rate | None = None


@dataclass(frozen=True)
class Plan:
    """How one video is made of another."""

    source: Path
    output: Path
    options: VideoOptions
    clip: Clip
    rate: Fraction | None  # frames a second, where a constant rate is wanted
    container: Container
    encoder: Encoder
    streams: tuple[Companion, ...]
    messages: tuple[str, ...]  # what cannot be kept as it is
    identity: str = ""  # of the source's content

    @property
    def written(self) -> Clip:
        """The clip with the clock and the rate that are written."""
        return _at_rate(self.clip, self.rate)

    @property
    def origin(self) -> int:
        """The tick of `written` that becomes 0."""
        return round(self.cut.origin / self.written.time_base)

    @property
    def cut(self) -> Cut:
        """What `remux` must know of the range."""
        start, end = self.options.span or (None, None)
        return Cut(start=start, end=end, origin=self.clip.ticks(self.options.span)[0] * self.clip.time_base)

    def fingerprint(self, painting: Mapping[str, str]) -> Fingerprint:
        """Everything that decides how the result looks; `painting` is what decides how frames are painted."""
        wanted = self.encoder
        return {
            **painting,
            "source": self.identity,
            "encoder": f"{wanted.name} {wanted.crf} {wanted.preset} {pixel_format(self.clip, wanted)}",
            "range": ":".join(map(str, self.options.span or ())),
            "rate": str(self.rate or ""),
            "video stream": str(self.clip.number),
            "HDR": self.options.hdr if self.clip.light else "",
            "versions": " ".join(f"{library} {version(library)}" for library in _LIBRARIES),
        }

    def check_source(self) -> None:
        """Raise MediaError where the source is not the file any more that it was when it was planned."""
        if _identity(self.source) != self.identity:
            raise MediaError(
                f"{self.source}: was changed while it was read", hint="Run it again when the file is at rest."
            )


@contextmanager
def planned(source: Path, output: Path, options: VideoOptions, *, overwrite: bool) -> Iterator[Plan]:
    """Look at everything that can go wrong before the work; what the plan needs is there while the `with` lasts.

    Raises UsageError and MediaError.
    """
    check_wishes(source, output, options, overwrite=overwrite)
    with readable(source, output) as (path, remarks):
        clip = probe(path, number=options.stream, hdr=options.hdr)
        plan = plan_for(clip, source, output, options)
        yield replace(plan, messages=(*remarks, *plan.messages), identity=_identity(source))


def check_wishes(source: Path, output: Path, options: VideoOptions, *, overwrite: bool) -> None:
    """Refuse what can be refused before the source is read. Raises UsageError and MediaError."""
    encoder_for(container_for(output), options.encoder)
    with blamed_on(output, hint="Choose another name."):  # which may be too long
        _check_target(source, output, overwrite=overwrite)
    check_span(options.span)
    ffmpeg_program()  # better missed now than after an hour of painting


def plan_for(clip: Clip, source: Path, output: Path, options: VideoOptions) -> Plan:
    """The plan for what is known of `source` already. Raises UsageError and MediaError."""
    container = container_for(output)
    rate = usual_rate(clip.rate) if options.rate == "cfr" else options.rate
    encoder = encoder_for(container, options.encoder, has_alpha=clip.has_alpha)
    _check_size(source, clip, encoder, container)
    with TemporaryDirectory(prefix="stylecli-") as folder:
        streams, changes = companions(
            clip,
            container,
            folder=Path(folder),
            copies_videos=options.copies_videos,
            is_cut=options.span is not None,
            audio=options.audio,
        )
    messages = (*compromises(_at_rate(clip, rate), container, encoder, options.encoder), *changes)
    return Plan(source, output, options, clip, rate, container, encoder, tuple(streams), messages)


def _at_rate(clip: Clip, rate: Fraction | None) -> Clip:
    return clip if rate is None else replace(clip, time_base=clock_for(rate), rate=rate)


def _check_target(source: Path, output: Path, *, overwrite: bool) -> None:
    if output.exists() and source.exists() and output.samefile(source):
        raise UsageError(f"{output}: is the source itself", hint="Write to another name.")
    if output.exists() and not overwrite:
        raise UsageError(f"{output}: exists already", hint="Use `overwrite=True` to replace it.")
    if output.is_dir():
        raise UsageError(f"{output}: is a folder", hint="Name a file.")
    if not output.parent.is_dir():
        raise MediaError(f"{output}: cannot be written, {output.parent} is not a folder", hint="Make the folder first.")


def check_span(span: Span | None) -> None:
    """Raise UsageError where a range cannot be one."""
    if span is not None and (span[0] < 0 or (span[1] is not None and span[1] <= span[0])):
        raise UsageError("range: must start at 0 s or later and end after its start", hint="For example 1.5:4.")


def no_frame_in_range(clip: Clip, source: Path) -> UsageError:
    """The fault of a range without a frame."""
    hint = "" if clip.duration is None else f"The video is {float(clip.duration):.2f} s long."
    return UsageError(f"{source}: no frame lies in the range", hint=hint)


def _check_size(source: Path, clip: Clip, encoder: Encoder, container: Container) -> None:
    width, height = encoder.codec.smallest
    if clip.width < width or clip.height < height:
        fitting = (name for name in container.codecs if CODECS[name].smallest <= (1, 1))
        raise UsageError(
            f"{source}: {clip.width}x{clip.height} is too small for {encoder.name}",
            hint=f'It takes {width}x{height} and larger: use `codec="{next(fitting)}"`.',
        )
    chosen = pixel_format(clip, encoder)
    if clip.width % 2 + clip.height % 2 and not encoder.keeps_odd_sizes(chosen):
        fault = f"{source}: {clip.width}x{clip.height} is odd, and {encoder.name} has no such pictures in {chosen}"
        raise UsageError(fault, hint="Leave `pixel_format` out.")


def _identity(source: Path) -> str:
    """What tells the content of a file from another's: its size, its time and samples of it."""
    try:
        facts = source.stat()
        digest = hashlib.sha256(f"{facts.st_size} {facts.st_mtime_ns}".encode())
        with source.open("rb") as file:
            for place in (0, facts.st_size // 2, max(0, facts.st_size - _SAMPLE)):
                file.seek(place)
                digest.update(file.read(_SAMPLE))
    except OSError as error:
        raise MediaError(f"{source}: cannot be read ({error.strerror})", hint="Check its permissions.") from error
    return digest.hexdigest()


@dataclass(frozen=True)
class VideoResult:
    """What was written: the file, its size in pixels as it is shown, its frames, and the messages for the user."""

    path: Path
    width: int
    height: int
    frames: int
    codec: str  # as in `stylecli.media.video.writing.codecs.CODECS`
    resumed: int  # frames that an earlier run had finished
    messages: tuple[str, ...]  # what could not be kept as it was
