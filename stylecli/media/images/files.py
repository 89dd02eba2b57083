"""Picture files to arrays of sRGB pixels and back; what else a file holds goes along with its picture.

    picture = read_picture(Path("photo.jpg"))
    write_picture(picture.with_pixels(painted), Path("painted.jpg"))

`codec` turns bytes into pictures; this module reads and writes the disk.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from stylecli.core.errors import MediaError, UsageError
from stylecli.core.files import write_atomically
from stylecli.core.progress import Notice, unnoticed
from stylecli.media.images.codec import decode, decode_pages, encode, find_format
from stylecli.media.images.formats import READABLE, SIGNATURE_BYTES, WRITABLE, has_picture_suffix
from stylecli.media.images.picture import Pages, Picture, picture_from_pixels
from stylecli.media.images.settings import Encoding, ExrColor, Reading

__all__ = [
    "READABLE",
    "WRITABLE",
    "Encoding",
    "Pages",
    "Picture",
    "Reading",
    "encode_pages",
    "encode_picture",
    "picture_from_pixels",
    "read_pages",
    "read_picture",
    "write_pages",
    "write_picture",
]

USUAL_READING, USUAL_ENCODING = Reading(), Encoding()
NAMELESS = "the picture"  # what messages call a picture that is no file
WRITE_HINTS = {
    errno.ENOENT: "Create its folder first.",
    errno.ENOTDIR: "Create its folder first.",
    errno.ENOSPC: "Free some space, or choose another disk.",
    errno.EDQUOT: "Free some space, or choose another disk.",
}


def read_picture(source: Path | bytes, *, exr_color: ExrColor = "linear") -> Picture:
    """Read a picture file, or its bytes. What it is, its content says, not its name; of an animation, the first frame.

    Pixels have the file's depth, or 16 bits where they had to be converted to sRGB. Colour under full transparency is
    that of the surroundings. `exr_color` tells what the numbers of an EXR are (`exr` tells what becomes of them).

    Raises:
        MediaError: it is missing, empty, damaged, no picture, of an unsupported kind, or too large.
    """
    data, name = (source, NAMELESS) if isinstance(source, bytes) else (bytes_of(source), str(source))
    return decode(data, name, reading=Reading(exr_color))


def read_pages(source: Path | bytes, *, reading: Reading = USUAL_READING, page: int | None = None) -> Pages:
    """Read all pictures of a file, or of its bytes: the frames of an animation, the pages of a document.

    page: the only one to read, counted from 0.

    Raises:
        MediaError: as `read_picture`.
        UsageError: there is no such page.
    """
    data, name = (source, NAMELESS) if isinstance(source, bytes) else (bytes_of(source), str(source))
    return decode_pages(data, name, reading=reading, page=page)


def write_picture(
    picture: Picture,
    path: Path,
    *,
    quality: int | None = None,
    overwrite: bool = False,
    notice: Notice = unnoticed,
) -> None:
    """Write a picture as the file format that the suffix names: the whole file appears under its name, or nothing.

    `quality` (1 to 100) is for JPEG, WebP and AVIF. `notice` hears of each thing that the picture's file held and the
    new one does not: transparency in a JPEG, the second page of a TIFF.

    Raises:
        UsageError: the file exists and `overwrite` is not set, or the suffix names no format that is written.
        MediaError: it cannot be encoded or written.
    """
    write_pages(Pages((picture,)), path, encoding=Encoding(quality), overwrite=overwrite, notice=notice)


def write_pages(
    pages: Pages,
    path: Path,
    *,
    encoding: Encoding = USUAL_ENCODING,
    overwrite: bool = False,
    notice: Notice = unnoticed,
) -> None:
    """Write all pictures into one file, as `write_picture`; `notice` hears of those that the format does not hold.

    Raises:
        UsageError: as `write_picture`, or an option makes no sense for the format.
        MediaError: as `write_picture`.
    """
    try:
        check_target(path, overwrite=overwrite)
        write_atomically(path, encode(pages, path.suffix, encoding=encoding, name=str(path), notice=notice))
    except OSError as error:
        hint = WRITE_HINTS.get(error.errno or 0, "Choose a folder that you may write to.")
        raise MediaError(f"{path}: it cannot be written ({error.strerror})", hint=hint) from error


def encode_picture(picture: Picture, suffix: str, *, quality: int | None = None, notice: Notice = unnoticed) -> bytes:
    """Encode a picture as a file with a suffix such as ".png". `notice` as in `write_picture`.

    Raises:
        UsageError: the suffix names no format that is written.
        MediaError: the format cannot hold the picture.
    """
    return encode_pages(Pages((picture,)), suffix, encoding=Encoding(quality), notice=notice)


def encode_pages(
    pages: Pages, suffix: str, *, encoding: Encoding = USUAL_ENCODING, notice: Notice = unnoticed
) -> bytes:
    """Encode all pictures as one file with a suffix such as ".webp".

    Raises:
        UsageError, MediaError: as `write_pages`.
    """
    return encode(pages, suffix, encoding=encoding, name=NAMELESS, notice=notice)


def bytes_of(path: Path) -> bytes:
    """Read all bytes of a picture file.

    Raises:
        MediaError: it cannot be read, or is no picture of a known format.
    """
    try:
        with path.open("rb") as file:
            find_format(file.peek(SIGNATURE_BYTES), str(path))  # before all of a long video is read
            return file.read()
    except FileNotFoundError as error:
        raise MediaError(f"{path}: it does not exist", hint="Check the name.") from error
    except IsADirectoryError as error:
        raise MediaError(f"{path}: it is a folder", hint="Give a picture in it.") from error
    except PermissionError as error:
        raise MediaError(f"{path}: there is no permission to read it", hint="Change its permissions.") from error
    except OSError as error:
        raise MediaError(f"{path}: it cannot be read ({error.strerror})", hint="Check the disk.") from error


def check_target(path: Path, *, overwrite: bool) -> None:
    """Refuse to replace what is there.

    Raises:
        UsageError: a file is there, and `overwrite` is not set.
        MediaError: what is there is no file.
    """
    if not path.exists():
        return
    if not path.is_file():
        what = "a folder" if path.is_dir() else "a device"
        raise MediaError(f"{path}: it is {what}", hint="Give the name of a file.")
    if not overwrite:
        raise UsageError(f"{path}: it exists already", hint="Use `overwrite=True` to replace it.")


def pictures_in(sources: Sequence[Path], *, recursive: bool = False) -> list[Path]:
    """List the pictures that files and folders name, sorted within a folder.

    Raises:
        MediaError: a folder holds none.
    """
    return [path for source in sources for path, _ in pictures_of(source, recursive=recursive)]


def pictures_of(source: Path, *, recursive: bool) -> Iterable[tuple[Path, Path]]:
    """List (picture, folder that its subfolders are counted from) for a file or a folder."""
    if not source.is_dir():
        return [(source, source.parent)]
    found = source.rglob("*") if recursive else source.iterdir()
    pictures = sorted(path for path in found if has_picture_suffix(path.name) and path.is_file())
    if not pictures:
        hint = "Give a folder with pictures." if recursive else "Give the folder that holds the pictures themselves."
        raise MediaError(f"{source}: no picture in it", hint=hint)
    return [(path, source) for path in pictures]


def check_pictures_to_write(targets: Sequence[Path], sources: Sequence[Path], *, overwrite: bool) -> None:
    """Refuse, before long work, picture files that could not be written or would replace a source.

    Raises:
        UsageError: no format that can be written, a target is a source or another target, or exists already.
        MediaError: a target is a folder, or its folder does not exist.
    """
    if len({os.path.realpath(path) for path in targets}) < len(targets):
        raise UsageError(f"{targets[0]}: named twice", hint="Give each file a name of its own.")
    if clash := {os.path.realpath(path) for path in targets} & {os.path.realpath(path) for path in sources}:
        raise UsageError(f"{min(clash)}: is a source too", hint="Give another name.")
    for path in targets:
        if path.suffix.lower() not in WRITABLE:
            raise UsageError(f"{path}: not a format that can be written", hint=f"Use {', '.join(WRITABLE)}.")
        if path.is_dir():
            raise MediaError(f"{path}: it is a folder", hint="Give the name of a file.")
        if path.exists() and not overwrite:
            raise UsageError(f"{path}: it exists already", hint="Use `overwrite=True` to replace it.")
        if not path.parent.is_dir():
            raise MediaError(f"{path}: there is no such folder", hint="Create its folder first.")
