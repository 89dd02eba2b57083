"""Picture files that libvips does not read and PyAV does: BMP, and AVIF sequences, whose frames are a video track."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.media.images.codecs import vips_reading
from stylecli.media.images.codecs.limits import DAMAGED_HINT, check_page, check_pixels
from stylecli.media.images.declared_colors import declared_colors
from stylecli.media.images.formats import AVIF, BMP, Format
from stylecli.media.images.metadata.kept import NOTHING
from stylecli.media.images.picture import Animation, Contents, Pages, Picture
from stylecli.media.images.samples import decoded_rgb, picture_of
from stylecli.media.images.settings import Reading

if TYPE_CHECKING:
    from av import VideoFrame

BMP_SIZE_AT = 2  # where a BMP tells its own size, 4 bytes
MILLISECONDS = 1000
UNSPECIFIED = 2


def decode(data: bytes, name: str, format_: Format, reading: Reading, *, page: int | None) -> Pages:
    """Read a BMP, or the frames of an AVIF sequence.

    Raises:
        MediaError: it is damaged, too large, or of an unsupported kind.
        UsageError: there is no such page.
    """
    import av  # a native library that --help does not need
    import av.error

    try:
        if format_ is BMP:
            return _bmp(data, name, reading, page)
        return _sequence(data, name, reading, page)
    except (av.error.FFmpegError, ValueError) as error:
        raise MediaError(f"{name}: it is damaged or truncated ({format_.name})", hint=DAMAGED_HINT) from error


def _bmp(data: bytes, name: str, reading: Reading, page: int | None) -> Pages:
    import av

    check_page(page, 1, name)
    claimed = int.from_bytes(data[BMP_SIZE_AT : BMP_SIZE_AT + 4], "little")
    if claimed > len(data) and not reading.allow_truncated:
        raise MediaError(f"{name}: it is damaged or truncated (BMP: its end is missing)", hint=DAMAGED_HINT)
    with av.open(io.BytesIO(data), "r", format="bmp_pipe") as container:
        stream = container.streams.video[0]
        check_pixels(stream.width, stream.height, name, reading)
        frame: VideoFrame = next(container.decode(stream))
    has_alpha = any(component.is_alpha for component in frame.format.components) and frame.format.name != "pal8"
    samples = frame.to_ndarray(format="rgba" if has_alpha else "rgb24")
    return Pages((picture_of(decoded_rgb(np.ascontiguousarray(samples), NOTHING), reading, name),))


def _sequence(data: bytes, name: str, reading: Reading, page: int | None) -> Pages:
    """Libvips reads the still in front of the frames: it tells metadata and profile."""
    import av

    still = vips_reading.decode(data, name, AVIF, reading, page=0).pictures[0]
    with av.open(io.BytesIO(data), "r") as container:
        tracks = [at for at, stream in enumerate(container.streams.video) if stream.frames > 1]
    if not tracks:
        check_page(page, 1, name)
        return Pages((still,))
    frames, delays = _frames_of(data, tracks[0], name, reading)
    alphas = _frames_of(data, tracks[1], name, reading)[0] if len(tracks) > 1 else []
    check_page(page, len(frames), name)
    light = declared_colors(data).light
    wanted = range(len(frames)) if page is None else [page]
    pictures = [
        _painted(still, frames[at], alphas[at] if at < len(alphas) else None, light=light, reading=reading, name=name)
        for at in wanted
    ]
    animation = Animation(tuple(delays)) if len(pictures) > 1 else None
    return Pages(tuple(pictures), animation, (), len(frames), "frames")


def _frames_of(data: bytes, track: int, name: str, reading: Reading) -> tuple[list[NDArray[Any]], list[int]]:
    """Decode the frames (H, W, 3) of a track, 8 or 16 bits, and how many milliseconds each is shown."""
    import av

    frames, delays, pixels = [], [], 0
    with av.open(io.BytesIO(data), "r") as container:
        for frame in container.decode(container.streams.video[track]):
            check_pixels(frame.width, frame.height, name, reading, before=pixels)
            pixels += frame.width * frame.height
            frames.append(_rgb_of(frame))
            delays.append(round((frame.duration or 0) * (frame.time_base or 0) * MILLISECONDS))
    return frames, delays


def _rgb_of(frame: VideoFrame) -> NDArray[Any]:
    is_deep = any(component.bits > 8 for component in frame.format.components)
    samples: NDArray[Any] = frame.to_ndarray(format="rgb48le" if is_deep else "rgb24")
    return samples


def _painted(
    still: Picture,
    rgb: NDArray[Any],
    alpha: NDArray[Any] | None,
    *,
    light: tuple[int, int] | None,
    reading: Reading,
    name: str,
) -> Picture:
    """Return a frame as a picture with the profile and the metadata of the still."""
    own = still.contents if isinstance(still.contents, Contents) else None
    samples = rgb if alpha is None else np.concatenate([rgb, alpha[..., :1]], axis=2)
    decoded = decoded_rgb(np.ascontiguousarray(samples), own.metadata if own else NOTHING)
    profile = own.profile if own and own.interpretation in ("srgb", "rgb16") else None
    return picture_of(replace(decoded, profile=None if light else profile, light=light), reading, name)
