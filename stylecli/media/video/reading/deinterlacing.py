"""Deinterlacing: each interlaced frame, two moments woven into one picture, becomes one moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av import VideoFrame
    from av.filter import Graph

_CLOCK = Fraction(1, 1000)  # the filter wants timestamps, but here the frames are told apart by their order


def deinterlaced(frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
    """One picture for each of `frames`, with its timestamp: what bwdif makes of the first field's moment.

    It looks at both neighbours of a frame. Frames before the first interlaced one pass untouched; so do those behind a
    change of size or format, for which the filter is built anew.
    """
    graph: Graph | None = None
    shape = None  # that the filter was built for
    waiting: list[VideoFrame] = []  # inside the filter, which is one frame behind
    for count, frame in enumerate(frames):
        if graph is not None and shape != (frame.width, frame.height, frame.format.name):
            yield from _rest(graph, waiting)
            graph, waiting = None, []
        if graph is None and not frame.interlaced_frame:
            yield frame
            continue
        graph, shape = graph or _bwdif(frame), (frame.width, frame.height, frame.format.name)
        stamp, clock = frame.pts, frame.time_base
        frame.pts, frame.time_base = count, _CLOCK
        graph.push(frame)
        frame.pts, frame.time_base = stamp, clock
        waiting.append(frame)
        if len(waiting) > 1:
            yield _pulled(graph, waiting.pop(0))
    if graph is not None:
        yield from _rest(graph, waiting)


def _rest(graph: Graph, waiting: list[VideoFrame]) -> Iterator[VideoFrame]:
    """The frames that the filter still holds."""
    graph.push(None)
    return (_pulled(graph, source) for source in waiting)


def _bwdif(frame: VideoFrame) -> Graph:
    from av.filter import Graph

    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=_CLOCK)
    graph.link_nodes(
        source, graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink")
    ).configure()
    return graph


def _pulled(graph: Graph, source: VideoFrame) -> VideoFrame:
    """The filter's next picture, as the frame that it was made of."""
    picture = graph.vpull()
    picture.pts, picture.dts, picture.duration = source.pts, source.dts, source.duration
    picture.time_base = source.time_base
    return picture
