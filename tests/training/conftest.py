"""Fixtures of trainings, which the commands' tests need too."""

from tests.support.exports import _exported_once
from tests.support.trainings import (
    _small_samples,
    finished,
    loss_network,
    photos,
    recipe,
    trained,
)

__all__ = ["_exported_once", "_small_samples", "finished", "loss_network", "photos", "recipe", "trained"]
