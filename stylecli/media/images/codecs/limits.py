"""What every decoder refuses: too many pixels, a page that is not there."""

from __future__ import annotations

from stylecli.core.errors import MediaError, UsageError
from stylecli.media.images.settings import Reading

PIXELS_MAX = 1_000_000_000  # a file of a few kilobytes can claim more than any memory holds
DAMAGED_HINT = "Copy or export it again."


def check_pixels(width: int, height: int, name: str, reading: Reading, *, before: int = 0) -> None:
    """Refuse what no memory holds, before a sample is decoded. before: pixels of the pages before this one.

    Raises:
        MediaError: it has too many pixels.
    """
    most = PIXELS_MAX if reading.pixels_max is None else reading.pixels_max
    if width * height + before > most:
        raise MediaError(
            f"{name}: {width} x {height} pixels are too many",
            hint=f"At most {most // 10**6} megapixels are read: make it smaller.",
        )


def check_page(page: int | None, total: int, name: str) -> None:
    """Refuse a page, counted from 0, that a file of `total` does not have.

    Raises:
        UsageError: there is no such page.
    """
    if page is not None and not 0 <= page < total:
        pages = "1 page" if total == 1 else f"{total} pages"
        raise UsageError(f"{name}: it has {pages}, not {page + 1}", hint="Give another `page`.")
