"""The items of a row: one for each style, with the name of its output filled in."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from stylecli.media.images.formats import READABLE, WRITABLE
from stylecli.stylize.batch.manifests.columns import COLUMNS, Kind
from stylecli.stylize.look import Look
from stylecli.stylize.options import PictureOptions

OTHERWISE = {"picture": ".png", "video": ".mp4"}  # the suffix of a result whose source's format is not written
VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".ts", ".m2ts", ".gif")  # that are written


@dataclass(frozen=True, slots=True)
class Item:
    """One output to be made. Paths are absolute, or relative to the manifest's folder as in the row.

    Those of a sequence are patterns, such as shot.%04d.exr; `files_of` tells its files.
    """

    id: str
    input: str
    output: str
    style: str
    kind: Kind
    variant: str | None = None
    strength: float = Look.strength
    preserve_color: bool = Look.preserve_color
    mask: str | None = None
    brush: float | str = Look.brush
    fill: float | None = Look.fill
    detail: float | None = Look.detail
    flow: float | None = Look.flow
    quality: int | None = PictureOptions.quality
    color: str = PictureOptions.exr_color
    lossless: bool = PictureOptions.lossless
    bits: int | None = PictureOptions.bits
    layer: str = PictureOptions.layer
    page: int | None = PictureOptions.page
    max_size: int | None = PictureOptions.max_size
    strip: bool = PictureOptions.strip
    allow_truncated: bool = PictureOptions.allow_truncated
    strict: bool = PictureOptions.strict
    codec: str | None = None
    crf: int | None = None
    preset: str | None = None
    pixel_format: str | None = None
    range: str | None = None
    hdr: str = "tonemap"
    audio: str | None = None
    fps: float | str | None = None

    def row(self) -> dict[str, Any]:
        """The item as a row; defaults are left out."""
        row = asdict(self)
        del row["kind"]
        return {name: value for name, value in row.items() if name in REQUIRED or value != DEFAULTS[name]}

    def options(self) -> dict[str, Any]:
        """Everything but names and paths that changes the result."""
        row = asdict(self)
        return {name: row[name] for name in DEFAULTS if name not in ("id", "mask", "variant")}


REQUIRED = ("id", "input", "output", "style")
DEFAULTS = {field.name: field.default for field in fields(Item) if field.name not in (*REQUIRED, "kind")}


def kind_of(output: str) -> Kind | None:
    """Return what an output is, by its suffix."""
    suffix = output[output.rfind(".") :].lower()  # for 100,000 paths, pathlib takes ten times as long
    if suffix in WRITABLE:
        return "picture"
    return "video" if suffix in VIDEO_SUFFIXES else None


def items_of(row: Mapping[str, Any], *, is_sequence: bool = False) -> Iterator[Item]:
    """Return the items of a row whose values are valid: one for each style.

    is_sequence: its input is the pattern of a numbered sequence.

    Raises:
        ValueError: the output is of no format, or a column makes no sense for it.
        UsageError: a style is a blend that is not written as one.
    """
    styles = row["style"] if isinstance(row["style"], list) else [row["style"]]
    if len(styles) > 1 and "{style}" not in row["output"]:
        raise ValueError("several styles need {style} in the output")
    rest = {name: value for name, value in row.items() if name not in REQUIRED}
    for style in styles:
        output = row["output"]
        if "{" in output:
            output = named(output, row["input"], style, row_id=str(row.get("id", "")))
        kind = kind_of(output)
        if kind is None:
            raise ValueError(f"{output}: not a format that can be written")
        for name in rest:
            if COLUMNS[name].only not in (None, kind):
                raise ValueError(f"{name} makes no sense for a {kind}")
        if is_sequence:
            if kind == "video":
                raise ValueError(f"{output}: a sequence becomes a sequence of pictures, not a video")
            kind = "sequence"
        name = row.get("id") or output
        yield Item(
            f"{name}-{style}" if len(styles) > 1 and "id" in row else name, row["input"], output, style, kind, **rest
        )


def named(pattern: str, source: str, style: str, *, row_id: str = "") -> str:
    """Fill {stem}, {style}, {suffix} and {id} in.

    Raises:
        ValueError: the pattern holds another name.
        UsageError: the style is a blend that is not written as one.
    """
    stem, suffix = os.path.splitext(os.path.basename(source))  # noqa: PTH119, PTH122
    if kind_of(source) is None:
        suffix = OTHERWISE["picture" if suffix.lower() in READABLE else "video"]
    values = {"stem": stem, "style": _name_of_style(style), "suffix": suffix, "id": row_id}

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise ValueError(f"{pattern}: only {{stem}}, {{style}}, {{suffix}} and {{id}} are known")
        return values[found[1]]

    return re.sub(r"\{([^{}]*)\}", value, pattern)


def _name_of_style(style: str) -> str:
    """The part of an output's name that stands for a style's name, its folder, or a blend."""
    if "+" not in style:
        return os.path.basename(style)  # noqa: PTH119
    from stylecli.packs.blend import Part, blend_name, parse_blend  # heavy, and blends are rare

    return blend_name([Part(os.path.basename(part.style), part.share) for part in parse_blend(style)])  # noqa: PTH119
