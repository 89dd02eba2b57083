"""A command that has sub-commands beside what it does itself."""

from __future__ import annotations

from typing import Any

import click


class OwnArgument(click.Argument):
    """An argument of a `CommandGroup`; the usage lines of its sub-commands leave it out."""

    def get_usage_pieces(self, ctx: click.Context) -> list[str]:
        """What stands in the usage line of `ctx`."""
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
