"""The fixtures of judges and runs that the tests of `stylecli.evaluation` use."""

from tests.evaluation.conftest import *  # noqa: F403  # all that its __all__ lists
