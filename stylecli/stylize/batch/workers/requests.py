"""What a worker reads from a request: the look, the span and the frame rate of an item."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from stylecli.media.video.clip import Span
    from stylecli.media.video.rates import Rate
    from stylecli.stylize.look import Look


def look_of(request: Mapping[str, Any]) -> Look:
    """Read the look of an item, with its mask; raises MediaError."""
    from stylecli.stylize.look import Look
    from stylecli.stylize.pictures.pages import read_mask

    mask = read_mask(Path(request["mask"])) if request["mask"] else None
    names = ("strength", "preserve_color", "brush", "fill", "detail", "flow")
    return Look(mask=mask, **{name: request[name] for name in names})


def span_of(text: str | None) -> Span | None:
    """Seconds of a video, of text such as "1.5:3"."""
    if text is None:
        return None
    start, _, end = text.partition(":")
    return Fraction(start or 0), Fraction(end) if end else None


def rate_of(value: float | str | None) -> Rate | None:
    """Read a frame rate as in a row; "cfr" and None stay."""
    from stylecli.media.video.rates import exact_rate

    if value is None or value == "cfr":
        return cast("Rate | None", value)
    return exact_rate(Fraction(str(value)))
