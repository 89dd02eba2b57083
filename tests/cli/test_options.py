"""What the command line repeats because --help must not import the modules that own it."""

from __future__ import annotations

from stylecli.cli import options
from stylecli.cli.app import COMMANDS, suite
from stylecli.cli.stylize import styles
from stylecli.inference.engine import DEVICES
from stylecli.stylize.sheet import TILE_WIDTH


def test_the_devices_offered_are_those_of_the_engine() -> None:
    assert options.DEVICE_NAMES == DEVICES


def test_the_default_tile_is_that_of_the_sheet() -> None:
    assert styles.TILE_WIDTH == TILE_WIDTH


def test_every_command_of_the_overview_exists_and_explains_itself() -> None:
    for name in COMMANDS:
        command = suite.get_command(None, name)  # type: ignore[arg-type]  # the context is not looked at
        assert command is not None
        assert command.help
