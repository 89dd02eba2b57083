"""Fixtures of trainings, which the commands' tests need too."""

from tests.support.trainings import (
    loss_network,
    photos,
    recipe,
)

__all__ = ["loss_network", "photos", "recipe"]
