"""`stylecli batch`: a manifest of pictures and videos, each done once."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stylecli.cli import options
from stylecli.cli.console import emit_json, print_table, progress_shown, say
from stylecli.cli.parameters import Columns, Rows, Shard
from stylecli.core.errors import ItemsFailedError, UsageError
from stylecli.stylize.batch.options import BatchOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stylecli.stylize.batch.ledger import Ended
    from stylecli.stylize.batch.manifests.folders import FolderRule


Command = TypeVar("Command", bound="Callable[..., Any]")


def batch_options(command: Command) -> Command:
    """Add the options of how a batch is done to a command, which gets them as one `how`."""

    @click.option("--workers", type=click.IntRange(1), help="Processes; default: one for each core, at most 4.")
    @click.option(
        "--retries",
        type=click.IntRange(0),
        default=BatchOptions.retries,
        show_default=True,
        help="How often a failed item is tried again.",
    )
    @click.option("--timeout", type=click.FloatRange(0, min_open=True), help="Seconds that one item may take.")
    @click.option("--keep-going/--fail-fast", default=True, help="After a failed item go on (the default), or stop.")
    @click.option("--max-failures", type=click.IntRange(1), help="Stop after so many failed items.")
    @click.option("--shard", type=Shard(), help="Do only part I of N of the items: for several machines.")
    @click.option("--rows", type=Rows(), help="Do only these items, counted from 1.")
    @click.option("--claim", is_flag=True, help="Share the items with other machines that run this on a shared folder.")
    @click.option(
        "--lease",
        "lease_seconds",
        type=click.FloatRange(0.5),
        default=BatchOptions.lease_seconds,
        show_default=True,
        help="With --claim: seconds without a sign of life, after which others take over.",
    )
    @click.option(
        "--ray",
        is_flag=False,
        flag_value="local",
        metavar="[ADDRESS]",
        help="Let a Ray cluster do the items; without an address one on this machine. Needs the extra `cluster`.",
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


@click.command()
@click.argument("manifest", required=False, type=click.Path(path_type=Path))
@click.option(
    "--from-folder",
    "folders",
    nargs=2,
    type=click.Path(path_type=Path),
    metavar="IN OUT",
    help="Write a manifest of a folder with -o, or watch the folder.",
)
@click.option("-s", "--style", "styles", multiple=True, help="With --from-folder: a style; may be repeated.")
@click.option("--include", multiple=True, help="With --from-folder: only files that match this glob.")
@click.option("--exclude", multiple=True, help="With --from-folder: no files that match this glob.")
@click.option("--name", default="{stem}-{style}{suffix}", show_default=True, help="With --from-folder: of the outputs.")
@click.option(
    "--set", "columns", multiple=True, type=Columns(), help="With --from-folder: a column of all rows: strength=0.7."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="With --from-folder: the manifest to write.")
@click.option("--watch", is_flag=True, help="With --from-folder: do the files as they come, until ^C.")
@click.option("--dry-run", is_flag=True, help="Only check the manifest and print what it will take.")
@click.option(
    "--openjd",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Only write a job of Open Job Description, for a render farm.",
)
@click.option("--schema", is_flag=True, help="Only print the JSON schema of a row.")
@batch_options
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page (.html), JUnit XML (.xml) or JSON (.json) of all items; may be repeated.",
)
@click.option("--github", is_flag=True, help="Write a summary and at most 10 annotations for GitHub Actions.")
@click.option(
    "--verify",
    "golden",
    type=click.Path(path_type=Path),
    help="Compare the outputs with the accepted ones in this folder; what differs has failed.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0),
    default=None,
    help="With --verify: the difference that passes (CIEDE2000); default: what is just noticeable, 2.3.",
)
@options.as_json
def command(
    manifest: Path | None,
    folders: tuple[Path, Path] | None,
    styles: tuple[str, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    name: str,
    columns: tuple[tuple[str, Any], ...],
    output: Path | None,
    watch: bool,
    dry_run: bool,
    openjd: Path | None,
    schema: bool,
    how: BatchOptions,
    reports: tuple[Path, ...],
    github: bool,
    golden: Path | None,
    tolerance: float | None,
    as_json: bool,
) -> None:
    """Do all rows of MANIFEST (.jsonl, .csv, .toml): pictures, videos, numbered sequences.

    RESULTS.jsonl beside it records every item. The same command again skips what is done, and does what failed, what
    changed and what is new. Nothing starts while the manifest has a fault. Exit code 6 if items failed.
    """
    from stylecli.stylize.batch.manifests.folders import FolderRule

    if schema:
        _print_schema()
    elif folders:
        if not styles or bool(output) == watch or manifest:
            hint = "Give `styles`, and either `output` (a manifest to write) or `watch=True`."
            raise UsageError("a folder needs styles and one thing to do", hint=hint)
        rule = FolderRule(*folders, styles, include or ("*",), exclude, name, dict(columns))
        if output:
            _write(output, rule, overwrite=how.overwrite)
        else:
            _watch(rule, how, as_json=as_json)
    elif manifest is None:
        raise click.UsageError("Give a MANIFEST, or --from-folder IN OUT.")
    elif dry_run:
        _plan(manifest, how, as_json=as_json)
    elif openjd:
        _write_job(openjd, manifest, how)
    else:
        outcome = _Outcome(reports, golden, tolerance, github=github, as_json=as_json)
        _run(manifest, how, outcome)


@dataclass(frozen=True)
class _Outcome:
    """What is made of the items that ended."""

    reports: Sequence[Path]
    golden: Path | None
    tolerance: float | None
    github: bool
    as_json: bool

    def check(self) -> None:
        """Refuse what cannot be made, before any work is done. Raises UsageError."""
        from stylecli.stylize.batch.golden.verify import check_golden
        from stylecli.stylize.batch.reports.files import check_report

        for report in self.reports:
            check_report(report)
        if self.golden:
            check_golden(self.golden)

    def tell(self, ended: Sequence[Ended], folder: Path) -> None:
        """Compare the outputs with accepted ones, write the reports, print the summary. Raises ItemsFailedError."""
        from stylecli.stylize.batch.reports.files import write_report
        from stylecli.stylize.batch.reports.github import annotation_lines, write_summary

        ended = self._verified(ended, folder) if self.golden else ended
        for report in self.reports:
            write_report(report, ended, folder)
        if self.github:
            write_summary(ended)
            for line in annotation_lines(ended):
                click.echo(line)
        _conclude(ended, as_json=self.as_json)

    def _verified(self, ended: Sequence[Ended], folder: Path) -> Sequence[Ended]:
        from stylecli.stylize.batch.golden.distance import NOTICEABLE
        from stylecli.stylize.batch.golden.verify import PICTURES, GoldenOptions, verify

        assert self.golden
        tolerance = NOTICEABLE if self.tolerance is None else self.tolerance
        how = GoldenOptions(self.golden, folder / PICTURES, tolerance)
        with progress_shown(as_json=self.as_json) as progress:
            return verify(ended, folder, how, progress=progress, report=_reporter(as_json=self.as_json))


def _plan(manifest: Path, how: BatchOptions, *, as_json: bool) -> None:
    from dataclasses import asdict

    from stylecli.stylize.batch.manifests.manifest import read_manifest
    from stylecli.stylize.batch.plan import plan_batch

    plan = asdict(plan_batch(read_manifest(manifest, styles_dir=how.styles_dir), manifest.parent, how))
    if as_json:
        emit_json({"event": "plan", **plan})
    else:
        print_table([{"what": name.replace("_", " "), "value": value} for name, value in plan.items()])


def _run(manifest: Path, how: BatchOptions, outcome: _Outcome) -> None:
    from stylecli.stylize.batch.manifests.manifest import read_manifest
    from stylecli.stylize.batch.session import run_batch

    outcome.check()
    items, report = read_manifest(manifest, styles_dir=how.styles_dir), _reporter(as_json=outcome.as_json)
    with progress_shown(as_json=outcome.as_json) as progress:
        ended = run_batch(items, manifest.parent, how, progress=progress, report=report)
    outcome.tell(ended, manifest.parent)


def _write_job(path: Path, manifest: Path, how: BatchOptions) -> None:
    from stylecli.stylize.batch.machines.openjd import write_job
    from stylecli.stylize.batch.manifests.manifest import read_manifest

    count = len(read_manifest(manifest, styles_dir=how.styles_dir))
    write_job(path, manifest, count, how, overwrite=how.overwrite)
    say(f"stylecli: a job of {count} tasks")
    click.echo(path)


def _watch(rule: FolderRule, how: BatchOptions, *, as_json: bool) -> None:
    if how.ray or how.claim or how.rows:
        raise UsageError("a watched folder is done by one machine", hint="Leave out `ray`, `claim` and `rows`.")
    from stylecli.stylize.batch.results import FILE, open_results
    from stylecli.stylize.batch.run import open_batch
    from stylecli.stylize.batch.watch import watch

    with open_results(rule.output / FILE) as results, open_batch(rule.output, results, how) as batch:
        watch(batch, rule, rule.output, report=_reporter(as_json=as_json))


def _write(manifest: Path, rule: FolderRule, *, overwrite: bool) -> None:
    from stylecli.stylize.batch.manifests.folders import write_manifest

    if manifest.exists() and not overwrite:
        raise UsageError(f"{manifest}: exists already", hint="Use `overwrite=True` to replace it.")
    say(f"stylecli: {write_manifest(manifest, rule)} rows")
    click.echo(manifest)


def _print_schema() -> None:
    import json

    from stylecli.stylize.batch.manifests.columns import schema

    click.echo(json.dumps(schema(), indent=2))


def _reporter(*, as_json: bool) -> Callable[[Ended], None]:
    def report(ended: Ended) -> None:
        if as_json:
            emit_json({"event": "result", **ended.item.row(), "status": ended.status, **ended.facts})
        elif ended.status == "failed":
            say(f"stylecli: {ended.item.id}: {ended.facts['error']}. {ended.facts['hint']}".rstrip())
        elif ended.status == "done":
            click.echo(ended.item.output)
            for warning in ended.facts["warnings"]:
                say(f"stylecli: {ended.item.id}: {warning}")
        sys.stdout.flush()

    return report


def _conclude(ended: Sequence[Ended], *, as_json: bool) -> None:
    counts = {status: sum(1 for one in ended if one.status == status) for status in ("done", "skipped", "failed")}
    if as_json:
        emit_json({"event": "summary", **counts})
    else:
        say(f"stylecli: {counts['done']} done, {counts['skipped']} done before, {counts['failed']} failed")
    if counts["failed"]:
        raise ItemsFailedError(f"{counts['failed']} of {len(ended)} items failed", hint="The others are done.")
