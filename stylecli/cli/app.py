"""The command suite: loads a command's module only when it is called, and turns errors into exit codes."""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Mapping, Sequence
from typing import Any

import click

from stylecli.cli.console import check_emitted, print_any_text, say
from stylecli.cli.interrupts import EXIT_CODES, signals_handled
from stylecli.core.errors import DeviceError, StyleError
from stylecli.core.version import __version__

NO_THREAD = "can't start new thread"  # Python's words where there is no memory for the stack of one

# Section of the overview -> command -> (its module below stylecli.cli, its line). The module's `command` is run.
SECTIONS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Stylize": {
        "image": ("stylize.image", "Stylize pictures and folders of pictures."),
        "video": ("stylize.video", "Stylize videos; sound and other streams are kept."),
        "batch": ("stylize.batch", "Stylize a manifest of pictures and videos, resumably."),
        "split": ("stylize.split", "Write the frames of a video as pictures."),
        "assemble": ("stylize.assemble", "Make a video of such frames, with the sound of the original."),
        "demo": ("stylize.demo", "Make a picture in every style and a stylized clip, without any input."),
    },
    "Styles": {
        "styles": ("stylize.styles", "List, show, check, learn, add and remove styles."),
    },
    "Page": {
        "serve": ("web.serve", "Open a page in the browser to try, compare and adjust styles."),
        "gallery": ("web.gallery", "Write that page as a static site for any web server."),
    },
    "Train": {
        "train": ("training.train", "Train a style network from a painting."),
        "prune": ("training.prune", "Make a smaller, faster network of a trained one."),
        "export": ("training.export", "Turn a trained network into a style."),
        "optimize": ("training.optimize", "Paint one photo by optimisation (Gatys), the slow baseline."),
        "distill": ("training.distill", "Train the loss network that ships with stylecli."),
    },
    "Measure": {
        "evaluate": ("evaluation.evaluate", "Measure the quality of styles."),
        "bench": ("evaluation.bench", "Measure speed."),
    },
    "Editors": {
        "pipe": ("editors.pipe", "Stylize raw pixels from stdin to stdout, for editors."),
        "spool": ("editors.spool", "Stylize the pictures that editors put into a folder."),
        "plugins": ("editors.plugins", "Install and uninstall the plug-ins for editors."),
    },
    "Installation": {
        "doctor": ("doctor", "Check what is installed and which devices work."),
    },
}


def commands() -> dict[str, tuple[str, str]]:
    """All commands, in the order of the overview: name -> (module, line)."""
    return {name: entry for section in SECTIONS.values() for name, entry in section.items()}


class Suite(click.Group):
    """A group whose commands are imported on demand."""

    def list_commands(self, _: click.Context) -> list[str]:
        """Names in the order of the overview."""
        return list(commands())

    def get_command(self, _: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if (entry := commands().get(cmd_name)) is None:
            return None
        command: click.Command = importlib.import_module(f"stylecli.cli.{entry[0]}").command
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the overview without importing the commands."""
        width = max(map(len, commands()))  # one column for all sections
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), line) for name, (_, line) in section.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest a similar command if one is unknown."""
        import difflib

        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            close = difflib.get_close_matches(args[0], commands())
            raise click.UsageError(
                f"{error.message} Did you mean {close[0]}?" if close else error.message, ctx
            ) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a StyleError becomes a message and an exit code, any other exception stays a traceback."""
        try:
            value = super().invoke(ctx)
            check_emitted()
            return value
        except StyleError as error:
            say(f"stylecli: {error}")
            ctx.exit(error.exit_code)
        except (MemoryError, RuntimeError) as error:
            if not isinstance(error, MemoryError) and str(error) != NO_THREAD:
                raise
            say("stylecli: there is not enough memory. Close other programs, or work on smaller pictures.")
            ctx.exit(DeviceError.exit_code)
        except KeyboardInterrupt:
            say("stylecli: interrupted")
            ctx.exit(EXIT_CODES[signal.SIGINT])


@click.group(cls=Suite, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="stylecli")
def suite() -> None:
    """Neural style transfer for pictures and videos.

    Start with `stylecli demo`, then `stylecli image PHOTO -s great-wave`.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the `stylecli` program."""
    _open_standard_streams()
    print_any_text()
    with signals_handled():
        suite.main(args=None if arguments is None else list(arguments))


def _open_standard_streams() -> None:
    """Open /dev/null for each closed standard stream.

    Otherwise the next file that is opened gets that number, and native libraries write their messages into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
