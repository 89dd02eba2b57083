"""Stylize a video: decode, paint and encode at the same time, and keep everything else of the file."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from stylecli.core.files import check_room
from stylecli.core.progress import Notice, Progress, Step, ignore
from stylecli.core.threads import reading_ahead, side_by_side, writing_behind
from stylecli.media.frames.keep import keeping_frames
from stylecli.media.images.alpha import bled
from stylecli.media.video.clip import Frame
from stylecli.media.video.plan import Plan, VideoOptions, VideoResult, no_frame_in_range, planned
from stylecli.media.video.reading.reader import read_frames
from stylecli.media.video.resume import PainterState, PartialWork, partial_work
from stylecli.media.video.stalls import watch_on_decoder, watch_on_encoder
from stylecli.media.video.writing.delivery import join_and_check
from stylecli.media.video.writing.segments import (
    COPIES,
    SEGMENT_FRAMES,
    Boundary,
    join_segments,
    writing_segments,
)
from stylecli.media.video.writing.writer import encoding, muxer_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

Paint = Callable[["NDArray[Any]"], "NDArray[Any]"]  # (height, width, 3) R'G'B', uint8 or uint16 -> the same


@runtime_checkable
class Painter(Protocol):
    """Paints several frames at once and carries a state from each frame to the next.

    The state is kept with finished work, so that a later run can continue from it.
    """

    at_once: int  # frames that are painted at a time

    def begin(self, frame: NDArray[Any]) -> Callable[[], NDArray[Any]]:
        """Return a callable that paints this frame; frames come in order and in one thread, callables run in others."""

    def state(self) -> PainterState:
        """The state after the latest frame: small arrays by name."""

    def restore(self, state: PainterState) -> None:
        """Continue from a state; an empty one is the beginning."""


class _Stateless:
    """A painter that has no state: a function from picture to picture."""

    at_once = 1

    def __init__(self, paint: Paint) -> None:
        self._paint = paint

    def begin(self, frame: NDArray[Any]) -> Callable[[], NDArray[Any]]:
        return partial(self._paint, frame)

    def state(self) -> PainterState:
        return {}

    def restore(self, state: PainterState) -> None:
        pass


def stylize_video(
    source: Path,
    output: Path,
    *,
    paint: Paint | Painter,
    options: VideoOptions | None = None,
    fingerprint: Mapping[str, str] | None = None,
    restart: bool = False,
    keep_frames: Path | None = None,
    overwrite: bool = False,
    progress: Progress = ignore,
    notice: Notice = lambda _: None,
) -> VideoResult:
    """Write `source` to `output` with every frame painted; `output` appears when it is complete, or not at all.

    A function `paint` is called frame by frame in order, in one thread. `fingerprint` holds all that decides what is
    painted: with it, a run that was stopped leaves its finished frames in a hidden folder beside `output`, and the same
    call goes on from there, to the very same result; `restart` throws them away. Without it nothing is ever left. The
    painted frames are kept as PNG, too, in the folder `keep_frames`. `notice` hears at once the messages that the
    result holds.

    Raises UsageError, MediaError, DeviceError and whatever `paint` and `progress` raise.
    """
    messages: list[str] = []
    painter = paint if isinstance(paint, Painter) else _Stateless(paint)

    def tell(message: str) -> None:
        messages.append(message)
        notice(message)

    with planned(source, output, options or VideoOptions(), overwrite=overwrite) as plan:
        for message in plan.messages:
            tell(message)
        whole = None if fingerprint is None else plan.fingerprint(fingerprint)
        with partial_work(output, whole, restart=restart, notice=notice) as work:
            resumed = work.frames
            with keeping_frames(keep_frames, plan.written, span=plan.options.span, done=work.frames) as keep:
                for fault in _paint_segments(work, plan, keep, painter=painter, progress=progress):
                    tell(fault)
            if not work.pieces:
                raise no_frame_in_range(plan.clip, source)
            plan.check_source()
            picture, draft = work.folder / "picture", work.folder / "whole"
            check_room(output, needed=work.size * (COPIES - 1))
            join_segments(
                work.pieces,
                picture,
                muxer=muxer_for(plan.clip, plan.encoder),
                time_base=plan.written.time_base,
                output=output,
            )
            end = work.pieces[-1].end
            lost = join_and_check(picture, draft, end=end, frames=work.frames, clip=plan.written, plan=plan)
            plan.check_source()  # the other streams were read just now
            frames = work.frames
            work.deliver(draft)
            for message in lost:
                tell(message)
    progress(Step(frames, frames, "frames"))
    return VideoResult(output, plan.clip.width, plan.clip.height, frames, plan.encoder.name, resumed, tuple(messages))


def _paint_segments(
    work: PartialWork,
    plan: Plan,
    keep: Callable[[Frame], None],
    *,
    painter: Painter,
    progress: Progress,
) -> list[str]:
    """Paint what is not finished yet, and `keep` each frame; give the remarks about the source."""
    clip, span = plan.clip, plan.options.span
    estimate = plan.written.frames(span)
    remarks: list[str] = []  # heard in the reading thread, told in the caller's
    finished = work.frames
    painter.restore(work.state())
    decoding, encoding_watch = watch_on_decoder(plan.source), watch_on_encoder(plan.output, plan.encoder.name)
    frames_to_read = read_frames(
        clip,
        span=span,
        skip=finished,
        allow_truncated=plan.options.allow_truncated,
        strict=plan.options.strict,
        rate=plan.rate,
        notice=remarks.append,
        beat=decoding.beat,
    )

    def opening(path: Path) -> Any:
        _check_room(work, plan, estimate)
        return encoding(path, plan.written, encoder=plan.encoder, origin=plan.origin, output=plan.output)

    with writing_segments(work, opening) as encode:

        def encode_and_keep(item: Frame | Boundary) -> None:
            encode(item)
            if isinstance(item, Frame):
                keep(item)

        with (
            reading_ahead(frames_to_read, decoding) as frames,
            closing(side_by_side(_jobs(frames, painter, finished), painter.at_once)) as painted,
            writing_behind(encode_and_keep, encoding_watch) as write,
        ):
            for done, (frame, boundary) in enumerate(painted, start=finished + 1):
                write(frame)
                if boundary:
                    write(boundary)
                progress(Step(done, estimate and max(done, estimate), "frames"))
            write(Boundary(painter.state()))
    return remarks


def _jobs(
    frames: Iterator[Frame], painter: Painter, finished: int
) -> Generator[Callable[[], tuple[Frame, Boundary | None]], None, None]:
    """What paints each frame; with it comes the boundary, if a segment ends behind it."""
    for number, frame in enumerate(frames, start=finished + 1):
        # Transparent pixels hold anything; the network must see there what is around them.
        paint = painter.begin(frame.pixels if frame.alpha is None else bled(frame.pixels, frame.alpha))
        yield partial(_job, frame, paint, None if number % SEGMENT_FRAMES else Boundary(painter.state()))


def _job(frame: Frame, paint: Callable[[], NDArray[Any]], boundary: Boundary | None) -> tuple[Frame, Boundary | None]:
    return frame.with_pixels(paint()), boundary


def _check_room(work: PartialWork, plan: Plan, estimate: int | None) -> None:
    """Raise MediaError where the disk is too small for the rest, guessed by the finished part, or by experience."""
    frames = max(estimate or 0, work.frames + 1)
    size = plan.clip.width * plan.clip.height * plan.encoder.codec.bits_a_pixel / 8
    if work.frames:
        size = work.size / work.frames
    check_room(plan.output, needed=size * (frames * COPIES - work.frames))
