"""The program with lessons of six small steps: `python quick_learning.py serve ...` learns in seconds."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

from stylecli.cli.app import suite
from stylecli.web.jobs import learning

learning.PROGRAM = (sys.executable, __file__)

if "learn" in sys.argv:
    from stylecli.training import learn
    from stylecli.training.recipe import Phase

    learn.LEARNING = replace(learn.LEARNING, phases=(Phase(6, 64),), style_scales=(1.0,), style_sizes=(64,))
    whole = learn.learn_style

    def quickly(lesson: learn.Lesson, *arguments: Any, **options: Any) -> Any:
        """Learn without a budget of time, so that no step is too slow."""
        return whole(replace(lesson, seconds=0), *arguments, **options)

    learn.learn_style = quickly

suite()
