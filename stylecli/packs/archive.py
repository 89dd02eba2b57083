"""Bring a stranger's style pack onto the disk safely: from a folder or a .zip to a flat folder of plain files."""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import IO

from stylecli.core.errors import MediaError, PackError
from stylecli.packs.card import CARD_FILE, read_card
from stylecli.packs.card_fields import FILE_NAME
from stylecli.packs.safety import DROPPINGS, PACK_BYTES_MAX, PACK_FILES_MAX

# Deflate reaches 1032:1 on zeros; network weights and pictures stay below 2:1, a long card below 20:1.
ZIP_RATIO_MAX = 100
ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What zipfile raises on damaged archives; UnicodeDecodeError comes from a damaged file name.
ZIP_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError)
CARD_IN_ZIP = re.compile(r"(\w[\w .()-]*/)?card\.json")  # at the root or in one folder


@dataclass(frozen=True)
class _Member:
    """A file of the pack, in the source folder or the .zip."""

    name: str
    size: int  # bytes
    open: Callable[[], IO[bytes]]


def bring_in(source: Path, into: Path) -> Path:
    """Copy or unpack a pack to a new folder inside `into`; returns the folder.

    A .zip holds the files at its root or in one folder. Only `card.json` is read; `verify` checks the other contents.

    Raises:
        PackError: `source` is missing, is not a pack, is too large, or holds something other than plain files.
        MediaError: `source` cannot be read, or `into` cannot be written.
    """
    if not source.exists():
        raise _refused(source, "no such file or folder")
    folder = into / (source.resolve().name if source.is_dir() else source.stem)
    try:
        with ExitStack() as stack:
            members = list(_members_of_folder(source) if source.is_dir() else _members_of_zip(source, stack))
            _check(members, source)
            folder.mkdir()
            for member in members:
                with member.open() as original, (folder / member.name).open("xb") as copy:
                    shutil.copyfileobj(original, copy)
    except ZIP_UNREADABLE as error:
        raise _refused(source, "not a .zip that can be read") from error
    except OSError as error:
        hint = "Make room, or check the permissions."
        raise MediaError(f"{source.name}: cannot be copied to {into.parent} ({error.strerror})", hint=hint) from error
    return folder


def _members_of_folder(source: Path) -> Iterator[_Member]:
    read_card(source)  # first, so that a home folder named by mistake is not walked
    for path in sorted(source.iterdir()):
        if path.name in DROPPINGS:
            continue
        if path.is_symlink() or not path.is_file():
            raise _refused(source, f"{path.name} is not a plain file")
        yield _Member(path.name, path.stat().st_size, partial(FileIO, path))


def _members_of_zip(source: Path, stack: ExitStack) -> Iterator[_Member]:
    if source.stat().st_size > PACK_BYTES_MAX:
        raise _refused(source, f"larger than {PACK_BYTES_MAX // 2**20} MB")
    archive = stack.enter_context(zipfile.ZipFile(source))
    entries = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_dropping(entry)]
    top = _top_folder(entries)
    for entry in entries:
        name = entry.filename.removeprefix(top)
        if fault := _entry_fault(entry, name):
            raise _refused(source, f"{entry.filename!r} {fault}")
        # zipfile never yields more than file_size bytes, so the declared sizes bound what is written.
        yield _Member(name, entry.file_size, partial(archive.open, entry))


def _top_folder(entries: list[zipfile.ZipInfo]) -> str:
    """Return the folder of the card with a slash, such as `wave/`; an empty string if it lies at the root."""
    matches = [CARD_IN_ZIP.fullmatch(entry.filename) for entry in entries]
    tops = {match[1] or "" for match in matches if match}
    return tops.pop() if len(tops) == 1 else ""


def _entry_fault(entry: zipfile.ZipInfo, name: str) -> str:
    if not FILE_NAME.fullmatch(name):  # also refuses paths that lead elsewhere: "../x", "/x", "C:x", "a\\b", "a/b"
        return "is not a plain file name"
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):  # 0: made on a system without file modes
        return "is a link or a device"
    if entry.flag_bits & 0x1 or entry.compress_type not in ZIP_METHODS:
        return "is encrypted or compressed in an unusual way"
    if entry.file_size > max(entry.compress_size, 1) * ZIP_RATIO_MAX:
        return "is compressed suspiciously well (a zip bomb)"
    return ""


def _is_dropping(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename)
    return path.parts[0] == "__MACOSX" or path.name in DROPPINGS


def _check(members: list[_Member], source: Path) -> None:
    names = {member.name.lower() for member in members}  # two names that differ by case are one file on a Mac
    if CARD_FILE not in names:
        raise _refused(source, f"not a style, it has no {CARD_FILE}")
    if len(names) < len(members):
        raise _refused(source, "a file name occurs twice")
    if len(members) > PACK_FILES_MAX:
        raise _refused(source, f"{len(members)} files, a pack has at most {PACK_FILES_MAX}")
    if sum(member.size for member in members) > PACK_BYTES_MAX:
        raise _refused(source, f"larger than {PACK_BYTES_MAX // 2**20} MB")


def _refused(source: Path, fault: str) -> PackError:
    return PackError(f"{source.name}: {fault}", hint="A style is a folder with a card.json, or a .zip of it.")
