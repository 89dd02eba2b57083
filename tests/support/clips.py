"""Videos that tests make for themselves: small, of every kind that goes wrong easily."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import numpy as np
from av import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
SIZE = (64, 48)
UNEVEN = (0, 5, 7, 19, 429, 500, 530, 531, 700, 733, 999)  # milliseconds, as a screen recorder makes them


@dataclass(frozen=True)
class Made:
    """How `make_video` makes a video."""

    size: tuple[int, int] = SIZE
    pixel_format: str = "yuv420p"
    time_base: Fraction = Fraction(1, 12800)
    encoder: str = "libx264"
    settings: dict[str, Any] = field(default_factory=dict)  # attributes of the codec context


def make_video(path: Path, pts: Sequence[int] = tuple(range(0, 5120, 512)), made: Made = Made()) -> Path:
    """Write a moving ramp with these timestamps, with B-frames, nearly without loss."""
    timescale = str(made.time_base.denominator)
    clock = {"video_track_timescale": timescale, "movie_timescale": timescale}
    options = {"libx264": {"preset": "medium", "crf": "4"}, "libvpx-vp9": {"crf": "4", "b": "0", "cpu-used": "8"}}
    with av.open(str(path), "w", container_options=clock if path.suffix in (".mp4", ".mov") else {}) as container:
        stream = container.add_stream(made.encoder, rate=25, options=options.get(made.encoder, {}))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = made.size
        stream.pix_fmt = made.pixel_format
        stream.codec_context.time_base = made.time_base
        for name, value in made.settings.items():
            setattr(stream.codec_context, name, value)
        for number, tick in enumerate(pts):
            frame = VideoFrame.from_ndarray(ramp(number, made.size), format="rgb24").reformat(
                format=made.pixel_format,
                dst_colorspace=made.settings.get("colorspace"),
                dst_color_range=made.settings.get("color_range"),
            )
            frame.pts, frame.time_base = tick, made.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def ramp(number: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """Soft colours that differ in every corner and brighten from frame to frame."""
    width, height = size
    x, y = np.linspace(0, 1, width)[None, :], np.linspace(0, 1, height)[:, None]
    channels = (60 + 90 * x + 0 * y, 70 + 90 * y + 0 * x, 160 - 50 * x - 30 * y)
    return np.stack([channel + 4 * number for channel in channels], axis=-1).round().astype(np.uint8)


def veil(number: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """Transparency: clear at the left, opaque at the right, and moving down the middle."""
    width, height = size
    alpha = np.tile(np.linspace(0, 255, width - 16).round().astype(np.uint8), (height, 1))
    alpha = np.pad(alpha, ((0, 0), (8, 8)), mode="edge")
    return np.roll(alpha, 2 * number, axis=1) if number % 2 else alpha


def make_transparent(
    path: Path, *, encoder: str = "libvpx-vp9", pixel_format: str = "yuva420p", frames: int = 4
) -> Path:
    """Write the ramp behind a `veil`; where it is clear, the picture is black."""
    options = {"libvpx-vp9": {"crf": "4", "b": "0", "cpu-used": "8"}, "prores_ks": {"profile": "4444"}}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=25, options=options.get(encoder, {}))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = SIZE
        stream.pix_fmt = pixel_format
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.metadata["alpha_mode"] = "1"
        for number in range(frames):
            alpha = veil(number)
            picture = np.concatenate([ramp(number) * (alpha[..., None] > 0), alpha[..., None]], axis=-1)
            frame = VideoFrame.from_ndarray(picture.astype(np.uint8), format="rgba").reformat(format=pixel_format)
            frame.pts, frame.time_base = 40 * number, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def make_interlaced(path: Path, *, seconds: float = 0.6, rate: int = 25) -> Path:
    """Write a moving picture whose two fields are two moments, top field first."""
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=size=128x96:rate={2 * rate}:duration={seconds}", "-vf", "interlace",
           "-c:v", "libx264", "-flags", "+ildct+ilme", "-x264opts", "tff=1", path)  # fmt: skip
    return path


def ffmpeg(*arguments: str | Path) -> None:
    """Run ffmpeg quietly; the last argument is what it writes."""
    subprocess.run([FFMPEG, "-v", "error", "-y", *map(str, arguments)], check=True, capture_output=True)


def with_sound(video: Path, path: Path, *, codec: str = "aac", also: Sequence[str | Path] = ()) -> Path:
    """Copy a video and give it a second of a sine, in German."""
    sine = ("-f", "lavfi", "-i", "sine=440:sample_rate=48000:duration=1")
    ffmpeg("-i", video, *sine, "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", codec, "-ac", "2",
           "-metadata:s:a:0", "language=ger", *also, path)  # fmt: skip
    return path


def times(path: Path) -> list[Fraction]:
    """When each frame is shown, in seconds."""
    with av.open(str(path)) as container:
        return [_seconds(frame) for frame in container.decode(container.streams.video[0])]


def _seconds(frame: VideoFrame) -> Fraction:
    assert frame.pts is not None
    assert frame.time_base is not None
    return frame.pts * frame.time_base


def pixels(path: Path) -> list[NDArray[np.uint8]]:
    """The frames as ffmpeg's own decoder and converter show them to a player, turned upright."""
    raw = subprocess.run(
        [FFMPEG, "-v", "error", "-i", str(path), "-fps_mode", "passthrough", "-f", "image2pipe", "-c:v", "ppm", "-"],
        check=True,
        capture_output=True,
    ).stdout
    frames = []
    while raw:
        _, size, _, rest = raw.split(b"\n", 3)
        width, height = map(int, size.split())
        count = width * height * 3
        frames.append(np.frombuffer(rest[:count], np.uint8).reshape(height, width, 3))
        raw = rest[count:]
    return frames


def sound_packets(path: Path) -> list[bytes]:
    """What the sound stream holds."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]


def codecs(path: Path) -> list[str]:
    """The canonical codec names of all streams that have one."""
    with av.open(str(path)) as container:
        return [stream.codec_context.codec.canonical_name for stream in container.streams if stream.codec_context]
