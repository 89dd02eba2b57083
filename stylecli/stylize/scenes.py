"""Frames in picture files, painted as those of a video: the frames of a scene share their statistics.

What is painted does not depend on which frames were there already: those are read, too, up to the last one to paint.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

from stylecli.core.errors import MediaError
from stylecli.core.threads import reading_ahead
from stylecli.stylize.frame_painter import FramePainter

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from stylecli.media.images.files import Picture
    from stylecli.stylize.jobs import PictureJob

Begun = Mapping[str, Callable[[], "NDArray[Any]"]]  # by style: what paints the frame
Result = TypeVar("Result")


def work_on_scene(
    jobs: Sequence[PictureJob],
    painters: Mapping[str, FramePainter],
    *,
    read: Callable[[Path], Picture | MediaError],
    is_done: Callable[[PictureJob], bool],
    do: Callable[[Sequence[PictureJob], Picture | MediaError | None, Begun], Callable[[], Result]],
) -> Generator[Callable[[], Result], None, None]:
    """One callable for each frame of a scene, in order; they may run side by side.

    jobs: in the order of frames; neighbours with one source are different styles of it.
    painters: by style.
    read: gives the picture of a source, or its fault.
    is_done: whether the result of a job is there and stays.
    do: what a callable does: given the jobs of a frame, its picture (None: nothing is to paint), and what paints it.
    """
    frames = [list(group) for _, group in groupby(jobs, key=lambda job: job.source)]
    last = max((number for number, group in enumerate(frames) if not all(map(is_done, group))), default=-1)
    with reading_ahead(read(group[0].source) for group in frames[: last + 1]) as pictures:
        for group, picture in zip(frames, pictures, strict=False):
            begun: Begun = {}
            if not isinstance(picture, MediaError):
                begun = {job.style: painters[job.style].begin(picture.pixels) for job in group}
            yield do(group, picture, begun)
    for group in frames[last + 1 :]:
        yield do(group, None, {})
