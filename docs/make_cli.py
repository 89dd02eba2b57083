"""Write docs/cli.md from the commands' own help; with --check, only tell whether it is up to date."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from stylecli.cli.app import suite

TARGET = Path(__file__).with_name("cli.md")
WIDTH = 100  # columns
INTRODUCTION = """# Command line

Made by `python docs/make_cli.py` from the commands' own help.

Exit codes: 0 done, 1 a defect in stylecli, 2 usage, 3 a style is unknown, damaged or unsafe, 4 a file cannot be read
or written, 5 device, 6 some items failed, 130 interrupted, 143 terminated. Results go to stdout, messages to stderr.

Completion with the tab key, for bash: add `eval "$(_STYLECLI_COMPLETE=bash_source stylecli)"` to `~/.bashrc`. For zsh:
the same with `zsh_source` in `~/.zshrc`. For fish: `_STYLECLI_COMPLETE=fish_source stylecli | source`.
"""


def main() -> None:
    """Write or check."""
    text = INTRODUCTION + "".join(_sections(suite, "stylecli"))
    if "--check" in sys.argv:
        sys.exit(0 if TARGET.exists() and TARGET.read_text(encoding="utf-8") == text else f"{TARGET} is out of date")
    TARGET.write_text(text, encoding="utf-8")


def _sections(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[str]:
    settings = {**command.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    context = click.Context(command, parent, info_name=name.rpartition(" ")[2], **settings)
    yield f"\n## {name}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for sub_name in command.list_commands(context):
            sub_command = command.get_command(context, sub_name)
            assert sub_command is not None
            yield from _sections(sub_command, f"{name} {sub_name}", context)


if __name__ == "__main__":
    main()
