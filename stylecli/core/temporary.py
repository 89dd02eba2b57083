"""A temporary folder whose faults name it, and say what to do."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stylecli.core.errors import MediaError
from stylecli.core.files import blamed_on

HINT = "Make room there, or name another folder in TMPDIR."


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give an empty folder, which is removed at the end of the `with`.

    An OSError inside the `with` counts as one about the folder; so nothing else is written there.

    Raises:
        MediaError: the folder cannot be made, or its disk is full.
    """
    try:
        place = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise MediaError(str(error.strerror), hint=HINT) from error
    with blamed_on(place, hint=HINT), tempfile.TemporaryDirectory(prefix="stylecli-") as folder:
        yield Path(folder)
