"""How a batch is done, as a caller chooses it; light, since the command line reads it for --help."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stylecli.inference.sessions import Device


@dataclass(frozen=True)
class BatchOptions:
    """How a batch is done.

    workers: processes; None: one for each core, at most 4 and no more than items; of a Ray cluster: one for each GPU,
        or else for each core.
    retries: how often an item that failed is tried again, after all others.
    timeout: seconds that one item may take; None: any time.
    max_failures: stop after so many failed items; None: go on to the end.
    overwrite: replace outputs that no earlier run of this batch has written.
    shard: (number, count): do only this part of the items; the parts are stable.
    rows: do only these items, (first, last) counted from 1 in the order of the manifest; None: all.
    claim: other machines do the same items: take a lease of each. lease_seconds: after which a worker that shows no
        sign of life is taken for dead.
    ray: the address of a Ray cluster that does the items, "local" for one on this machine alone; None: no cluster.
    """

    workers: int | None = None
    retries: int = 1
    timeout: float | None = None
    max_failures: int | None = None
    overwrite: bool = False
    shard: tuple[int, int] | None = None
    device: Device = "auto"
    styles_dir: Path | None = None
    rows: tuple[tuple[int, int], ...] | None = None
    claim: bool = False
    lease_seconds: float = 60.0
    ray: str | None = None
