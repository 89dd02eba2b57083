"""The options of `stylecli image` about files: which are read, and how they are read and written."""

from __future__ import annotations

import dataclasses
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from stylecli.cli import options
from stylecli.cli.parameters import PathType
from stylecli.core.errors import UsageError
from stylecli.media.images.settings import BITS, ExrColor
from stylecli.stylize.options import PictureOptions

Command = TypeVar("Command", bound=Callable[..., Any])

STREAM = Path("-")


class Target(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic from click 8.4 on
    """The output path. One that ends with a separator is a folder; `Output` keeps that."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Output:
        """The path, as the shell gave it."""
        if isinstance(value, Output):
            return value
        text = os.fsdecode(value)
        return Output(Path(text), text.endswith(tuple(filter(None, (os.sep, os.altsep)))))


@dataclasses.dataclass(frozen=True)
class Output:
    """The path of an output, and whether it must be a folder."""

    path: Path
    is_folder: bool = False


pictures = options.gathered(
    "how",
    PictureOptions,
    click.option("--quality", type=click.IntRange(1, 100), help="Quality of JPEG, WebP and AVIF."),
    click.option("--lossless", is_flag=True, help="Save WebP and AVIF without loss."),
    click.option(
        "--bits",
        type=click.Choice([str(bits) for bits in BITS]),
        callback=lambda _, __, value: None if value is None else int(value),
        help="Bits per sample of the result, such as 10 in AVIF; default: as the source, if the format allows.",
    ),
    click.option(
        "--color",
        "exr_color",
        type=click.Choice(get_args(ExrColor)),
        default=PictureOptions.exr_color,
        show_default=True,
        help="What EXR files hold: scene-linear light, or sRGB-encoded colours.",
    ),
    click.option(
        *("--layer", "--part", "--view", "layer"),
        default=PictureOptions.layer,
        help="Layer, part or view of an EXR to paint; default: the main layer, in all views.",
    ),
    click.option("--page", type=click.IntRange(1), help="Paint only this page or frame; default: all."),
    click.option("--max-size", type=click.IntRange(1), help="Shrink larger pictures to this longer side, in pixels."),
    click.option("--allow-truncated", is_flag=True, help="Paint what can be read of truncated pictures."),
    click.option("--strip", is_flag=True, help="Write no metadata except the colour profile."),
    click.option("--keep-times", is_flag=True, help="Give results the file times of their sources."),
    click.option("--sidecars", is_flag=True, help="Copy the XMP sidecar of each source, if it has one."),
    click.option("--strict", is_flag=True, help="Fail if the result cannot hold everything that the source holds."),
    options.overwrite,
)


def sources(command: Command) -> Command:
    """Add the inputs; the command gets them all as `inputs`."""

    @click.argument("inputs", nargs=-1, type=PathType(allow_dash=True), metavar="IN...")
    @click.option(
        "--files-from",
        type=PathType(allow_dash=True),
        help="Text file with one input on each line (or separated by null bytes); - for stdin.",
    )
    @functools.wraps(command)
    def with_inputs(*args: Any, inputs: tuple[Path, ...], files_from: Path | None, **kwargs: Any) -> Any:
        listed = names_in(files_from) if files_from else []
        if not inputs and not listed:
            raise UsageError("there is no input", hint="Name pictures or folders.")
        return command(*args, inputs=(*inputs, *listed), **kwargs)

    return with_inputs  # type: ignore[return-value]  # a command with other parameters, as decorators make them


def names_in(file: Path) -> list[Path]:
    """The names in a file, one a line, or with a null byte behind each.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        data = sys.stdin.buffer.read() if file == STREAM else file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: it cannot be read ({error.strerror})", hint="Check the name.") from error
    lines = data.split(b"\0") if b"\0" in data else data.splitlines()
    return [Path(os.fsdecode(line)) for line in lines if line.strip()]
