"""The table of docs/images.md: every cell is what a file of that format really holds."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from stylecli.core.errors import UsageError
from stylecli.media.images.cicp import icc_of_codes
from stylecli.media.images.files import Encoding, encode_pages, read_pages
from stylecli.media.images.formats import FORMATS, Format, format_with_suffix
from stylecli.media.images.metadata.kept import EXIF, IPTC, XMP, metadata_from
from stylecli.media.images.picture import Animation, Contents, Pages, Picture
from tests.media.images.metadata.test_kept import XMP as PACKET
from tests.media.images.metadata.test_kept import exif

DOCUMENT = Path(__file__).parents[3] / "docs" / "images.md"
DISPLAY_P3 = icc_of_codes(12, 13)
FIELDS = {"Exif": EXIF, "XMP": XMP, "IPTC": IPTC}  # libvips's names
LARGEST = 10_000_000  # pixels: libvips's own limit
IPTC_BLOCK = b"\x1c\x02\x05\x00\x04wave"


def table(heading: str) -> list[dict[str, str]]:
    """The rows of the table below a heading, by the names of the columns."""
    text = DOCUMENT.read_text(encoding="utf-8").split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line[1:].rstrip().removesuffix("|").split("|") for line in text.splitlines() if line.startswith("|")]
    columns, _, *rows = ([cell.strip() for cell in line] for line in lines)
    return [dict(zip(columns, row, strict=True)) for row in rows]


WRITTEN = table("What each format keeps")
CELLS = [(row["format"], column) for row in WRITTEN for column in row if column != "format"]


def format_named(name: str) -> Format:
    return next(known for known in FORMATS if known.name == name)


def rich(photo: NDArray[np.uint8]) -> Picture:
    """A picture that holds everything that any format may keep."""
    metadata = metadata_from(exif(1), PACKET)
    fields = (*metadata.fields, (IPTC, pyvips.GValue.blob_type, IPTC_BLOCK))
    pixels = photo[:40, :60].astype(np.uint16) * 257
    alpha = np.full(pixels.shape[:2], 40_000, np.uint16)
    contents = Contents(None, "rgb16", 16, DISPLAY_P3, replace(metadata, fields=fields))
    return Picture(pixels, alpha, contents)


def several(format_: Format, photo: NDArray[np.uint8]) -> str:
    picture = rich(photo)
    other = replace(picture, pixels=picture.pixels[::-1].copy())  # frames that are alike may become one
    for kind, animation in (("frames", Animation((90, 120))), ("pages", None)):
        pages = read_pages(encode_pages(Pages((picture, other), animation), format_.suffixes[0]))
        if len(pages.pictures) == 2 and pages.animation == animation:
            return kind
    return "no"


def without_loss(format_: Format, photo: NDArray[np.uint8]) -> str:
    flat = Picture(photo)
    for encoding, word in ((Encoding(), "always"), (Encoding(lossless=True), "`--lossless`")):
        with suppress(UsageError):
            data = encode_pages(Pages((flat,)), format_.suffixes[0], encoding=encoding)
            pixels = read_pages(data).pictures[0].pixels
            if pixels.dtype == np.uint8 and np.array_equal(pixels, flat.pixels):
                return word
    return "in linear light" if format_.name == "EXR" else "no"


def bits(format_: Format, photo: NDArray[np.uint8]) -> str:
    data = encode_pages(Pages((rich(photo),)), format_.suffixes[0])
    if format_.name == "EXR":
        return "half floats"
    image = pyvips.Image.new_from_buffer(data, "")
    depth = {"uchar": 8, "ushort": 16}[image.format]
    told = image.get("bits-per-sample") if "bits-per-sample" in image.get_fields() else depth
    return f"up to {told}" if told > 8 else "8"


def keeps(format_: Format, column: str, photo: NDArray[np.uint8]) -> bool:
    again = read_pages(encode_pages(Pages((rich(photo),)), format_.suffixes[0])).pictures[0]
    if column == "transparency":
        return again.alpha is not None
    if not isinstance(again.contents, Contents):
        return False
    if column == "profile":
        return again.contents.profile == DISPLAY_P3
    return FIELDS[column] in {name for name, _, _ in again.contents.metadata.fields}


def held(format_: Format, column: str, photo: NDArray[np.uint8]) -> str:
    """What a file of a format holds, in the words of the table."""
    match column:
        case "suffixes":
            return ", ".join(format_.suffixes)
        case "longest side":
            return f"{format_.side_max:,}" if format_.side_max < LARGEST else "any"
        case "several" | "without loss" | "bits":
            return {"several": several, "without loss": without_loss, "bits": bits}[column](format_, photo)
    return "yes" if keeps(format_, column, photo) else "no"


def test_every_format_that_is_written_has_a_row() -> None:
    assert [row["format"] for row in WRITTEN] == [known.name for known in FORMATS if known.is_written]


@pytest.mark.parametrize(("name", "column"), CELLS)
def test_a_cell_tells_what_a_file_holds(name: str, column: str, photo: NDArray[np.uint8]) -> None:
    (row,) = [row for row in WRITTEN if row["format"] == name]
    assert held(format_named(name), column, photo) == row[column]


def test_every_format_that_is_only_read_has_a_row() -> None:
    rows = table("What else is read")
    known = {suffix for one in FORMATS if not one.is_written for suffix in one.suffixes}
    told = {suffix for row in rows for suffix in row["suffixes"].split(", ")}
    assert told == known
    assert not any(format_with_suffix(suffix) for suffix in told)
