"""The command line: click, rich and exit codes live only here."""

from stylecli.cli.app import main

__all__ = ["main"]
