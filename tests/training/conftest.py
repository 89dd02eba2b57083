"""Fixtures of trainings, which the commands' tests need too."""

from tests.support.trainings import (
    loss_network,
    photos,
    recipe,
    trained,
)

__all__ = ["loss_network", "photos", "recipe", "trained"]
