"""Frames -> an encoded video stream, alone in a file, each timestamp exactly where it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from stylecli.containers import Encoder
from stylecli.errors import MediaError
from stylecli.video import Clip
from stylecli.video_color import ColorConverter
from stylecli.video_reader import Frame

if TYPE_CHECKING:
    from av import Packet, VideoStream
    from av.container import OutputContainer


def pixel_format(clip: Clip, encoder: Encoder) -> str:
    """4:2:0, which every player shows, unless the codec cannot keep an odd size in it."""
    is_odd = clip.width % 2 == 1 or clip.height % 2 == 1
    return "yuv444p" if is_odd and not encoder.codec.halves_odd_sizes else "yuv420p"


@contextmanager
def encoding(path: Path, clip: Clip, *, encoder: Encoder, origin: int, output: Path) -> Iterator[VideoWriter]:
    """A writer into an MP4 file at `path` whose clock ticks as that of `clip`; the tick `origin` becomes 0.

    The file is complete when the `with` is left without an error. Faults of writing are MediaErrors about `output`.
    """
    import av

    timescale = str(clip.time_base.denominator)
    # A start behind 0 is carried by an edit list, and that counts in the clock of the film, not of the track.
    clock = {"video_track_timescale": timescale, "movie_timescale": timescale}
    with blamed_on(output):
        container = av.open(str(path), "w", format="mp4", container_options=clock)
        writer = VideoWriter(container, clip, encoder=encoder, origin=origin, output=output)
    try:
        yield writer
        with blamed_on(output):
            writer.finish()
            container.close()
    except BaseException:
        with suppress(av.FFmpegError, OSError):  # the first fault is the one to hear of
            container.close()
        raise


@contextmanager
def blamed_on(output: Path) -> Iterator[None]:
    """What libav and the system have against writing becomes a MediaError about `output`."""
    import av

    try:
        yield
    except (av.FFmpegError, OSError) as error:
        raise MediaError(f"{output}: cannot be written ({error.strerror or error})") from error


class VideoWriter:
    """Encodes the frames of one clip; any thread may write, one at a time."""

    def __init__(self, container: OutputContainer, clip: Clip, *, encoder: Encoder, origin: int, output: Path) -> None:
        self._container = container
        self._clip = clip
        self._origin = origin
        self._output = output
        self._pixel_format = pixel_format(clip, encoder)
        self._converter = ColorConverter(clip.color)
        self._stream = self._add_stream(encoder)
        self._usual_duration = round(1 / clip.rate / clip.time_base)
        self._durations: dict[int, int] = {}  # of the frames inside the encoder, by timestamp
        self._held: Packet[VideoStream] | None = None  # the last packet is known only when there is no other
        self._delay = 0  # ticks from the decoding to the showing of the first frame
        self._end = 0  # the tick at which the last frame ends

    def write(self, frame: Frame) -> None:
        """Encode the next frame."""
        picture = self._converter.to_frame(frame.pixels, self._pixel_format)
        pts = frame.pts - self._origin
        picture.pts, picture.time_base = pts, self._clip.time_base
        duration = frame.duration or self._usual_duration
        self._durations[pts] = duration
        self._end = pts + duration
        with blamed_on(self._output):
            self._mux(self._stream.encode(picture))

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._mux(self._stream.encode(None))
        if self._held is not None:
            # MP4 takes durations from the gaps in decoding order, so the last packet must fill up to the end.
            self._held.duration = max(1, self._end - self._delay - (self._held.dts or 0))
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
        clip = self._clip
        added = self._container.add_stream(encoder.codec.encoder, rate=clip.rate, options=encoder.options)
        stream = cast("VideoStream", added)
        stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, self._pixel_format
        stream.bit_rate = 0  # the CRF alone sets the quality
        stream.metadata["language"] = clip.tags.get("language", "und")
        context = stream.codec_context
        context.time_base = clip.time_base
        context.sample_aspect_ratio = clip.sample_aspect
        context.colorspace, context.color_range = clip.color.matrix, clip.color.range_code
        context.color_primaries, context.color_trc = clip.color.primaries, clip.color.transfer
        return stream
