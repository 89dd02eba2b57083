"""Encodes frames: those of a clip by `encoding`, computed ones with their sound by `record`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import DeviceError
from stylecli.media.video.clip import Clip, Frame
from stylecli.media.video.color import BT709, ColorConverter, holds_alpha
from stylecli.media.video.ffmpeg import url
from stylecli.media.video.streams import blamed_on_output
from stylecli.media.video.writing.encoder import Encoder

if TYPE_CHECKING:
    from av import Packet
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.video.stream import VideoStream

VIDEO_ENCODER = "libx264"
VIDEO_OPTIONS = {"crf": "16", "preset": "medium"}
SOUND_ENCODER = "aac"
SOUND_BIT_RATE = 160_000  # bits a second
SOUND_BLOCK = 1024  # samples in a frame of AAC


@dataclass(frozen=True)
class Sound:
    """Stereo samples (2, N) float32 in -1..1, and how many there are in a second."""

    samples: NDArray[np.float32]
    rate: int


def record(
    path: Path, frames: Iterable[NDArray[np.uint8]], *, size: tuple[int, int], rate: Fraction, sound: Sound
) -> None:
    """Write R'G'B' frames (H, W, 3) of an even `size` (width, height) and sound as H.264 (BT.709) and AAC.

    Raises MediaError; a file that was begun is left to the caller, who writes beside the final name.
    """
    import av

    with ExitStack() as stack:
        with blamed_on_output(path):
            container = stack.enter_context(av.open(url(path), "w", format="mp4", options={"movflags": "+faststart"}))
        picture_stream = _picture_stream(container, size, rate)
        sound_stream = cast("AudioStream", container.add_stream(SOUND_ENCODER, rate=sound.rate, layout="stereo"))
        sound_stream.bit_rate = SOUND_BIT_RATE
        _write_frames(container, picture_stream, frames, path)
        with blamed_on_output(path):
            _write_sound(container, sound_stream, sound)
            container.close()


def _picture_stream(container: OutputContainer, size: tuple[int, int], rate: Fraction) -> VideoStream:
    stream = cast("VideoStream", container.add_stream(VIDEO_ENCODER, rate=rate, options=VIDEO_OPTIONS))
    stream.width, stream.height = size
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = 1 / rate
    context.colorspace, context.color_range = BT709.matrix, BT709.range_code
    context.color_primaries, context.color_trc = BT709.primaries, BT709.transfer
    return stream


def _write_frames(
    container: OutputContainer, stream: VideoStream, frames: Iterable[NDArray[np.uint8]], path: Path
) -> None:
    converter = ColorConverter(BT709)
    for index, pixels in enumerate(frames):
        with blamed_on_output(path):
            frame = converter.to_frame(pixels, "yuv420p")
            frame.pts, frame.time_base = index, stream.codec_context.time_base
            container.mux(stream.encode(frame))
    with blamed_on_output(path):
        container.mux(stream.encode(None))


def _write_sound(container: OutputContainer, stream: AudioStream, sound: Sound) -> None:
    from av import AudioFrame

    for start in range(0, sound.samples.shape[1], SOUND_BLOCK):
        block = np.ascontiguousarray(sound.samples[:, start : start + SOUND_BLOCK])
        frame = AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = sound.rate, start, Fraction(1, sound.rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


MACROBLOCK = 16  # pixels
COLUMNS_AT_ONCE = 8  # macroblocks that x264's tree takes together with AVX-512


def pixel_format(clip: Clip, encoder: Encoder) -> str:
    """The format of `encoder` that keeps most of the clip."""
    is_odd = clip.width % 2 == 1 or clip.height % 2 == 1
    return encoder.pixel_format(bits=clip.bits, has_alpha=clip.has_alpha, is_odd=is_odd, source=clip.pixel_format)


def muxer_for(clip: Clip, encoder: Encoder) -> str:
    """The container of the encoded stream while it is alone: one that keeps its timestamps and all of its packets.

    The clock of Matroska ticks in milliseconds, but only it holds FFV1, and the alpha of VP9: neither goes anywhere
    with a finer clock.
    """
    if encoder.codec.encoder == "ffv1" or (encoder.name == "vp9" and holds_alpha(pixel_format(clip, encoder))):
        return "matroska"
    return "mov" if encoder.name in ("prores", "dnxhr") else "mp4"


def clock_options(time_base: Fraction, muxer: str) -> dict[str, str]:
    """The options of `muxer` for a clock that ticks in `time_base`."""
    if muxer == "matroska":
        return {}
    timescale = str(time_base.denominator)
    # A start behind 0 is carried by an edit list, and that counts in the clock of the film, not of the track.
    return {"video_track_timescale": timescale, "movie_timescale": timescale}


@contextmanager
def encoding(path: Path, clip: Clip, *, encoder: Encoder, origin: int, output: Path) -> Iterator[VideoWriter]:
    """A writer into a file at `path` whose clock ticks as that of `clip`; the tick `origin` becomes 0.

    The file, of the format that `muxer_for` tells, is complete when the `with` is left without an error. Faults of
    writing are MediaErrors about `output`; an encoder whose hardware is not there is a DeviceError.
    """
    import av

    muxer = muxer_for(clip, encoder)
    options = clock_options(clip.time_base, muxer) | {"fflags": "bitexact"}
    with blamed_on_output(output):
        container = av.open(url(path), "w", format=muxer, container_options=options)
        writer = VideoWriter(container, clip, encoder=encoder, origin=origin, output=output)
    try:
        yield writer
        with blamed_on_output(output):
            writer.finish()
            container.close()
    except BaseException:
        with suppress(av.FFmpegError, OSError):  # the first fault is the one to hear of
            container.close()
        raise


def end_at(packet: Packet[VideoStream], end: int, delay: int) -> None:
    """Let the last packet in decoding order tell when the video ends, the tick `end`.

    MP4 takes durations from the gaps between packets, and its end both from the times of showing and, late by `delay`
    ticks, from those of decoding.
    """
    pts = packet.pts or 0
    packet.dts = max(packet.dts or 0, pts - delay)
    packet.duration = max(1, end - pts)


class VideoWriter:
    """Encodes the frames of one clip; any thread may write, one at a time."""

    def __init__(self, container: OutputContainer, clip: Clip, *, encoder: Encoder, origin: int, output: Path) -> None:
        self._container = container
        self._clip = clip
        self._origin = origin
        self._output = output
        self._pixel_format = pixel_format(clip, encoder)
        color, matrices = clip.output_color, encoder.codec.matrices
        if matrices and color.matrix not in matrices:
            color = replace(color, matrix=matrices[0])
        self._converter = ColorConverter(color)
        self._stream = self._add_stream(encoder)
        self._usual_duration = max(1, round(1 / clip.rate / clip.time_base))
        self._durations: dict[int, int] = {}  # of the frames inside the encoder, by timestamp
        self._held: Packet[VideoStream] | None = None  # the last packet is known only when there is no other
        self._delay = 0  # ticks from the decoding to the showing of the first frame
        self.frames = 0
        self.end = 0  # the tick at which the last frame ends

    def write(self, frame: Frame) -> None:
        """Encode the next frame."""
        picture = self._converter.to_frame(frame.pixels, self._pixel_format, frame.alpha)
        pts = frame.pts - self._origin
        picture.pts, picture.time_base = pts, self._clip.time_base
        duration = frame.duration or self._usual_duration
        self._durations[pts] = duration
        self.frames, self.end = self.frames + 1, pts + duration
        with blamed_on_output(self._output):
            self._mux(self._stream.encode(picture))

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._mux(self._stream.encode(None))
        if self._held is not None:
            end_at(self._held, self.end, self._delay)
            self._container.mux(self._held)

    def _mux(self, packets: Iterable[Packet[VideoStream]]) -> None:
        for packet in packets:
            # Encoders forget how long a frame is shown.
            packet.duration = self._durations.pop(packet.pts or 0, self._usual_duration)
            if self._held is None:
                self._delay = (packet.pts or 0) - (packet.dts or 0)
            else:
                self._container.mux(self._held)
            self._held = packet

    def _add_stream(self, encoder: Encoder) -> VideoStream:
        from av import FFmpegError

        os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 writes to stderr by itself; 1: fatal faults
        clip = self._clip
        options = encoder.options(self._pixel_format, light=clip.light if clip.keeps_hdr else None)
        if encoder.codec.encoder == "libx264" and -(-clip.width // MACROBLOCK) % COLUMNS_AT_ONCE:
            # What is left over is then made with whatever lies behind it in memory, other bytes of the same frames each
            # time (the x264 in PyAV 18: 9 outcomes of 25 at 320 x 180, one at 640 x 360, and one without AVX-512), and
            # a resumed run must end as one that was not stopped.
            options["x264-params"] = ":".join(filter(None, [options.get("x264-params"), "mbtree=0"]))
        added = self._container.add_stream(encoder.codec.encoder, rate=clip.rate, options=options)
        stream = cast("VideoStream", added)
        stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, self._pixel_format
        stream.bit_rate = 0  # the CRF alone sets the quality
        stream.metadata["language"] = clip.tags.get("language", "und")
        if holds_alpha(self._pixel_format) and encoder.name == "vp9":
            stream.metadata["alpha_mode"] = "1"
        context = stream.codec_context
        if encoder.name.startswith("hevc"):
            context.codec_tag = "hvc1"  # the variant that Apple's players know
        context.time_base = clip.time_base
        context.sample_aspect_ratio = clip.sample_aspect
        color = self._converter.tags_of(self._pixel_format)
        context.colorspace, context.color_range = color.matrix, color.range_code
        context.color_primaries, context.color_trc = color.primaries, color.transfer
        if encoder.codec.is_hardware:
            try:
                context.open()
            except FFmpegError as error:
                raise DeviceError(
                    f"{encoder.name}: no hardware for it works here ({error.strerror})", hint="Use another `codec`."
                ) from error
        return stream
