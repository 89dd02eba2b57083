"""The fixtures of trainings that the tests of `stylecli.training` use, and small pictures for the judge."""

from tests.support.evaluations import _small_pictures  # noqa: F401  # used for every test
from tests.training.conftest import *  # noqa: F403  # all that its __all__ lists
