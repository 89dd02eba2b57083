"""The report of a batch for people: failures, times and a contact sheet in one HTML file."""

from __future__ import annotations

import base64
import statistics
from collections.abc import Iterator, Sequence
from contextlib import closing
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import StyleError
from stylecli.core.version import __version__
from stylecli.media.images.files import encode_picture, picture_from_pixels, read_picture
from stylecli.media.pixels import quantize, to_unit
from stylecli.media.resizing import resize
from stylecli.stylize.batch.ledger import SKIPPED, ItemOutcome
from stylecli.stylize.batch.manifests.files import files_of
from stylecli.stylize.batch.manifests.rows import Item
from stylecli.stylize.batch.results import DONE, FAILED

SHOWN_MAX = 200  # outputs on the contact sheet
SLOWEST = 10  # items in the table of times
THUMBNAIL = 240  # pixels, longer side
DIFFERENCE = 1200  # pixels, of the picture of what differs from an accepted output
QUALITY = 80  # of the thumbnails, JPEG

STYLE = """
:root { color-scheme: light dark; --line: light-dark(#ddd, #444); --faint: light-dark(#666, #aaa);
  --bad: light-dark(#b00020, #ff8a80); --bar: light-dark(#4a7ba6, #6fa8d8); }
body { font: 16px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p.counts b { font-size: 1.4rem; margin-right: .25rem; } p.counts span { margin-right: 1.6rem; }
.bad { color: var(--bad); } .faint { color: var(--faint); }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 1.1rem .9rem; }
figure { margin: 0; min-width: 0; } .sheet img { width: 100%; height: 9rem; object-fit: contain; background: #8883; }
figcaption { font-size: .8rem; overflow-wrap: anywhere; }
.none { height: 9rem; display: grid; place-items: center; background: #8883; color: var(--faint); font-size: .8rem; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .25rem .8rem .25rem 0;
  border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td:first-child { min-width: 14rem; } td.style { white-space: nowrap; }
@media (max-width: 40rem) { .failures :is(tr, td) { display: block; } .failures tr { padding: .5rem 0; }
  .failures th { display: none; } .failures td { border: 0; padding: 0; }
  .times :is(td, th):nth-child(3), .times .bar { display: none; } .times td:first-child { min-width: 0; } }
td.bar { width: 40%; } td.bar div { height: .8rem; background: var(--bar); }
.difference img { max-width: 100%; } .difference { margin: .6rem 0 1.4rem; }
"""


def report_page(ended: Sequence[ItemOutcome], folder: Path) -> bytes:
    """Render the page, UTF-8. Outputs are relative to `folder`; those that cannot be shown have their names alone."""
    counts = {status: sum(1 for one in ended if one.status == status) for status in (DONE, SKIPPED, FAILED)}
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>stylecli batch</title>",
        f"<meta name='viewport' content='width=device-width'><style>{STYLE}</style>",
        "<h1>stylecli batch</h1>",
        f"<p class='counts'><span><b>{counts[DONE]}</b>done</span><span><b>{counts[SKIPPED]}</b>done before</span>",
        f"<span class='{'bad' if counts[FAILED] else ''}'><b>{counts[FAILED]}</b>failed</span></p>",
        *_failures([one for one in ended if one.status == FAILED]),
        *_times([one for one in ended if one.status == DONE]),
        *_sheet(ended, folder),
        f"<p class='faint'>stylecli {escape(__version__)}</p></html>\n",
    ]
    return "\n".join(parts).encode("utf-8", "replace")


def _failures(failed: Sequence[ItemOutcome]) -> Iterator[str]:
    if not failed:
        return
    yield "<h2>Failures</h2><table class='failures'><tr><th>Item</th><th>Style</th><th>Fault</th></tr>"
    for one in failed:
        fault = f"{escape(one.facts['error'])} <span class='faint'>{escape(one.facts.get('hint', ''))}</span>"
        yield f"<tr><td>{escape(one.item.id)}<td class='style'>{escape(one.item.style)}<td>{fault}</tr>"
    yield "</table>"
    for one in failed:
        if (path := one.facts.get("difference")) and (shown := _picture(Path(path), DIFFERENCE)) is not None:
            yield f"<figure class='difference'><img alt='' src='{shown}'>"
            yield f"<figcaption>{escape(one.item.output)}</figcaption></figure>"


def _times(timed: Sequence[ItemOutcome]) -> Iterator[str]:
    if not timed:
        return
    seconds = [float(one.facts["seconds"]) for one in timed]
    pixels = sum(one.facts.get("pixels", 0) for one in timed) / 1e6
    total = f"{sum(seconds):.1f} s in workers for {pixels:,.1f} megapixels; median {statistics.median(seconds):.2f} s"
    yield f"<h2>Times</h2><p>{total}, longest {max(seconds):.2f} s an item. The slowest:</p>"
    yield "<table class='times'><tr><th>Item</th><th class='number'>Size</th><th class='number'>Frames</th>"
    yield "<th class='number'>Seconds</th><th class='bar'></th></tr>"
    for one in sorted(timed, key=lambda one: -float(one.facts["seconds"]))[:SLOWEST]:
        facts = one.facts
        size = f"{facts['width']} × {facts['height']}" if "width" in facts else ""
        share = 100 * float(facts["seconds"]) / max(*seconds, 1e-9)
        yield f"<tr><td>{escape(one.item.id)}<td class='number'>{size}<td class='number'>{facts.get('frames', '')}"
        yield f"<td class='number'>{facts['seconds']:.2f}<td class='bar'><div style='width:{share:.1f}%'></div></tr>"
    yield "</table>"


def _sheet(ended: Sequence[ItemOutcome], folder: Path) -> Iterator[str]:
    made = [one for one in ended if one.status != FAILED or "difference" in one.facts]
    if not made:
        return
    step = max(1, len(made) / SHOWN_MAX)
    shown = [made[int(number * step)] for number in range(min(len(made), SHOWN_MAX))]
    count = "" if len(shown) == len(made) else f" <span class='faint'>{len(shown)} of {len(made)}</span>"
    yield f"<h2>Results{count}</h2><div class='sheet'>"
    for one in shown:
        picture = _output_picture(one.item, folder)
        image = f"<img alt='' loading='lazy' src='{picture}'>" if picture else "<div class='none'>not shown</div>"
        details = ", ".join(_details(one))
        yield f"<figure>{image}<figcaption>{escape(one.item.output)}<br><span class='faint'>{escape(details)}</span>"
        yield "</figcaption></figure>"
    yield "</div>"


def _details(one: ItemOutcome) -> Iterator[str]:
    yield one.item.style
    if one.status == SKIPPED:
        yield "done before"
    if "seconds" in one.facts:
        yield f"{one.facts['seconds']:.2f} s"
    if "distance" in one.facts:
        yield f"difference {one.facts['distance']:.2f}"
    yield from one.facts.get("warnings", ())


def _output_picture(item: Item, folder: Path) -> str | None:
    try:
        first = files_of(item, folder)[0][1]
    except StyleError:  # a sequence whose frames are gone
        return None
    return _first_frame(first) if item.kind == "video" else _picture(first, THUMBNAIL)


def _picture(path: Path, longest: int) -> str | None:
    try:
        return _data_uri(read_picture(path).pixels, longest)
    except StyleError:
        return None


def _first_frame(path: Path) -> str | None:
    from stylecli.media.video.clip import probe  # heavy: libav
    from stylecli.media.video.reading.reader import read_frames

    try:
        with closing(read_frames(probe(path))) as frames:
            return _data_uri(next(frames).pixels, THUMBNAIL)
    except (StyleError, StopIteration):
        return None


def _data_uri(pixels: NDArray[Any], longest: int) -> str:
    height, width = pixels.shape[:2]
    scale = min(1.0, longest / max(height, width))
    if scale < 1:
        smaller = resize(to_unit(pixels), max(1, round(height * scale)), max(1, round(width * scale)))
        pixels = quantize(smaller, np.uint8)
    data = encode_picture(picture_from_pixels(pixels), ".jpg", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode('ascii')}"
