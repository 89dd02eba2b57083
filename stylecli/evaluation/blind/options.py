"""The options of a blind comparison. Importing this loads nothing heavy: the command line reads it for --help."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BlindOptions:
    """What people see.

    painting: shown beside the pairs, and then each pair is asked about twice. size: short side of the pictures, in
    pixels. seed: of the order and the sides; None: another one each time.
    """

    painting: Path | None = None
    size: int = 720
    seed: int | None = None
