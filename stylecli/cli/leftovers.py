"""`stylecli video --list-partial` and `--discard-partial`: what stopped runs left beside their outputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stylecli.cli.output import say

if TYPE_CHECKING:
    from stylecli.partial import Leftover


def _instead_of_the_command(act: Callable[[Leftover], None]) -> Callable[..., None]:
    """An option's callback that does something with all the unfinished work in a folder and ends the program."""

    def callback(ctx: click.Context, _: click.Parameter, folder: Path | None) -> None:
        from stylecli.partial import leftovers

        if folder is None or ctx.resilient_parsing:
            return
        for leftover in leftovers(folder):
            act(leftover)
        ctx.exit()

    return callback


def _show(leftover: Leftover) -> None:
    use = "\tat work" if leftover.in_use else ""
    click.echo(f"{leftover.output}\t{leftover.frames} frames\t{leftover.size / 1e6:.1f} MB{use}")


def _discard(leftover: Leftover) -> None:
    from stylecli.partial import discard

    if leftover.in_use:
        say(f"stylecli: {leftover.output}: is being worked on and stays")
    else:
        discard(leftover)
        _show(leftover)


def _option(name: str, act: Callable[[Leftover], None], text: str) -> Callable[..., click.Command]:
    return click.option(
        name,
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        is_flag=False,
        flag_value=".",
        is_eager=True,
        expose_value=False,
        callback=_instead_of_the_command(act),
        metavar="[DIR]",
        help=text,
    )


list_partial = _option("--list-partial", _show, "Only list the unfinished work for outputs in DIR, or here.")
discard_partial = _option("--discard-partial", _discard, "Only throw away the unfinished work for outputs in DIR.")
