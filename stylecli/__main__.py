"""`python -m stylecli` is `stylecli`."""

from stylecli.cli import main

main()
