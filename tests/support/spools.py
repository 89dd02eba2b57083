"""What the tests of the spool share: jobs to send, and what is left of them in the folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TIMEOUT = 180.0  # seconds
Serve = Callable[[], list[str]]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def job_for(pixels: NDArray[Any], **more: object) -> dict[str, object]:
    return {"style": "tiny", "width": pixels.shape[1], "height": pixels.shape[0], **more}


def with_alpha(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)])


def left_in(spool: Path) -> set[str]:
    return {file.name for file in spool.iterdir()} - {"worker.lock", "styles.json", "cache"}
