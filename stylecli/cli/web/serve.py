"""`stylecli serve`: the page, served by a local web server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stylecli.cli import options
from stylecli.cli.console import emit, say
from stylecli.cli.extras import needs_extra
from stylecli.web.options import LOOPBACK, PORT, ServeOptions

if TYPE_CHECKING:
    from stylecli.inference.engine import Device


@click.command()
@click.option("--no-open", is_flag=True, help="Do not open the browser.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"Port; default: {PORT}, or a free one if that is taken; 0 takes a free one.",
)
@click.option(
    "--host",
    default=LOOPBACK,
    show_default=True,
    help="Address to listen on; another one admits other machines and needs a password.",
)
@click.option(
    "--password",
    envvar="STYLECLI_PASSWORD",
    show_envvar=True,
    help="Password for visitors from other machines; safer in the environment than on the command line.",
)
@options.device
@options.styles_dir
@needs_extra("web")
def command(
    no_open: bool, port: int | None, host: str, password: str | None, device: Device, styles_dir: Path | None
) -> None:
    """Open a page in the browser: drop a photo, see it in every style, choose, adjust, download.

    Only this machine can reach the page. The printed address contains a key: whoever has it can use the page until the
    command ends. Pictures never leave the machine, and uploaded ones are deleted at the end.
    """
    from stylecli.web.server.serving import serve

    def ready(address: str) -> None:
        emit(address)
        say("stylecli: Ctrl-C ends it")

    serve(
        ServeOptions(host, port, password, device, styles_dir),
        ready=ready,
        opens_browser=not no_open,
        notice=lambda message: say(f"stylecli: {message}"),
    )
