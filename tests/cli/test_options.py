"""The options read their choices and defaults from the code that owns them; a command is one file and one line."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import click
import pytest
from click.testing import CliRunner

from stylecli.cli import app, options
from stylecli.cli.app import suite
from stylecli.cli.stylize import image, styles
from stylecli.inference.engine import DEVICES
from stylecli.stylize.look import Look
from stylecli.stylize.options import PictureOptions
from stylecli.stylize.sheet import TILE_WIDTH


def option_of(command: click.Command, name: str) -> click.Parameter:
    return next(option for option in command.params if option.name == name)


def command_with(decorate: Callable[[Any], Any]) -> click.Command:
    return click.command()(decorate(lambda **_: None))


def test_the_devices_offered_are_those_of_the_engine() -> None:
    device = option_of(command_with(options.device), "device").type
    assert isinstance(device, click.Choice)
    assert tuple(device.choices) == DEVICES


def test_the_default_tile_is_that_of_the_sheet() -> None:
    assert option_of(styles.sheet, "tile").default == TILE_WIDTH


@pytest.mark.parametrize("field", dataclasses.fields(Look), ids=lambda field: field.name)
def test_the_look_of_the_command_line_is_the_look_of_the_api(field: dataclasses.Field[Any]) -> None:
    made: list[Look] = []
    command_with(lambda command: options.look(lambda *, look: made.append(look))).main([], standalone_mode=False)
    assert getattr(made[0], field.name) == field.default


# What only `stylecli batch` sets has no option.
OFFERED = [field for field in dataclasses.fields(PictureOptions) if field.name != "makes_folders"]


@pytest.mark.parametrize("field", OFFERED, ids=lambda field: field.name)
def test_the_picture_options_of_the_command_line_are_those_of_the_api(field: dataclasses.Field[Any]) -> None:
    whole = click.Context(suite, **suite.context_settings)  # click keeps the first context's help option, -h or not
    given = image.command.make_context("image", ["photo.jpg", "-s", "wave"], parent=whole).params
    assert given[field.name] == field.default


def test_every_command_of_the_overview_exists_and_explains_itself() -> None:
    for name in app.commands():
        command = suite.get_command(None, name)  # type: ignore[arg-type]  # the context is not looked at
        assert command is not None
        assert command.help


def test_a_command_is_one_module_and_one_line_of_the_overview(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def greet() -> None:
        """Greet."""
        click.echo("hello")

    module = ModuleType("stylecli.cli.stylize.greet")
    module.command = greet  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    stylize = {**app.SECTIONS["Stylize"], "greet": ("stylize.greet", "Say hello.")}
    monkeypatch.setattr(app, "SECTIONS", {**app.SECTIONS, "Stylize": stylize})
    assert "Say hello." in CliRunner().invoke(suite, ["--help"]).stdout
    assert CliRunner().invoke(suite, ["greet"]).stdout == "hello\n"
    assert "greet" in CliRunner().invoke(suite, ["gret"]).stderr
