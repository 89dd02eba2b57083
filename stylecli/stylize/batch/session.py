"""One run of a batch: its records, its leases, its workers, all closed at the end."""

from __future__ import annotations

import os
import platform
import secrets
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from stylecli.core.errors import UsageError
from stylecli.core.progress import Progress, ignore
from stylecli.stylize.batch.keys import is_in_shard
from stylecli.stylize.batch.ledger import ItemOutcome
from stylecli.stylize.batch.machines.claims import open_claims
from stylecli.stylize.batch.machines.ray_cluster import open_ray_workers
from stylecli.stylize.batch.manifests.folders import FolderRule
from stylecli.stylize.batch.manifests.rows import Item
from stylecli.stylize.batch.options import BatchOptions
from stylecli.stylize.batch.results import FILE, Results, open_free_results, open_results
from stylecli.stylize.batch.run import Report, local_workers, open_batch
from stylecli.stylize.batch.watch import check_watched, watch
from stylecli.stylize.batch.workers.processes import BatchWorker

LEASES = ".stylecli-leases"  # the folder of leases, beside the records


def run_batch(
    items: Sequence[Item],
    folder: Path,
    options: BatchOptions,
    *,
    progress: Progress = ignore,
    report: Report = lambda _: None,
) -> list[ItemOutcome]:
    """Do the items of a manifest that lies in `folder`, which holds the records too.

    Raises:
        UsageError: another run works with the records, or there are no such rows.
        MediaError: the records cannot be written.
        DeviceError: there is no such Ray cluster.
    """
    items = chosen_items(items, options)
    with ExitStack() as stack:
        results = stack.enter_context(_records(folder, options))
        owner = f"{platform.node()} {os.getpid()} {secrets.token_hex(4)}"
        claims = (
            stack.enter_context(open_claims(folder / LEASES, owner, options.lease_seconds)) if options.claim else None
        )
        count = sum(is_in_shard(item, options.shard) for item in items)
        workers: Sequence[BatchWorker] = (
            stack.enter_context(open_ray_workers(options)) if options.ray else local_workers(options, count)
        )
        batch = stack.enter_context(open_batch(folder, results, options, claims, workers))
        return batch.run(items, progress=progress, report=report)


def watch_folder(rule: FolderRule, options: BatchOptions, *, report: Report = lambda _: None) -> None:
    """Do the files of a folder as they come, until this thread is interrupted; the records lie with the results.

    Raises:
        UsageError: as `check_watched`, or several machines are to do them.
        PackError: as `check_watched`.
        MediaError: the records cannot be written.
    """
    if options.ray or options.claim or options.rows:
        raise UsageError("a watched folder is done by one machine", hint="Leave out `ray`, `claim` and `rows`.")
    check_watched(rule, options.styles_dir)
    with open_results(rule.output / FILE) as results, open_batch(rule.output, results, options) as batch:
        watch(batch, rule, rule.output, report=report)


def chosen_items(items: Sequence[Item], options: BatchOptions) -> list[Item]:
    """Return the items of the rows that were chosen.

    Raises:
        UsageError: there are fewer items than that.
    """
    if options.rows is None:
        return list(items)
    if (last := max(end for _, end in options.rows)) > len(items):
        raise UsageError(f"there is no item {last}, the manifest has {len(items)}", hint="Check `rows`.")
    return [item for first, end in options.rows for item in items[first - 1 : end]]


def _records(folder: Path, options: BatchOptions) -> AbstractContextManager[Results]:
    if options.claim or options.rows is not None:  # several may run on this machine
        return open_free_results(folder)
    if options.shard is None:
        return open_results(folder / FILE)
    number, count = options.shard
    return open_results(folder / FILE.replace(".", f"-{number}-of-{count}."))
