"""File times and XMP sidecars of pictures, carried over to their results."""

from __future__ import annotations

import os
from pathlib import Path

from stylecli.core.errors import MediaError
from stylecli.core.files import blamed_on, write_atomically
from stylecli.media.images.metadata.xmp import painted_xmp

SIDECAR = ".xmp"


def keep_times_and_sidecar(source: Path, output: Path, *, times: bool, sidecars: bool) -> list[str]:
    """Copy the file times and the XMP sidecar of a source to its result; returns what could not be kept.

    Raises:
        MediaError: the XMP file or the times cannot be written.
    """
    lost: list[str] = []
    if sidecars and (found := sidecar_of(source)):
        copy = output.with_suffix(SIDECAR) if found.stem == source.stem else output.with_name(output.name + SIDECAR)
        if copy.exists():
            lost.append(f"{found.name}: {copy.name} is there already")
        else:
            with blamed_on(copy, error=MediaError):
                write_atomically(copy, painted_xmp(found.read_bytes()))
    if times:
        with blamed_on(output, error=MediaError):
            status = source.stat()
            os.utime(output, ns=(status.st_atime_ns, status.st_mtime_ns))
    return lost


def sidecar_of(source: Path) -> Path | None:
    """Find the XMP file of a picture: `photo.jpg.xmp` (darktable) or `photo.xmp` (Adobe)."""
    names = (source.name + SIDECAR, source.stem + SIDECAR, source.stem + SIDECAR.upper())
    return next((source.with_name(name) for name in names if source.with_name(name).is_file()), None)
