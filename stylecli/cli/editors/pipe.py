"""`stylecli pipe`: the door for editors that start a process for each picture."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from stylecli.cli import options
from stylecli.cli.console import emit_bytes, say
from stylecli.core.errors import StyleError, UsageError
from stylecli.editors.layout import PROTOCOL, Alpha, Color, Layout, Pixel

if TYPE_CHECKING:
    from stylecli.core.progress import Step
    from stylecli.inference.engine import Device, Engine
    from stylecli.stylize.look import Look

PIXELS, COLORS, ALPHAS = get_args(Pixel), get_args(Color), get_args(Alpha)


class HostCommand(click.Command):
    """A command whose every failure is one line that a host understands: `stylecli-error {json}` on stderr."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the command line."""
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            tell_error(error.exit_code, error.format_message(), "")
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except StyleError as error:
            tell_error(error.exit_code, error.message, error.hint)
            raise
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):  # the last: the host went away
            raise
        except Exception as error:  # the host shows the line, the traceback follows it
            tell_error(1, f"a defect in stylecli: {error!r}", "Please report it.")
            raise


def tell_error(code: int, message: str, hint: str) -> None:
    """Print the error as the line that the host reads."""
    say(f"stylecli-error {json.dumps({'protocol': PROTOCOL, 'code': code, 'message': message, 'hint': hint})}")


def tell_progress(step: Step) -> None:
    """Print the progress as a line that the host reads."""
    say(f"stylecli-progress {step.done / (step.total or 1):.3f} {step.label}")


@click.command(cls=HostCommand)
@click.option("--width", type=int, required=True, help="Width of the picture in pixels.")
@click.option("--height", type=int, required=True, help="Height of the picture in pixels.")
@click.option("--pixel", type=click.Choice(PIXELS), default=PIXELS[0], show_default=True, help="Type of the samples.")
@click.option(
    "--color", type=click.Choice(COLORS), default=COLORS[0], show_default=True, help="Encoding of the colours."
)
@click.option(
    "--alpha",
    type=click.Choice(ALPHAS),
    default=ALPHAS[0],
    show_default=True,
    help="Whether colours are multiplied by alpha; ignore: the fourth sample is not alpha.",
)
@click.option("-s", "--style", required=True, help="A style's name or folder.")
@click.option("--protocol", type=int, default=PROTOCOL, show_default=True, help="Protocol version of the editor.")
@options.variant
@options.look
@options.fill
@options.device
@options.styles_dir
def command(
    width: int,
    height: int,
    pixel: Pixel,
    color: Color,
    alpha: Alpha,
    style: str,
    protocol: int,
    variant: str | None,
    look: Look,
    fill: float | None,
    device: Device,
    styles_dir: Path | None,
) -> None:
    """Stylize raw pixels from stdin to stdout, for editors.

    Pixels are R, G, B, A, little-endian, in rows from the top without padding; input and output have the same size. On
    stderr come lines `stylecli-progress FRACTION TEXT` and, on failure, `stylecli-error {json}`; ignore all others.
    """
    from stylecli.editors.pipe import stylize_stream
    from stylecli.inference.engine import Engine
    from stylecli.packs.shelves import find_style

    if protocol != PROTOCOL:
        raise UsageError(
            f"the host speaks protocol {protocol}, this stylecli {PROTOCOL}",
            hint="Install the plug-in again: stylecli plugins install.",
        )
    layout = Layout(width, height, pixel, color, alpha)
    pack = find_style(style, styles_dir, variant=variant)

    def open_engine() -> Engine:
        return Engine(pack, device=device)

    if sys.stdin.isatty():
        raise UsageError("stdin is a terminal, not a picture", hint="This command is for editors: see docs/editors.md.")
    painted = stylize_stream(sys.stdin.fileno(), layout, open_engine, replace(look, fill=fill), progress=tell_progress)
    emit_bytes(painted)
