"""A report as one HTML file, with its pictures and plots embedded."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.version import __version__
from stylecli.evaluation.report.files import write_text
from stylecli.media.images.files import encode_picture, picture_from_pixels
from stylecli.media.pixels import quantize, to_unit
from stylecli.media.resizing import resize

TEMPLATE = Path(__file__).with_name("page.html.jinja")
QUALITY = 85  # of its JPEG pictures


@dataclass(frozen=True)
class Cell:
    """One cell of a table; `mark` is "best", "yes", "near", "no" or nothing."""

    text: str
    mark: str = ""


@dataclass(frozen=True)
class Column:
    """A heading, and which numbers below it are better: "lower", "higher", "calmer", or "" for none."""

    title: str
    better: str = ""
    is_text: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells under headings."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Image:
    """A picture as a data URI. With `is_plot` it is as wide as the page."""

    source: str
    caption: str
    is_plot: bool = False


@dataclass(frozen=True)
class Gallery:
    """Rows of pictures; each row has a title."""

    rows: tuple[tuple[str, tuple[Image, ...]], ...]
    smallest: int = 180  # pixels that a picture is at least wide


@dataclass(frozen=True)
class Section:
    """A chapter: what it shows and how to read it, then tables, plots and pictures."""

    title: str
    text: str
    tables: tuple[Table, ...] = ()
    plots: tuple[Image, ...] = ()
    galleries: tuple[Gallery, ...] = ()


@dataclass(frozen=True)
class Report:
    """A report. `facts`: what it was measured with."""

    title: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]


def write_report(report: Report, path: Path) -> None:
    """Write a report as one HTML file.

    Raises:
        MediaError: it cannot be written.
    """
    write_text(rendered(TEMPLATE, report=report), path)


def rendered(template: Path, **values: Any) -> str:
    """Render a Jinja template of HTML with these values and the `version` of stylecli; values are escaped."""
    import jinja2  # part of the extra `train`

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(template.read_text(encoding="utf-8")).render(**values, version=__version__)


def photo_image(pixels: NDArray[Any], caption: str, *, width: int | None = None, quality: int = QUALITY) -> Image:
    """Encode a picture (H, W, 3) as JPEG, shrunk if it is wider than `width`."""
    rows, columns = pixels.shape[:2]
    if width and columns > width:
        pixels = quantize(resize(to_unit(pixels), round(rows * width / columns), width), np.uint8)
    data = encode_picture(picture_from_pixels(pixels), ".jpg", quality=quality)
    return Image(_data_uri(data, "image/jpeg"), caption)


def plot_image(svg: bytes, caption: str) -> Image:
    """Embed an SVG of `plots`."""
    return Image(_data_uri(svg, "image/svg+xml"), caption, is_plot=True)


def _data_uri(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def number(value: Any, digits: int = 3) -> str:
    """Format a number for a table; "" for None."""
    if value is None:
        return ""
    return (
        f"{value:,.{digits}f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    )


def best_of(values: Sequence[Any], better: str) -> Any:
    """Return the best of the numbers; None if they are all equal or neither direction is better."""
    known = [value for value in values if value is not None]
    if len(set(known)) < 2 or not better:
        return None
    return min(known) if better == "lower" else max(known)
