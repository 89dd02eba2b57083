"""The program with lessons of two small steps on small photos: `python quick_learning.py serve` learns in seconds."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stylecli.cli.app import suite
from stylecli.web.jobs import learning

SIDE = 128  # pixels of the photos that are learned on, judged and shown

learning.PROGRAM = (sys.executable, __file__)


def make_lessons_quick(folder: Path) -> None:
    """Let `styles learn` take two steps of one crop each, with cut-outs of two photos that it writes into `folder`."""
    from stylecli.evaluation.quality import learned
    from stylecli.media.images.files import picture_from_pixels, read_picture, write_picture
    from stylecli.photos import JUDGING_PHOTOS
    from stylecli.training import learn
    from stylecli.training.recipe import Phase

    photos = sorted(JUDGING_PHOTOS.glob("*.jpg"))[:2]
    for photo in photos:
        write_picture(picture_from_pixels(read_picture(photo).pixels[:SIDE, :SIDE].copy()), folder / photo.name)
    learn.LEARNING_PHOTOS = learned.JUDGING_PHOTOS = folder
    learn.PREVIEW_PHOTO = folder / photos[0].name
    short = replace(learn.LEARNING, phases=(Phase(2, 64),), batch=1)
    learn.LEARNING = replace(short, style_scales=(1.0,), style_sizes=(64,))
    whole = learn.learn_style

    def quickly(lesson: learn.LearningJob, *arguments: Any, **options: Any) -> Any:
        """Learn without a budget of time, so that no step is too slow."""
        return whole(replace(lesson, seconds=0), *arguments, **options)

    learn.learn_style = quickly


with TemporaryDirectory() as name:
    if "learn" in sys.argv:
        make_lessons_quick(Path(name))
    suite()
