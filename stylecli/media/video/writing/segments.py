"""A picture encoded in segments that are cut at exact frames, and made one stream again without another encoding.

Every segment has an encoder of its own and so starts with a key frame. Segments are as long in a run without
interruption, so the outcome is the same to the byte.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from stylecli.media.video.clip import Frame
from stylecli.media.video.ffmpeg import url
from stylecli.media.video.partial_folders import Piece
from stylecli.media.video.resume import PainterState, PartialWork
from stylecli.media.video.streams import blamed_on_output
from stylecli.media.video.writing.writer import VideoWriter, clock_options, end_at

if TYPE_CHECKING:
    from av import Packet, VideoStream

SEGMENT_FRAMES = 120  # what a fault can cost at most; a key frame each 5 s at 24 fps, as streaming services have it
COPIES = 3  # of the picture at the end of the work: the segments, the joined stream, the finished file


@dataclass(frozen=True)
class Boundary:
    """Where a segment ends, and what the painter remembers there."""

    state: PainterState


@contextmanager
def writing_segments(
    work: PartialWork, opening: Callable[[Path], AbstractContextManager[VideoWriter]]
) -> Iterator[Callable[[Frame | Boundary], None]]:
    """A function that encodes frames and, at each boundary, finishes a segment; it runs in one thread at a time.

    `opening` gives a writer into a file. Raises MediaError.
    """
    writer: VideoWriter | None = None
    with ExitStack() as stack:

        def write(item: Frame | Boundary) -> None:
            nonlocal writer
            if isinstance(item, Frame):
                writer = writer or stack.enter_context(opening(work.draft))
                writer.write(item)
            elif writer is not None:
                stack.close()
                work.commit(frames=writer.frames, end=writer.end, state=item.state)
                writer = None

        yield write


def join_segments(pieces: Sequence[Piece], target: Path, *, muxer: str, time_base: Fraction, output: Path) -> None:
    """Write the packets of all pieces into one stream at `target`; faults are MediaErrors about `output`.

    Times of showing stay. Times of decoding are set anew, since those of the pieces can overlap where the rate varies:
    the times of showing in order, late by as many frames as frames are coded ahead.
    """
    import av

    with blamed_on_output(output):
        shown = array("q")
        ahead = latest = 0  # latest: the packet of the frame that is shown last
        for piece in pieces:
            coded = [packet.pts or 0 for packet in _packets(piece)]
            ordered = sorted(coded)
            latest = len(shown) + coded.index(ordered[-1])
            ahead = max([ahead, *(number - bisect_left(ordered, pts) for number, pts in enumerate(coded))])
            shown.extend(ordered)
        delay = shown[min(ahead, len(shown) - 1)] - shown[0]
        decoded = [shown[number - ahead] if number >= ahead else shown[number] - delay for number in range(len(shown))]
        end = pieces[-1].end * time_base
        options = clock_options(time_base, muxer) | {"fflags": "bitexact"}
        with ExitStack() as stack:
            container = stack.enter_context(av.open(url(target), "w", format=muxer, container_options=options))
            first = stack.enter_context(av.open(url(pieces[0].file)))
            # Opaque: else PyAV 18 looks for an encoder of the decoder's name, and there is none for libdav1d.
            stream = container.add_stream_from_template(first.streams.video[0], opaque=True)
            for name, value in first.streams.video[0].metadata.items():
                stream.metadata[name] = value
            packets = (packet for piece in pieces for packet in _packets(piece))
            for number, packet in enumerate(packets):
                packet.dts = decoded[number]
                if number == len(shown) - 1:
                    last = round(end / Fraction(packet.time_base))
                    if latest < number and shown[-1] + decoded[latest + 1] - decoded[latest] >= last:
                        packet.duration = max(1, last - delay - packet.dts)  # the latest tells the end already
                    else:
                        end_at(packet, last, delay)
                packet.stream = stream
                container.mux(packet)


def _packets(piece: Piece) -> Iterator[Packet[VideoStream]]:
    import av

    with av.open(url(piece.file)) as container:
        yield from (packet for packet in container.demux(container.streams.video[0]) if packet.size)
