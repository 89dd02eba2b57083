"""The plots of reports, as SVG: losses over iterations, scores over photos, the race against the optimisation.

The background is transparent and the text middle grey, for light and dark pages.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

WIDTH = 10.0  # inches, at 72 units an inch
PADDING = 0.12  # inches around each plot
INK = "#858585"
GRID = "#8585852e"
# Told apart with colour-blind eyes too (after Okabe and Ito 2008), of a brightness that white and black paper bear.
COLORS = ("#1f8fd0", "#e07b1a", "#14a37f", "#c55ea0", "#a08a00", "#d5502f", "#6b7fd7", "#7a9a2e")


@contextmanager
def drawn(*, columns: int, rows: int, row_height: float, share_y: bool = False) -> Iterator[tuple[Figure, list[Axes]]]:
    """Open a figure and its plots, row by row, in the font that all pictures with text use."""
    with matplotlib.rc_context({"font.family": _font(), "font.size": 10, "svg.hashsalt": "stylecli"}):
        layout = ConstrainedLayoutEngine(h_pad=PADDING, w_pad=PADDING)
        figure = Figure(figsize=(WIDTH, row_height * rows + 0.3), layout=layout)
        figure.patch.set_alpha(0)
        axes: Any = figure.subplots(rows, columns, squeeze=False, sharey=share_y)
        yield figure, list(axes.flat)


def make_logarithmic(ax: Axes) -> None:
    """Set a logarithmic scale with plain numbers, as many as the range needs."""
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    digits = (1, 2, 5) if high / low > 5 else (1, 1.5, 2, 3, 5, 7)
    ax.yaxis.set_major_locator(LogLocator(subs=digits))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_locator(NullLocator())


def decorate(ax: Axes, title: str) -> None:
    """Give an axes its title and the look of the report."""
    ax.set_title(title, loc="left", color=INK, fontsize=11, fontweight="bold")
    ax.patch.set_alpha(0)
    ax.grid(visible=True, color=GRID, linewidth=0.8)
    ax.tick_params(which="both", colors=INK, length=0)
    for side in ax.spines.values():
        side.set_visible(False)


def add_legend(figure: Figure, names: Sequence[str]) -> None:
    """Put one legend below all axes."""
    handles = [Line2D([], [], color=color, linewidth=2.5) for _, color in zip(names, palette(), strict=False)]
    figure.legend(
        handles,
        [shortened(name) for name in names],
        loc="outside upper center",
        ncols=min(4, len(names)),
        frameon=False,
        labelcolor=INK,
    )


def palette() -> Iterator[str]:
    """Yield colours of series, repeated without end."""
    while True:
        yield from COLORS


def shortened(name: str) -> str:
    """Shorten a name to its last 28 characters."""
    # A dollar sign would begin a formula.
    return (name if len(name) <= 28 else f"…{name[-27:]}").replace("$", r"\$")


def as_svg(figure: Figure) -> bytes:
    """Render the figure as SVG with a transparent background; equal figures give equal bytes."""
    target = io.BytesIO()
    figure.savefig(target, format="svg", transparent=True, metadata={"Date": None})
    return target.getvalue()


@functools.cache
def _font() -> str:
    """Register the font of the contact sheets with matplotlib, once: a bare machine has no font."""
    import font_source_sans_pro as fonts

    for file in (fonts.SourceSansPro, fonts.SourceSansProBold):
        font_manager.fontManager.addfont(file)
    return "Source Sans Pro"
