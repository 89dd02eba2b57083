"""Parameter types of the command line, and a group with arguments of its own."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

if TYPE_CHECKING:
    from stylecli.inference.engine import Tiling
    from stylecli.media.video.clip import Span
    from stylecli.media.video.rates import Rate
    from stylecli.stylize.look import Brush


class OwnArgument(click.Argument):
    """An argument of a `CommandGroup`; usage lines of sub-commands omit it."""

    def get_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the argument's part of the usage line of `ctx`."""
        return super().get_usage_pieces(ctx) if self in ctx.command.params else []


class CommandGroup(click.Group):
    """A command with options and arguments of its own; a first word that names a sub-command calls that instead."""

    allow_interspersed_args = True  # options may stand behind arguments, which click's groups do not allow

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invoke_without_command = True
        self.no_args_is_help = False
        self.subcommand_metavar = ""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the command line: that of the sub-command, or of the command itself."""
        if args and (command := self.commands.get(args[0])):
            own = click.Context(self, parent, info_name)  # not parsed: its own arguments are not there
            return command.make_context(args[0], args[1:], parent=own)
        return super().make_context(info_name, args, parent, **extra)


SIXTY = 60  # seconds in a minute, minutes in an hour
MOST_PARTS = 3  # of a time: hours, minutes, seconds
FASTEST = 1000  # frames a second
TILE_MIN = 64  # pixels: of a smaller tile, most is overlap


class PathType(click.Path):  # type: ignore[type-arg,unused-ignore]  # generic from click 8.4 on
    """A path. Permissions are not checked here: whoever opens the file raises the right error, with its exit code."""

    def __init__(self, **how: Any) -> None:
        super().__init__(path_type=Path, readable=False, **how)


class TimeSpan(click.ParamType[float]):
    """`90s`, `15m`, `1h30m`; in seconds."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse one value of the command line."""
        if isinstance(value, float):
            return value
        parts = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?", value.strip().lower())
        numbers = [float(part or 0) for part in parts.groups()] if parts else [0]
        seconds = sum(number * unit for number, unit in zip(numbers, (3600, 60, 1), strict=False))
        if not seconds:
            self.fail(f"{value!r} is not a time such as 90s, 15m or 1h30m.", param, ctx)
        return seconds


class BrushType(click.ParamType["Brush"]):
    """`auto`, `native` or a number."""

    name = "auto|native|FLOAT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Brush:
        """Parse one value of the command line."""
        if value in ("auto", "native"):
            return cast("Brush", value)
        try:
            return float(value)
        except ValueError:
            self.fail(f"{value!r} is neither auto, native nor a number.", param, ctx)


class TileType(click.ParamType["Tiling"]):
    """`auto`, `off` or a number of pixels."""

    name = "auto|off|PIXELS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Tiling:
        """Parse one value of the command line."""
        if value in ("auto", "off"):
            return cast("Tiling", value)
        try:
            side = int(value)
        except ValueError:
            self.fail(f"{value!r} is neither auto, off nor a whole number.", param, ctx)
        if side < TILE_MIN:
            self.fail(f"{side} is too small, tiles have {TILE_MIN} pixels or more.", param, ctx)
        return side


class Ratios(click.ParamType[tuple[float, ...]]):
    """`0.2,0.4,0.6`."""

    name = "RATIO,RATIO..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Parse one value of the command line."""
        try:
            return tuple(map(float, value.split(",")))
        except ValueError:
            self.fail(f"{value!r} is no list of ratios such as 0.2,0.4,0.6.", param, ctx)


class RangeType(click.ParamType["Span"]):
    """`A:B` in seconds, or `A-B` in hours, minutes and seconds; either is left out for the start or the end."""

    name = "A:B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Span:
        """Parse one value of the command line; `1:`, `:2.5`, `-1:02:03` and `90-95.5` are ranges, too."""
        if isinstance(value, tuple):
            return value
        separator = "-" if "-" in str(value) else ":"
        start, found, end = str(value).partition(separator)
        try:
            if not found:
                raise ValueError
            return _seconds(start or "0"), _seconds(end) if end else None
        except (ValueError, ZeroDivisionError):
            self.fail(f"{value!r} is no range of seconds such as 1.5:4, nor of times such as 1:02:03-1:04.", param, ctx)


def _seconds(text: str) -> Fraction:
    """Seconds of `90`, `1:30` or `0:01:30.5`."""
    parts = [Fraction(part) for part in text.split(":")]
    if len(parts) > MOST_PARTS or any(part < 0 for part in parts) or any(part >= SIXTY for part in parts[1:]):
        raise ValueError(text)
    return sum((part * SIXTY**power for power, part in enumerate(reversed(parts))), Fraction(0))


class RateType(click.ParamType["Rate"]):
    """Frames a second, such as `25`, `24000/1001` or `23.976`; or `cfr`: as many as the source has on average."""

    def __init__(self, *, knows_cfr: bool = True) -> None:
        self._knows_cfr = knows_cfr
        self.name = "N|cfr" if knows_cfr else "N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Rate:
        """Parse one value of the command line."""
        from stylecli.media.video.rates import exact_rate

        if isinstance(value, Fraction) or (value == "cfr" and self._knows_cfr):
            return cast("Rate", value)
        try:
            rate = exact_rate(Fraction(value))
        except (ValueError, ZeroDivisionError):
            self.fail(f"{value!r} is no rate such as 25 or 24000/1001{', nor cfr' * self._knows_cfr}.", param, ctx)
        if not 0 < rate <= FASTEST:
            self.fail(f"{value} is no rate between 0 and {FASTEST}.", param, ctx)
        return rate


class Shard(click.ParamType["tuple[int, int]"]):
    """`I/N`: part I of N, counted from 1."""

    name = "I/N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Parse one value of the command line."""
        parts = re.fullmatch(r"(\d+)/(\d+)", str(value))
        number, count = map(int, parts.groups()) if parts else (0, 0)
        if not 1 <= number <= count:
            self.fail(f"{value!r} is not of the form I/N, such as 1/4.", param, ctx)
        return number, count


class Rows(click.ParamType["tuple[tuple[int, int], ...]"]):
    """`1-10,15`: numbers and ranges, counted from 1."""

    name = "A-B,C"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[tuple[int, int], ...]:
        """Parse one value of the command line."""
        parts = [re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip()) for part in str(value).split(",")]
        rows = tuple((int(part[1]), int(part[2] or part[1])) for part in parts if part)
        if len(rows) < len(parts) or any(not 1 <= first <= last for first, last in rows):
            self.fail(f"{value!r} is not of the form A-B,C, such as 1-10,15.", param, ctx)
        return rows


class Columns(click.ParamType["tuple[str, Any]"]):
    """`NAME=VALUE`; the value is read as JSON if it is JSON, else as text."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        """Parse one value of the command line."""
        import json

        name, equals, text = str(value).partition("=")
        if not name or not equals:
            self.fail(f"{value!r} is not of the form NAME=VALUE, such as strength=0.7.", param, ctx)
        try:
            return name, json.loads(text)
        except ValueError:
            return name, text
