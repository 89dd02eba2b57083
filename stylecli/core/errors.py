"""The exceptions for every error that a user can cause or cure, with their exit codes.

StyleError
├── UsageError        2  a wrong option, output equal to input, a missing extra
├── PackError         3  a style that is unknown, damaged or unsafe
├── MediaError        4  a picture, video or other file that cannot be read or written, as on a full disk
├── DeviceError       5  a device that is not there or has too little memory
└── ItemsFailedError  6  some of many items failed, the others are done

A message says the thing, then the fault; the hint says what to do. Any other exception is a defect in stylecli.
"""

from __future__ import annotations

import errno
import os
from typing import ClassVar

# The system's texts for a full disk, an exhausted quota and a read-only disk, which messages quote.
_DISK_FAULTS = tuple(
    os.strerror(getattr(errno, name)) for name in ("ENOSPC", "EDQUOT", "EROFS") if hasattr(errno, name)
)


class StyleError(Exception):
    """A fault that a user can cause or cure: ``thing: fault. hint``."""

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message


class UsageError(StyleError):
    """The command or call itself makes no sense."""

    exit_code = 2


class PackError(StyleError):
    """A style pack is unknown, damaged or unsafe."""

    exit_code = 3


class MediaError(StyleError):
    """A picture, video or other file cannot be read or written."""

    exit_code = 4


class DeviceError(StyleError):
    """A device is not there, its driver is too old, or it ran out of memory."""

    exit_code = 5


class ItemsFailedError(StyleError):
    """Some of many items failed; the others are done."""

    exit_code = 6


def hits_every_item(error: StyleError) -> bool:
    """Whether all further items would fail for the same reason, such as a full disk or a failed device."""
    return isinstance(error, DeviceError) or any(words in error.message for words in _DISK_FAULTS)
