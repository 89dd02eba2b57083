"""The options of `stylecli batch`: rows from a folder, how the batch runs, what is done with the results."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stylecli.cli import options
from stylecli.cli.parameters import Columns, PathType, Rows, Shard
from stylecli.stylize.batch.options import BatchOptions

if TYPE_CHECKING:
    from collections.abc import Callable

Command = TypeVar("Command", bound="Callable[..., Any]")


def folder(command: Command) -> Command:
    """Add the options that make rows from a folder. The command gets them as `rule`, None without --from-folder."""

    @click.option(
        "--from-folder",
        "folders",
        nargs=2,
        type=PathType(),
        metavar="IN OUT",
        help="Stylize folder IN into folder OUT: write a manifest with -o, or --watch it.",
    )
    @click.option("-s", "--style", "styles", multiple=True, help="With --from-folder: a style; may be repeated.")
    @click.option("--include", multiple=True, help="With --from-folder: only files that match this glob.")
    @click.option("--exclude", multiple=True, help="With --from-folder: no files that match this glob.")
    @click.option(
        "--name", default="{stem}-{style}{suffix}", show_default=True, help="With --from-folder: names of the outputs."
    )
    @click.option(
        "--set",
        "columns",
        multiple=True,
        type=Columns(),
        help="With --from-folder: a column for all rows, such as strength=0.7; may be repeated.",
    )
    @functools.wraps(command)
    def with_rule(*args: Any, **kwargs: Any) -> Any:
        from stylecli.stylize.batch.manifests.folders import FolderRule

        names = ("folders", "styles", "include", "exclude", "name", "columns")
        folders, styles, include, exclude, name, columns = (kwargs.pop(one) for one in names)
        if folders is None:
            return command(*args, rule=None, **kwargs)
        source, output = folders
        rule = FolderRule(source, output, styles, include or ("*",), exclude, name, dict(columns))
        return command(*args, rule=rule, **kwargs)

    return with_rule  # type: ignore[return-value]  # a command with other parameters, as decorators make them


def doing(command: Command) -> Command:
    """Add the options of how a batch runs. The command gets them as `how`."""

    @click.option(
        "--workers",
        type=click.IntRange(1),
        help="Number of processes; default: one for each core, at most 4.",
    )
    @click.option(
        "--retries",
        type=click.IntRange(0),
        default=BatchOptions.retries,
        show_default=True,
        help="How often a failed item is retried.",
    )
    @click.option(
        "--timeout", type=click.FloatRange(0, min_open=True), help="Seconds that one item may take; default: no limit."
    )
    @click.option("--keep-going/--fail-fast", default=True, help="After a failed item continue (the default), or stop.")
    @click.option("--max-failures", type=click.IntRange(1), help="Stop after so many failed items.")
    @click.option("--shard", type=Shard(), help="Do only part I of N of the items, to use several machines.")
    @click.option("--rows", type=Rows(), help="Do only these items, counted from 1.")
    @click.option(
        "--claim",
        is_flag=True,
        help="Share the items with other machines that run the same command on a shared folder.",
    )
    @click.option(
        "--lease",
        "lease_seconds",
        type=click.FloatRange(0.5),
        default=BatchOptions.lease_seconds,
        show_default=True,
        help="With --claim: seconds without a heartbeat after which another machine takes over.",
    )
    @click.option(
        "--ray",
        is_flag=False,
        flag_value="local",
        metavar="[ADDRESS]",
        help="Run on a Ray cluster; without an address, on this machine. Needs the extra `cluster`.",
    )
    @options.device
    @options.styles_dir
    @options.overwrite
    @functools.wraps(command)
    def with_how(*args: Any, **kwargs: Any) -> Any:
        if not kwargs.pop("keep_going"):
            kwargs["max_failures"] = 1
        own = {name: kwargs.pop(name) for name in BatchOptions.__dataclass_fields__}
        return command(*args, how=BatchOptions(**own), **kwargs)

    return with_how  # type: ignore[return-value]  # a command with other parameters, as decorators make them


def outcome(command: Command) -> Command:
    """Add the options of what is done with the results. The command gets them as `outcome`."""

    @click.option(
        "--report",
        "reports",
        multiple=True,
        type=PathType(dir_okay=False),
        help="Write a report of all items as HTML, JUnit XML or JSON (.html, .xml, .json); may be repeated.",
    )
    @click.option("--github", is_flag=True, help="Write a summary and at most 10 annotations for GitHub Actions.")
    @click.option(
        "--verify",
        "golden",
        type=PathType(),
        help="Compare the outputs with accepted ones in this folder; items that differ have failed.",
    )
    @click.option(
        "--tolerance",
        type=click.FloatRange(0),
        default=None,
        help="With --verify: largest accepted difference (CIEDE2000); default: 2.3, just noticeable.",
    )
    @functools.wraps(command)
    def with_outcome(*args: Any, as_json: bool, **kwargs: Any) -> Any:
        from stylecli.cli.stylize.batch_outcome import Outcome

        reports, golden, tolerance, github = (kwargs.pop(name) for name in ("reports", "golden", "tolerance", "github"))
        outcome = Outcome(reports, golden, tolerance, github=github, as_json=as_json)
        return command(*args, outcome=outcome, as_json=as_json, **kwargs)

    return with_outcome  # type: ignore[return-value]  # a command with other parameters, as decorators make them
