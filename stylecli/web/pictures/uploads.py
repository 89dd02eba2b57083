"""The files that visitors sent: in one temporary folder, under names of our own, gone when the server ends."""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any, Literal

from stylecli.core.errors import MediaError, StyleError, UsageError
from stylecli.core.files import try_lock
from stylecli.media.images.codec import find_format
from stylecli.media.images.files import Reading, read_pages
from stylecli.media.images.formats import SIGNATURE_BYTES, Format, recognize
from stylecli.media.video.clip import probe
from stylecli.web.options import Limits

Kind = Literal["picture", "video"]

FOLDER_PREFIX = "stylecli-web-"
LOCK_FILE = "lock"
NAME_LENGTH = 200  # characters of a file's name that are kept: nearly all that file systems allow
HEAD_BYTES = 65_536
# Playlists, which libav would follow to other files of this machine.
PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"<MPD", b"<mpd", b"[playlist]", b"<?xml", b"<smil")
SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")
NEITHER = "it is neither a picture nor a video that can be read"
READ_HINT = "JPEG, PNG, TIFF, WebP, AVIF and the usual videos are read."


class FullError(UsageError):
    """A limit of the server is reached."""


@dataclass(frozen=True)
class Upload:
    """A file that a visitor sent, and what is known of it.

    name: as the visitor calls it, for display and for the names of results. path: where it lies.
    seconds, frames, rate: of a video; `seconds` is 0 where its file does not tell.
    """

    id: str
    name: str
    path: Path
    kind: Kind
    width: int
    height: int
    size: int
    seconds: float = 0.0
    frames: int = 0
    rate: float = 0.0

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return PurePosixPath(self.name).stem or "picture"

    def facts(self) -> dict[str, Any]:
        """What the page may know."""
        hidden = ("path",)
        return {key: value for key, value in vars(self).items() if key not in hidden}


class Uploads:
    """The uploads of one server. Safe to use from several threads."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder, self.limits = folder, limits
        self._uploads: dict[str, Upload] = {}
        self._lock = Lock()

    def __getitem__(self, upload_id: object) -> Upload:
        """The upload of an id.

        Raises:
            MediaError: there is none.
        """
        found = self._uploads.get(upload_id) if isinstance(upload_id, str) else None
        if found is None:
            raise MediaError("this file is not here any more", hint="Open it again.")
        return found

    def check_room(self, size: int) -> None:
        """Refuse an upload of `size` bytes.

        Raises:
            FullError: it is too large, or too much is here already.
        """
        if size > self.limits.upload_bytes:
            raise FullError("the file is too large", hint=f"At most {self.limits.upload_bytes // 10**6} MB are taken.")
        if len(self._uploads) >= self.limits.uploads or self.size() + size > self.limits.total_bytes:
            raise FullError("too many files are open", hint="Close some of them, or start the server again.")

    def size(self) -> int:
        """Bytes of all uploads and results."""
        total = 0
        for path in self.folder.rglob("*"):
            with suppress(OSError):  # deleted meanwhile
                total += path.stat().st_size
        return total

    def draft(self, name: str) -> tuple[str, str, Path]:
        """A new id, the name for display, and a path for the bytes of a file that a visitor calls `name`."""
        shown = display_name(name)
        suffix = PurePosixPath(shown).suffix.lower()
        upload_id = secrets.token_urlsafe(12)
        folder = self.folder / upload_id
        folder.mkdir()
        return upload_id, shown, folder / f"original{suffix if SUFFIX.fullmatch(suffix) else ''}"

    def add(self, upload_id: str, name: str, path: Path) -> Upload:
        """Look at a complete file and take it in.

        Raises:
            MediaError: it is neither a picture nor a video that can be read, or has too many pixels. It is deleted.
        """
        try:
            upload = self._looked_at(upload_id, name, path)
        except StyleError as error:
            self._delete_folder(path)
            raise type(error)(error.message.replace(str(path), name), hint=error.hint) from error
        except BaseException:
            self._delete_folder(path)
            raise
        with self._lock:
            self._uploads[upload_id] = upload
        return upload

    def remove(self, upload_id: str) -> None:
        """Delete an upload; nothing happens where there is none."""
        with self._lock:
            upload = self._uploads.pop(upload_id, None)
        if upload:
            self._delete_folder(upload.path)

    def discard(self, path: Path) -> None:
        """Delete a draft."""
        self._delete_folder(path)

    def _delete_folder(self, path: Path) -> None:
        shutil.rmtree(path.parent, ignore_errors=True)

    def _looked_at(self, upload_id: str, name: str, path: Path) -> Upload:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        start = head[:SIGNATURE_BYTES]
        found = recognize(start)
        if not isinstance(found, Format) and found in (None, "a video") and start:
            _refuse_text(head, name)
            return self._video(upload_id, name, path, size, start)
        find_format(start, name)
        if size > self.limits.picture_bytes:
            most = self.limits.picture_bytes // 10**6
            raise MediaError(f"{name}: the file is too large", hint=f"Pictures have at most {most} MB here.")
        height, width = (
            read_pages(path, reading=Reading(pixels_max=self.limits.pixels), page=0).pictures[0].pixels.shape[:2]
        )
        return Upload(upload_id, name, path, "picture", width, height, size)

    def _video(self, upload_id: str, name: str, path: Path, size: int, start: bytes) -> Upload:
        try:
            clip = probe(path)
        except MediaError as error:
            if recognize(start) is None:
                raise MediaError(f"{name}: {NEITHER}", hint=READ_HINT) from error
            raise
        if clip.width * clip.height > self.limits.pixels:
            raise MediaError(f"{name}: {clip.width} x {clip.height} pixels are too many", hint="Make it smaller.")
        seconds, frames = float(clip.duration or 0), clip.frames() or 0
        return Upload(upload_id, name, path, "video", clip.width, clip.height, size, seconds, frames, float(clip.rate))


def _refuse_text(head: bytes, name: str) -> None:
    """Raise MediaError for text: every format of videos has zero bytes near its start, a playlist has its sign."""
    if b"\0" not in head or any(sign in head for sign in PLAYLISTS):
        raise MediaError(f"{name}: {NEITHER}", hint=READ_HINT)


def display_name(name: str) -> str:
    """What is left of a visitor's file name: its last part, printable, not too long."""
    last = re.split(r"[/\\]", name)[-1]
    clean = "".join(char for char in last if char.isprintable()).strip(" .") or "picture"
    stem, dot, suffix = clean.rpartition(".")
    if not dot or len(suffix) > 5:
        return clean[:NAME_LENGTH]
    return f"{stem[:NAME_LENGTH]}.{suffix}"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for the uploads of one server, deleted at the end; those that killed servers left are deleted now."""
    for left in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        _delete_if_unused(left)
    with tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with (folder / LOCK_FILE).open("wb") as lock:
            try_lock(lock)
            (folder / "files").mkdir()
            yield folder / "files"


def _delete_if_unused(folder: Path) -> None:
    with suppress(OSError), (folder / LOCK_FILE).open("rb+") as lock:
        if try_lock(lock):
            shutil.rmtree(folder, ignore_errors=True)
