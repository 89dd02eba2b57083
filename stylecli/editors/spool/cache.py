"""Painted frames on the disk, by what they were made of; the oldest go when there are too many bytes for the disk."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

from stylecli.core.files import write_atomically

FOLDER = "cache"
BYTES_MAX = 4 * 2**30  # of all frames together; on a full disk, half of what there is for frames and free
CHECKED_BYTES = 256 * 2**20  # written since the folder was measured last


class FrameCache:
    """A folder of painted frames. A fault of the disk is a miss, never an error: the frame is painted again."""

    def __init__(self, folder: Path, bytes_max: int = BYTES_MAX) -> None:
        self._folder, self._bytes_max = folder, bytes_max
        self._unchecked = CHECKED_BYTES  # the first frame measures what an earlier worker has left
        with suppress(OSError):
            for draft in folder.glob(".*"):  # a worker that was killed has left it; this one is the only one
                draft.unlink()

    def file(self, key: str) -> Path | None:
        """The file of a key, which nobody may write to; it counts as used now."""
        path = self._folder / key
        try:
            os.utime(path)
        except OSError:
            return None
        return path

    def get(self, key: str) -> bytes | None:
        """The bytes of a key; they count as used now."""
        path = self.file(key)
        try:
            return path.read_bytes() if path else None
        except OSError:
            return None

    def put(self, key: str, data: bytes | memoryview) -> None:
        """Keep bytes. A folder that became too large loses the files that were used longest ago."""
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            write_atomically(self._folder / key, data)
            self._unchecked += len(data)
            free = shutil.disk_usage(self._folder).free
            if self._unchecked >= min(CHECKED_BYTES, self._bytes_max // 8, free // 8):
                self._unchecked = 0
                self._shrink(free)

    def _shrink(self, free: int) -> None:
        files = [(entry.stat().st_mtime_ns, entry.stat().st_size, entry.path) for entry in os.scandir(self._folder)]
        held = sum(size for _, size, _ in files)
        excess = held - min(self._bytes_max, (held + free) // 2)
        for _, size, path in sorted(files):
            if excess <= 0:
                return
            with suppress(OSError):
                Path(path).unlink()
                excess -= size


def key_of(*parts: bytes | str | memoryview) -> str:
    """A name for what these parts decide, usable as a file name. A memoryview is contiguous."""
    digest = hashlib.sha256()  # processors compute it by instructions of their own
    for part in parts:
        data = memoryview(part.encode() if isinstance(part, str) else part).cast("B")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:40]
