"""Paint frames in picture files like those of a video: the frames of a scene share their statistics.

The pixels do not depend on which frames an earlier run has painted: finished frames are read again, up to the last
unfinished one, so that the statistics are the same.
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

PaintTasks = Mapping[str, Sequence[Callable[[], "NDArray[Any]"]]]  # style -> callables that paint the frame's views
Source = TypeVar("Source")  # what was read from a frame's file, or the error
Result = TypeVar("Result")


def work_on_scene(
    jobs: Sequence[PictureJob],
    painters: Mapping[str, FramePainter],
    *,
    read: Callable[[PictureJob], Source],
    pixels_of: Callable[[Source], Sequence[NDArray[Any]]],
    is_done: Callable[[PictureJob], bool],
    do: Callable[[Sequence[PictureJob], Source | None, PaintTasks], Callable[[], Result]],
) -> Generator[Callable[[], Result], None, None]:
    """Yield one callable for each frame of a scene, in order. The callables may run concurrently.

    jobs: in the order of frames; consecutive jobs with the same source are its styles.
    painters: by style.
    read: reads the source of a job; raises nothing.
    pixels_of: returns the pixels (H, W, 3) of each view of a source; an empty list if it could not be read.
    is_done: whether the result of a job exists and is kept.
    do: makes the callable of a frame from its jobs, its source (None: nothing to paint) and its painting callables.
    """
    frames = [list(group) for _, group in groupby(jobs, key=lambda job: job.source)]
    last = max((number for number, group in enumerate(frames) if not all(map(is_done, group))), default=-1)
    with reading_ahead(read(group[0]) for group in frames[: last + 1]) as sources:
        for group, source in zip(frames, sources, strict=False):
            views = pixels_of(source)
            tasks = {job.style: [painters[job.style].begin(pixels) for pixels in views] for job in group}
            yield do(group, source, tasks)
    for group in frames[last + 1 :]:
        yield do(group, None, {})
