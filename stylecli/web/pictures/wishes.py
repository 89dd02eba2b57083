"""What the page asks for, as JSON, checked here once: style, strength, stroke size, colours, mask, range."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from stylecli.core.errors import UsageError
from stylecli.stylize.look import BRUSH_RANGE, Brush, Look

HINT = "Reload the page."


@dataclass(frozen=True)
class Wish:
    """How a style is wanted. The options are those of `Look`; `mask` is the id of an uploaded picture, "" for none."""

    style: str
    variant: str | None = None
    strength: float = Look.strength
    preserve_color: bool = Look.preserve_color
    brush: Brush = Look.brush
    mask: str = ""
    fill: float | None = Look.fill
    detail: float | None = Look.detail
    flow: float | None = Look.flow


def wish_of(value: Mapping[str, Any]) -> Wish:
    """Read the wish in a call.

    Raises:
        UsageError: a value is missing, of the wrong type or out of range.
    """
    style, variant = value.get("style"), value.get("variant")
    color, mask = value.get("preserve_color", Look.preserve_color), value.get("mask", "")
    if not isinstance(style, str) or not isinstance(color, bool) or not isinstance(mask, str):
        raise UsageError("the call is not understood", hint=HINT)
    if variant is not None and not isinstance(variant, str):
        raise UsageError("the call is not understood", hint=HINT)
    brush = value.get("brush", Look.brush)
    if brush not in ("auto", "native"):
        brush = number(value, "brush")
    strength = number(value, "strength", Look.strength)
    names = ("fill", "detail", "flow")
    fill, detail, flow = (None if value.get(name) is None else number(value, name) for name in names)
    Look(strength=strength, brush=brush, fill=fill, detail=detail, flow=flow)  # checks the ranges
    return Wish(style, variant, strength, color, brush, mask, fill, detail, flow)


def number(value: Mapping[str, Any], name: str, default: float | None = None) -> float:
    """A finite number of a call.

    Raises:
        UsageError: it is missing without a default, or none.
    """
    found = value.get(name, default)
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise UsageError(f"{name}: a number is wanted", hint=HINT)
    return float(found)


def span_of(value: Mapping[str, Any]) -> tuple[Fraction, Fraction | None] | None:
    """The range of a video in a call, in seconds: `{"start": 1.5, "end": 4}`; None for the whole.

    Raises:
        UsageError: it is no range.
    """
    if value.get("span") is None:
        return None
    span = value["span"]
    if not isinstance(span, Mapping):
        raise UsageError("the range is not understood", hint=HINT)
    start = number(span, "start", 0.0)
    end = None if span.get("end") is None else number(span, "end")
    if start < 0 or (end is not None and end <= start):
        raise UsageError("the range is empty", hint="Its end must come after its start.")
    exact = Fraction(str(start)), None if end is None else Fraction(str(end))  # as the command line reads the digits
    return None if exact == (Fraction(0), None) else exact


def brush_on_proxy(brush: Brush, scale: float) -> Brush:
    """The stroke size with which a picture made `scale` times as large looks like the picture itself.

    "auto" is the same for both: the proxy is no smaller than what that works at.
    """
    if brush == "auto" or scale == 1:
        return brush
    low, high = BRUSH_RANGE
    return min(max(low, (1.0 if isinstance(brush, str) else brush) * scale), high)
