"""The columns of a manifest: their checks and the published JSON schema, all from one table."""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from stylecli.media.images.settings import BITS
from stylecli.stylize.look import BRUSH_RANGE, DETAIL_MAX, FILL_MAX, FLOW_MAX

SCHEMA_VERSION = 1
SCHEMA_ID = f"stylecli-batch-{SCHEMA_VERSION}"
RESULT = "result"  # the key that RESULTS.jsonl adds to a row; as an input it is ignored
FPS_MAX = 1000

Kind = Literal["picture", "sequence", "video"]


@dataclass(frozen=True)
class Column:
    """A column of a manifest: its JSON schema, and how a cell of a CSV file becomes its value."""

    schema: Mapping[str, Any]
    is_valid: Callable[[Any], bool]
    from_text: Callable[[str], Any] = str
    only: Literal["picture", "video"] | None = None  # where it makes sense; a sequence is made of pictures


def schema() -> dict[str, Any]:
    """Return the JSON schema of one row of a JSONL manifest (draft 2020-12)."""
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


def faults_of(row: Mapping[str, Any]) -> Iterator[str]:
    """Describe what is wrong with the values of a row, one text each."""
    for name, value in row.items():
        if (column := COLUMNS.get(name)) is None:
            close = difflib.get_close_matches(str(name), COLUMNS, 1)
            yield f"unknown key {name!r}" + (f", did you mean {close[0]}?" if close else "")
        elif not column.is_valid(value):
            yield f"{name} {value!r} is not valid"
    yield from (f"{name} is missing" for name in ("input", "output", "style") if name not in row)


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


def _flag(description: str, only: Literal["picture", "video"] | None = None) -> Column:
    return Column({"type": "boolean", "description": description}, lambda value: isinstance(value, bool), _truth, only)


_TEXT = {"type": "string", "minLength": 1}
_BRUSHES = ("auto", "native")
COLUMNS: Mapping[str, Column] = {
    "id": Column({**_TEXT, "description": "A name of the row; default: its output."}, _is_text),
    "input": Column({**_TEXT, "description": "A picture, a video, or a numbered sequence: shot.%04d.exr."}, _is_text),
    "output": Column(
        {
            **_TEXT,
            "description": "The file to write. May hold {stem}, {style}, {suffix} and {id}.",
        },
        _is_text,
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
    "fill": Column(
        {"type": "number", "minimum": 0, "maximum": FILL_MAX, "description": "Strokes in empty areas."},
        _is_in(0, FILL_MAX),
        _number,
        "picture",
    ),
    "detail": Column(
        {
            "type": "number",
            "minimum": 0,
            "maximum": DETAIL_MAX,
            "description": "Fine strokes where there is detail.",
        },
        _is_in(0, DETAIL_MAX),
        _number,
    ),
    "flow": Column(
        {
            "type": "number",
            "minimum": 0,
            "maximum": FLOW_MAX,
            "description": "How far strokes are drawn out along the shapes.",
        },
        _is_in(0, FLOW_MAX),
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
