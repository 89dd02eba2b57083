"""How the page is served, and what one visitor may ask of it. Imports nothing heavy: the command line reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from stylecli.core.errors import UsageError

if TYPE_CHECKING:
    from stylecli.inference.engine import Device

LOOPBACK = "127.0.0.1"
PORT = 8765  # tried first, so that the page keeps its address; any free one where it is taken
PASSWORD_MIN = 8  # characters


@dataclass(frozen=True)
class Limits:
    """What the server takes before it refuses.

    upload_bytes, picture_bytes: of a file, and of a picture, which is read into memory whole.
    total_bytes: of all uploads and results together.
    pixels: of a picture, and of a frame of a video.
    uploads: files held at a time. waiting: long jobs in the queue. batch: files in one job.
    call_bytes: of a call's JSON.
    stall_seconds: between two pieces of an upload. job_seconds: that one job may take.
    lesson_seconds: of training for one style. lessons: styles learned or being learned until the server ends.
    """

    upload_bytes: int = 4 * 10**9
    picture_bytes: int = 300 * 10**6
    total_bytes: int = 20 * 10**9
    pixels: int = 120 * 10**6
    uploads: int = 300
    waiting: int = 8
    batch: int = 200
    call_bytes: int = 32_768
    stall_seconds: float = 60.0
    job_seconds: float = 6 * 3600.0
    lesson_seconds: float = 3600.0
    lessons: int = 20


@dataclass(frozen=True)
class ServeOptions:
    """Where the page is served, and with what.

    host: the address; any but the loopback one needs a password.
    port: None: `PORT`, or a free one where it is taken; 0: a free one.
    password: for visitors from other machines.

    Raises:
        UsageError: an address without a password, or one that is too short.
    """

    host: str = LOOPBACK
    port: int | None = None
    password: str | None = None
    device: Device = "auto"
    styles_dir: Path | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if self.is_public and not self.password:
            raise UsageError(
                f"{self.host}: other machines could use this one", hint='Set a password: `password="..."`.'
            )
        if self.password is not None and len(self.password) < PASSWORD_MIN:
            raise UsageError("the password is too short", hint=f"Use {PASSWORD_MIN} characters or more.")

    @property
    def is_public(self) -> bool:
        """Whether other machines reach the page."""
        return self.host not in (LOOPBACK, "localhost", "::1")
