"""One row of a manifest: its columns, their checks, and the published JSON schema, all from one table."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from typing import Any, Literal

from stylecli.media.images.formats import READABLE, WRITABLE
from stylecli.media.images.settings import BITS
from stylecli.stylize.look import BRUSH_RANGE, Look
from stylecli.stylize.options import PictureOptions

SCHEMA_VERSION = 1
SCHEMA_ID = f"stylecli-batch-{SCHEMA_VERSION}"
RESULT = "result"  # the key that RESULTS.jsonl adds to a row; as an input it is ignored
OTHERWISE = {"picture": ".png", "video": ".mp4"}  # the suffix of a result whose source's format is not written
VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".ts", ".m2ts", ".gif")  # that are written

FPS_MAX = 1000

Kind = Literal["picture", "video"]


@dataclass(frozen=True, slots=True)
class Item:
    """One output to be made. Paths are absolute, or relative to the manifest's folder as in the row."""

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


@dataclass(frozen=True)
class Column:
    """A column of a manifest: its JSON schema, and how a cell of a CSV file becomes its value."""

    schema: Mapping[str, Any]
    is_valid: Callable[[Any], bool]
    from_text: Callable[[str], Any] = str
    only: Kind | None = None  # the kind of output for which it makes sense


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != "" and "\0" not in value


def _number(text: str) -> Any:
    try:
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
    except ValueError:
        return text


def _is_in(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _is_whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_one_of(*values: str) -> Callable[[Any], bool]:
    return lambda value: value in values


def _truth(text: str) -> Any:
    return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(text.lower(), text)


def _is_rate(value: Any) -> bool:
    """Whether it is a frame rate: a number, text such as "24000/1001", or "cfr"."""
    if value == "cfr":
        return True
    try:
        return not isinstance(value, bool) and 0 < Fraction(str(value)) <= FPS_MAX
    except (ValueError, ZeroDivisionError):
        return False


def _flag(description: str, only: Kind | None = None) -> Column:
    return Column(
        {"type": "boolean", "description": description}, lambda value: isinstance(value, bool), _truth, only
    )


_TEXT = {"type": "string", "minLength": 1}
_BRUSHES = ("auto", "native")
COLUMNS: Mapping[str, Column] = {
    "id": Column({**_TEXT, "description": "A name of the row; default: its output."}, _is_text),
    "input": Column({**_TEXT, "description": "A picture, a video, or a numbered sequence: shot.%04d.exr."}, _is_text),
    "output": Column(
        {**_TEXT, "description": "The file to write. May hold {stem}, {style}, {suffix} and {id}."}, _is_text
    ),
    "style": Column(
        {
            "description": "A style's name or folder, or a list of them; then {style} must stand in the output.",
            "anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}],
        },
        lambda value: _is_text(value) or (isinstance(value, list) and value != [] and all(map(_is_text, value))),
        lambda text: [name.strip() for name in text.split(";")] if ";" in text else text,
    ),
    "variant": Column({**_TEXT, "description": "Which network of the style."}, _is_text),
    "strength": Column({"type": "number", "minimum": 0, "maximum": 1}, _is_in(0, 1), _number),
    "preserve_color": _flag("Keep the photo's colours."),
    "mask": Column({**_TEXT, "description": "A picture that is white where the style is wanted."}, _is_text),
    "brush": Column(
        {"anyOf": [{"enum": list(_BRUSHES)}, {"type": "number", "minimum": BRUSH_RANGE[0], "maximum": BRUSH_RANGE[1]}]},
        lambda value: value in _BRUSHES or _is_in(*BRUSH_RANGE)(value),
        _number,
    ),
    "quality": Column({"type": "integer", "minimum": 1, "maximum": 100}, _is_whole(1, 100), _number, "picture"),
    "color": Column({"enum": ["linear", "encoded"]}, _is_one_of("linear", "encoded"), only="picture"),
    "lossless": _flag("Of WebP and AVIF.", "picture"),
    "bits": Column({"enum": list(BITS)}, lambda value: value in BITS, _number, "picture"),
    "layer": Column({**_TEXT, "description": "Of an EXR: the layer that is painted."}, _is_text, only="picture"),
    "page": Column(
        {"type": "integer", "minimum": 1, "description": "The only page or frame that is painted."},
        _is_whole(1, sys.maxsize),
        _number,
        "picture",
    ),
    "max_size": Column(
        {"type": "integer", "minimum": 1, "description": "Pixels, of the longer side; larger ones are made smaller."},
        _is_whole(1, sys.maxsize),
        _number,
        "picture",
    ),
    "strip": _flag("Leave out the metadata, but for the colour profile.", "picture"),
    "allow_truncated": _flag("Paint what is there of a file whose end is missing."),
    "strict": _flag("What cannot be kept is a failure."),
    "codec": Column(_TEXT, _is_text, only="video"),
    "crf": Column({"type": "integer"}, _is_whole(-1000, 1000), _number, "video"),
    "preset": Column(_TEXT, _is_text, only="video"),
    "pixel_format": Column(_TEXT, _is_text, only="video"),
    "range": Column(
        {"type": "string", "pattern": r"^\d*(\.\d+)?:\d*(\.\d+)?$", "description": "Seconds, A:B."},
        lambda value: isinstance(value, str) and re.fullmatch(r"\d*(\.\d+)?:\d*(\.\d+)?", value) is not None,
        only="video",
    ),
    "hdr": Column({"enum": ["tonemap", "keep"]}, _is_one_of("tonemap", "keep"), only="video"),
    "audio": Column({**_TEXT, "description": "copy, none, or a codec."}, _is_text, only="video"),
    "fps": Column(
        {
            "description": "Frames a second: a number, text such as 24000/1001, or cfr.",
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": FPS_MAX},
                {"type": "string", "pattern": r"^(cfr|\d+(\.\d+)?(/\d+)?)$"},
            ],
        },
        _is_rate,
        _number,
        "video",
    ),
}
# Those that are called as in `PictureOptions`.
PICTURE_COLUMNS = ("quality", "lossless", "bits", "layer", "page", "max_size", "strip", "allow_truncated", "strict")
ENCODER_COLUMNS = ("codec", "crf", "preset", "pixel_format")  # as in `EncoderOptions`
REQUIRED = ("id", "input", "output", "style")
DEFAULTS = {field.name: field.default for field in fields(Item) if field.name not in (*REQUIRED, "kind")}


def schema() -> dict[str, Any]:
    """The JSON schema of one row of a JSONL manifest (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": f"A row of a stylecli batch manifest, version {SCHEMA_VERSION}",
        "type": "object",
        "required": ["input", "output", "style"],
        "additionalProperties": False,
        "properties": {
            **{name: dict(column.schema) for name, column in COLUMNS.items()},
            RESULT: {"type": "object", "description": "Written by stylecli into RESULTS.jsonl; ignored as an input."},
        },
    }


def kind_of(output: str) -> Kind | None:
    """What an output is, by its suffix."""
    suffix = output[output.rfind(".") :].lower()  # for 100,000 paths, pathlib takes ten times as long
    if suffix in WRITABLE:
        return "picture"
    return "video" if suffix in VIDEO_SUFFIXES else None


def faults_of(row: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the values of a row, one text each."""
    for name, value in row.items():
        if (column := COLUMNS.get(name)) is None:
            close = difflib.get_close_matches(str(name), COLUMNS, 1)
            yield f"unknown key {name!r}" + (f", did you mean {close[0]}?" if close else "")
        elif not column.is_valid(value):
            yield f"{name} {value!r} is not valid"
    yield from (f"{name} is missing" for name in ("input", "output", "style") if name not in row)


def items_of(row: Mapping[str, Any]) -> Iterator[Item]:
    """The items of a row whose values are valid: one for each style.

    Raises:
        ValueError: the output is of no format, or a column makes no sense for it.
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
        name = row.get("id") or output
        yield Item(
            f"{name}-{style}" if len(styles) > 1 and "id" in row else name, row["input"], output, style, kind, **rest
        )


def named(pattern: str, source: str, style: str, *, row_id: str = "") -> str:
    """Fill {stem}, {style}, {suffix} and {id} in.

    Raises:
        ValueError: the pattern holds another name.
    """
    stem, suffix = os.path.splitext(os.path.basename(source))  # noqa: PTH119, PTH122
    if kind_of(source) is None:
        suffix = OTHERWISE["picture" if suffix.lower() in READABLE else "video"]
    values = {"stem": stem, "style": os.path.basename(style), "suffix": suffix, "id": row_id}  # noqa: PTH119

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise ValueError(f"{pattern}: only {{stem}}, {{style}}, {{suffix}} and {{id}} are known")
        return values[found[1]]

    return re.sub(r"\{([^{}]*)\}", value, pattern)
