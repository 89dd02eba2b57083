"""Keys: a hash of everything that decides a result. Equal keys mean that nothing is to be done."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from stylecli.core.errors import MediaError
from stylecli.core.version import __version__
from stylecli.stylize.batch.manifests.files import files_of
from stylecli.stylize.batch.manifests.rows import Item


def key_of(item: Item, folder: Path, style: str) -> str:
    """Compute the key of an item whose paths are relative to `folder`; `style` is the sha256 of its network.

    Raises:
        UsageError, MediaError: its input or mask cannot be read.
    """
    hashes = [_hash(source) for source, _ in files_of(item, folder)]
    decides = {
        "input": hashes if item.kind == "sequence" else hashes[0],
        "style": style,
        "mask": _hash(folder / item.mask) if item.mask else "",
        "kind": item.kind,
        "format": Path(item.output).suffix.lower(),
        "version": __version__,
        **item.options(),
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def is_in_shard(item: Item, shard: tuple[int, int] | None) -> bool:
    """Whether an item belongs to part `number` of `count`, counted from 1; by its output, so that it stays there."""
    if shard is None:
        return True
    number, count = shard
    return int(hashlib.sha256(item.output.encode()).hexdigest(), 16) % count == number - 1


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise MediaError(f"{path}: cannot be read ({error.strerror})", hint="Check the file.") from error
