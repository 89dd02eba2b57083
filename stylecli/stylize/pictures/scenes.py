"""Frames in picture files, painted as those of a video: the frames of a scene share their statistics.

What is painted does not depend on which frames were there already: those are read, too, up to the last one to paint.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

from stylecli.core.threads import reading_ahead
from stylecli.stylize.frame_painter import FramePainter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stylecli.stylize.pictures.jobs import PictureJob

Begun = Mapping[str, Sequence[Callable[[], "NDArray[Any]"]]]  # by style: what paints the frame, or each of its views
Source = TypeVar("Source")  # a frame's file as it was read, or its fault
Result = TypeVar("Result")


def work_on_scene(
    jobs: Sequence[PictureJob],
    painters: Mapping[str, FramePainter],
    *,
    read: Callable[[PictureJob], Source],
    pixels_of: Callable[[Source], Sequence[NDArray[Any]]],
    is_done: Callable[[PictureJob], bool],
    do: Callable[[Sequence[PictureJob], Source | None, Begun], Callable[[], Result]],
) -> Generator[Callable[[], Result], None, None]:
    """One callable for each frame of a scene, in order; they may run side by side.

    jobs: in the order of frames; neighbours with one source are different styles of it.
    painters: by style.
    read: reads the source of a job; raises nothing.
    pixels_of: its pixels (H, W, 3), of stereo those of each view; none where it could not be read.
    is_done: whether the result of a job is there and stays.
    do: what a callable does: given the jobs of a frame, its source (None: nothing is to paint), and what paints it.
    """
    frames = [list(group) for _, group in groupby(jobs, key=lambda job: job.source)]
    last = max((number for number, group in enumerate(frames) if not all(map(is_done, group))), default=-1)
    with reading_ahead(read(group[0]) for group in frames[: last + 1]) as sources:
        for group, source in zip(frames, sources, strict=False):
            views = pixels_of(source)
            begun = {job.style: [painters[job.style].begin(pixels) for pixels in views] for job in group}
            yield do(group, source, begun)
    for group in frames[last + 1 :]:
        yield do(group, None, {})
