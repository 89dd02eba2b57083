"""Fixtures of judges and runs, which the commands' tests need too."""

from tests.support.evaluations import (
    _small_pictures,
    color_classifier,
    color_photos,
    distilled_file,
    distilled_network,
    labels_file,
    make_run,
    shipped,
)
from tests.support.exports import _exported_once
from tests.support.prunings import quick_pruning, whole
from tests.support.trainings import photos, recipe

__all__ = [
    "_exported_once",
    "_small_pictures",
    "color_classifier",
    "color_photos",
    "distilled_file",
    "distilled_network",
    "labels_file",
    "make_run",
    "photos",
    "quick_pruning",
    "recipe",
    "shipped",
    "whole",
]
