"""The last check before a video gets its name: it is read back and compared with what it was made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from stylecli.core.errors import MediaError
from stylecli.media.video.clip import Clip
from stylecli.media.video.plan import Plan
from stylecli.media.video.streams import MICROSECOND, fraction, is_cover, opened, other_stream, video_stream
from stylecli.media.video.writing.companions import Companion, is_attached
from stylecli.media.video.writing.containers import Container
from stylecli.media.video.writing.losses import losses
from stylecli.media.video.writing.muxing.remux import join
from stylecli.media.video.writing.muxing.webp import count_frames

_LARGEST_SHIFT = Fraction(1, 20)  # seconds: what clocks of containers and delays of their muxers may move a frame
_HINT = "The file was not delivered. Try another container, and report this."


@dataclass
class _Contents:
    """What a video file holds, as its packets tell."""

    frames: int = 0
    first: Fraction | None = None  # seconds: timestamps of the first and last frame
    last: Fraction | None = None
    kinds: Counter[str] = field(default_factory=Counter)  # kinds of the other streams -> how many of each

    @property
    def span(self) -> Fraction:
        return (self.last or Fraction(0)) - (self.first or Fraction(0))


def join_and_check(picture: Path, draft: Path, *, end: int, frames: int, clip: Clip, plan: Plan) -> list[str]:
    """Write `draft` from the new `picture` and the other streams of the source, as `plan` tells, and check it.

    end: the tick of `clip` at which the last frame of `picture` ends. frames: how many it has.

    Returns and raises as `check_delivery`.
    """
    container, streams, output = plan.container, plan.streams, plan.output
    join(picture, draft, end=end, clip=clip, container=container, streams=streams, cut=plan.cut, output=output)
    return check_delivery(
        draft, picture=picture, frames=frames, clip=clip, container=container, streams=streams, output=output
    )


def check_delivery(
    draft: Path,
    *,
    picture: Path,
    frames: int,
    clip: Clip,
    container: Container,
    streams: Sequence[Companion],
    output: Path,
) -> list[str]:
    """Read `draft` back and compare it with what it was made of; nothing may get its final name before.

    picture: the file that holds the encoded frames alone.
    frames: how many were painted.
    streams: what goes along.

    Returns messages about tags and the like that the container has no place for.

    Raises:
        MediaError: about `output`; the number of frames, their times or the streams differ.
    """
    with _blamed_on_draft(draft, output):
        if container.muxer == "webp":
            # Its encoder makes one of identical frames, so there may be fewer than were written.
            found, expected = _Contents(frames=count_frames(draft)), _Contents(frames=frames)
        else:
            found, expected = _contents(draft), _contents(picture)
    is_complete = found.frames == frames or (container.animates and 0 < found.frames < frames)  # animations drop some
    if expected.frames != frames or not is_complete:
        raise _fault(output, f"{found.frames} frames of {frames}")
    if container.muxer != "webp" and abs(found.span - expected.span) > _LARGEST_SHIFT:
        raise _fault(output, f"frames over {float(found.span):.2f} s instead of {float(expected.span):.2f} s")
    wanted = Counter(one.stream.kind for one in streams if not is_attached(one, container))
    for kind in ("sound", "subtitles", "cover", "video"):
        if found.kinds[kind] < wanted[kind]:
            raise _fault(output, f"{found.kinds[kind]} of {wanted[kind]} {kind} streams")
    with _blamed_on_draft(draft, output):
        return list(losses(draft, clip=clip, container=container, streams=streams))


def _contents(path: Path) -> _Contents:
    found = _Contents()
    with opened(path) as container:
        stream = video_stream(container, path)
        streams = [other for other in container.streams if other.index != stream.index]
        found.kinds.update("cover" if is_cover(other) else other_stream(other).kind for other in streams)
        clock = fraction(stream.time_base, MICROSECOND)
        for packet in container.demux(stream):
            if packet.size:
                found.frames += 1
                if packet.pts is not None:
                    time = packet.pts * clock
                    found.first = time if found.first is None else min(found.first, time)
                    found.last = time if found.last is None else max(found.last, time)
    return found


@contextmanager
def _blamed_on_draft(draft: Path, output: Path) -> Iterator[None]:
    """Faults of reading `draft` become faults of `output`."""
    try:
        yield
    except MediaError as error:
        raise _fault(output, error.message.removeprefix(f"{draft}: ")) from error


def _fault(output: Path, fault: str) -> MediaError:
    return MediaError(f"{output}: what was written cannot be read back as it should ({fault})", hint=_HINT)
