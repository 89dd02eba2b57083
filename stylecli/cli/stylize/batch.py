"""`stylecli batch`: stylize the pictures and videos of a manifest, each once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stylecli.cli import options
from stylecli.cli.console import emit, emit_json, print_table, progress_shown, say
from stylecli.cli.parameters import PathType
from stylecli.cli.stylize import batch_options
from stylecli.core.errors import UsageError

if TYPE_CHECKING:
    from stylecli.cli.stylize.batch_outcome import Outcome
    from stylecli.stylize.batch.manifests.folders import FolderRule
    from stylecli.stylize.batch.options import BatchOptions


@click.command()
@click.argument("manifest", required=False, type=PathType())
@batch_options.folder
@click.option("-o", "--output", type=PathType(), help="With --from-folder: the manifest to write.")
@click.option("--watch", is_flag=True, help="With --from-folder: stylize files as they appear, until ^C.")
@click.option("--dry-run", is_flag=True, help="Only check the manifest and estimate time and disk space.")
@click.option(
    "--openjd",
    type=PathType(dir_okay=False),
    help="Only write a job template of Open Job Description, for a render farm.",
)
@click.option("--schema", is_flag=True, help="Only print the JSON schema of a row.")
@batch_options.doing
@batch_options.outcome
@options.as_json
def command(
    manifest: Path | None,
    rule: FolderRule | None,
    output: Path | None,
    watch: bool,
    dry_run: bool,
    openjd: Path | None,
    schema: bool,
    how: BatchOptions,
    outcome: Outcome,
    as_json: bool,
) -> None:
    """Stylize all rows of MANIFEST (.jsonl, .csv, .toml): pictures, videos, numbered sequences.

    RESULTS.jsonl beside the manifest records every item. The same command again skips finished items and does those
    that failed, changed or are new. The whole manifest is checked before anything starts. Exit code 6 if items failed.
    """
    if schema:
        _print_schema()
    elif rule:
        if not rule.styles or bool(output) == watch or manifest:
            hint = "Give `styles`, and either `output` (a manifest to write) or `watch=True`."
            raise UsageError("--from-folder needs styles and either an output or `watch=True`", hint=hint)
        if output:
            _write(output, rule, how)
        else:
            _watch(rule, how, as_json=as_json)
    elif manifest is None:
        raise click.UsageError("Give a MANIFEST, or --from-folder IN OUT.")
    elif dry_run:
        _plan(manifest, how, as_json=as_json)
    elif openjd:
        _write_job(openjd, manifest, how)
    else:
        _run(manifest, how, outcome)


def _print_schema() -> None:
    import json

    from stylecli.stylize.batch.manifests.columns import schema

    emit(json.dumps(schema(), indent=2))


def _write(manifest: Path, rule: FolderRule, how: BatchOptions) -> None:
    from stylecli.stylize.batch.manifests.folders import write_manifest

    count = write_manifest(manifest, rule, styles_dir=how.styles_dir, overwrite=how.overwrite)
    say(f"stylecli: {count} row{'' if count == 1 else 's'}")
    emit(manifest)


def _watch(rule: FolderRule, how: BatchOptions, *, as_json: bool) -> None:
    from stylecli.cli.stylize.batch_outcome import reporter
    from stylecli.stylize.batch.session import watch_folder

    watch_folder(rule, how, report=reporter(as_json=as_json))


def _plan(manifest: Path, how: BatchOptions, *, as_json: bool) -> None:
    from dataclasses import asdict

    from stylecli.stylize.batch.manifests.manifest import read_manifest
    from stylecli.stylize.batch.plan import plan_batch

    plan = asdict(plan_batch(read_manifest(manifest, styles_dir=how.styles_dir), manifest.parent, how))
    if as_json:
        emit_json({"event": "plan", **plan})
    else:
        print_table([{"what": name.replace("_", " "), "value": value} for name, value in plan.items()])


def _write_job(path: Path, manifest: Path, how: BatchOptions) -> None:
    from stylecli.stylize.batch.machines.openjd import write_job
    from stylecli.stylize.batch.manifests.manifest import read_manifest

    count = len(read_manifest(manifest, styles_dir=how.styles_dir))
    write_job(path, manifest, count, how, overwrite=how.overwrite)
    say(f"stylecli: a job of {count} tasks")
    emit(path)


def _run(manifest: Path, how: BatchOptions, outcome: Outcome) -> None:
    from stylecli.cli.stylize.batch_outcome import reporter
    from stylecli.stylize.batch.manifests.manifest import read_manifest
    from stylecli.stylize.batch.session import run_batch

    outcome.check()
    items = read_manifest(manifest, styles_dir=how.styles_dir)
    with progress_shown(as_json=outcome.as_json) as progress:
        report = reporter(as_json=outcome.as_json)
        ended = run_batch(items, manifest.parent, how, progress=progress, report=report)
    outcome.tell(ended, manifest.parent)
