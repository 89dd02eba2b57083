"""What becomes of errors that no command expects."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from stylecli.cli.app import Suite


def failing(error: Exception) -> Suite:
    @click.command("image")
    def image() -> None:
        raise error

    suite = Suite()
    suite.get_command = lambda ctx, name: image
    return suite


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't start new thread")])
def test_a_lack_of_memory_is_told_without_a_traceback(error: Exception) -> None:
    result = CliRunner().invoke(failing(error), ["image"])
    assert result.exit_code == 5
    assert "not enough memory" in result.output


def test_a_defect_stays_a_traceback() -> None:
    result = CliRunner().invoke(failing(RuntimeError("a defect")), ["image"])
    assert isinstance(result.exception, RuntimeError)
