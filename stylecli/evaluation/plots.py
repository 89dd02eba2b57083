"""The plots of reports, as SVG: losses over iterations, scores over photos, the race against the optimisation.

Their paper is transparent and their ink of middle grey: they stand on a light page and on a dark one.
"""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from stylecli.evaluation.curves import Curves
from stylecli.evaluation.equivalence import Race

WIDTH = 10.0  # inches, at 72 units an inch
PADDING = 0.12  # inches around each plot
INK = "#858585"
GRID = "#8585852e"
# Told apart with colour-blind eyes too (after Okabe and Ito 2008), of a brightness that white and black paper bear.
COLORS = ("#1f8fd0", "#e07b1a", "#14a37f", "#c55ea0", "#a08a00", "#d5502f", "#6b7fd7", "#7a9a2e")
CURVES = {"content": "content", "style": "style", "variation": "total variation", "total": "total"}
SMOOTH_OVER = 25  # a point of the bold curve is the mean of a 25th of the lines, but of at least
PUMPING_SEEN = 0.01  # of full brightness: less is not drawn as if it were much
SMOOTH_LEAST = 5  # so many: the loss of a single batch is chance

Strip = tuple[str, Sequence[Sequence[float]], float | None]  # title, values by candidate, what the photos have


def loss_curves(runs: Mapping[str, Curves]) -> bytes | None:
    """Content, style, total variation and total loss, each drawn by itself, all runs in it; None without a log."""
    runs = {name: curves for name, curves in runs.items() if curves.steps}
    if not runs:
        return None
    with _drawn(columns=2, rows=2, row_height=2.5) as (figure, axes):
        for place, (key, title) in enumerate(CURVES.items()):
            for color, curves in zip(_colors(), runs.values(), strict=False):
                _curve(axes[place], curves, key, color)
            _decorate(axes[place], title)
            _make_logarithmic(axes[place])
            axes[place].set_xlabel("iterations", color=INK)
        _legend(figure, list(runs))
        return _svg(figure)


def score_strips(names: Sequence[str], strips: Sequence[Strip]) -> bytes:
    """One small plot for each score: a dot for every photo, a bar at the mean, a dotted line for the photos' own."""
    columns = 3
    rows = math.ceil(len(strips) / columns)
    with _drawn(columns=columns, rows=rows, row_height=0.8 + 0.32 * len(names), share_y=True) as (figure, axes):
        for ax, (title, candidates, own) in zip(axes, strips, strict=False):
            if own is not None:
                ax.axvline(own, color=INK, linestyle=(0, (1, 2)), linewidth=1.4)
            for place, (color, values) in enumerate(zip(_colors(), candidates, strict=False)):
                ax.plot(values, np.full(len(values), place), "o", color=color, alpha=0.35, markersize=5, mew=0)
                ax.plot([np.mean(values)] * 2, [place - 0.32, place + 0.32], color=color, linewidth=3)
            _decorate(ax, title)
            ax.grid(visible=False, axis="y")
            ax.set_yticks(range(len(names)), [_short(name) for name in names])
            ax.set_ylim(len(names) - 0.4, -0.6)
        for ax in axes[len(strips) :]:
            ax.set_visible(False)
        return _svg(figure)


def race_plot(races: Mapping[str, Race]) -> bytes:
    """The total loss of optimisations step by step; a dashed line at what each network has at once."""
    with _drawn(columns=1, rows=1, row_height=3.2) as (figure, (ax,)):
        for color, race in zip(_colors(), races.values(), strict=False):
            ax.plot(range(1, len(race.totals) + 1), race.totals, color=color, linewidth=1.8)
            ax.axhline(race.network_total, color=color, linestyle=(0, (5, 3)), linewidth=1.2)
            if race.iterations:
                ax.plot(race.iterations, race.totals[-1], "o", color=color, markersize=6, mew=0)
        _decorate(ax, "total loss")
        _make_logarithmic(ax)
        ax.set_xlabel("steps of the optimisation", color=INK)
        _legend(figure, list(races))
        return _svg(figure)


def time_plot(errors: Mapping[str, Sequence[float]], brightness: Mapping[str, Sequence[float]], *, own: str) -> bytes:
    """The warping error and the mean brightness over the frames of a clip; dotted in grey, those of `own`, the clip."""
    swings = {name: np.array(values) - np.mean(values) for name, values in brightness.items()}
    with _drawn(columns=2, rows=1, row_height=2.5) as (figure, (left, right)):
        for ax, lines in ((left, errors), (right, swings)):
            ax.plot(lines[own], color=INK, linestyle=(0, (1, 2)), linewidth=1.6)
            for color, name in zip(_colors(), (name for name in lines if name != own), strict=False):
                ax.plot(lines[name], color=color, linewidth=1.8)
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            ax.set_xlabel("frame", color=INK)
        _decorate(left, "warping error")
        left.set_ylim(bottom=0)
        _decorate(right, "mean brightness, from its mean over time")
        reach = max(PUMPING_SEEN, *(float(np.abs(swing).max()) for swing in swings.values()))
        right.set_ylim(-1.1 * reach, 1.1 * reach)
        _legend(figure, [name for name in errors if name != own])
        return _svg(figure)


def trade_off_plot(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Style and content distance over parameters and over milliseconds; rows of `sweep`, a line for each kind."""
    kinds = dict.fromkeys(row["kind"] for row in rows if row["kind"] != "whole")
    with _drawn(columns=2, rows=2, row_height=2.8) as (figure, axes):
        for place, (cost, score) in enumerate(
            [("parameters", "style"), ("milliseconds", "style"), ("parameters", "content"), ("milliseconds", "content")]
        ):
            ax = axes[place]
            for color, kind in zip(_colors(), kinds, strict=False):
                line = sorted((row[cost], row[score]) for row in rows if row["kind"] in (kind, "whole"))
                ax.plot(*zip(*line, strict=True), "o-", color=color, linewidth=1.8, markersize=5, mew=0)
            _decorate(ax, f"{score} distance")
            ax.set_xscale("log")
            ax.set_xlabel(cost, color=INK)
        _legend(figure, list(kinds))
        return _svg(figure)


def _curve(ax: Axes, curves: Curves, key: str, color: str) -> None:
    """Every value thinly, their running mean boldly."""
    steps, values = np.array(curves.steps), np.array(curves.values.get(key, [math.nan] * len(curves.steps)))
    known = np.isfinite(values) & (values > 0)  # the axis is logarithmic
    steps, values = steps[known], values[known]
    if not len(values):
        return
    ax.plot(steps, values, color=color, alpha=0.25, linewidth=0.8)
    reach = min(len(values), max(SMOOTH_LEAST, len(values) // SMOOTH_OVER))
    weights = np.ones(reach)
    smooth = np.convolve(values, weights, "same") / np.convolve(np.ones(len(values)), weights, "same")
    ax.plot(steps, smooth, color=color, linewidth=1.8, marker="o" if len(values) == 1 else None, markersize=4)


@contextmanager
def _drawn(*, columns: int, rows: int, row_height: float, share_y: bool = False) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure and its plots, row by row, in the font of all pictures with text."""
    with matplotlib.rc_context({"font.family": _font(), "font.size": 10, "svg.hashsalt": "stylecli"}):
        layout = ConstrainedLayoutEngine(h_pad=PADDING, w_pad=PADDING)
        figure = Figure(figsize=(WIDTH, row_height * rows + 0.3), layout=layout)
        figure.patch.set_alpha(0)
        axes: Any = figure.subplots(rows, columns, squeeze=False, sharey=share_y)
        yield figure, list(axes.flat)


def _make_logarithmic(ax: Axes) -> None:
    """A logarithmic scale with plain numbers, as many as the range needs."""
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    digits = (1, 2, 5) if high / low > 5 else (1, 1.5, 2, 3, 5, 7)
    ax.yaxis.set_major_locator(LogLocator(subs=digits))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_locator(NullLocator())


def _decorate(ax: Axes, title: str) -> None:
    ax.set_title(title, loc="left", color=INK, fontsize=11, fontweight="bold")
    ax.patch.set_alpha(0)
    ax.grid(visible=True, color=GRID, linewidth=0.8)
    ax.tick_params(which="both", colors=INK, length=0)
    for side in ax.spines.values():
        side.set_visible(False)


def _legend(figure: Figure, names: Sequence[str]) -> None:
    handles = [Line2D([], [], color=color, linewidth=2.5) for _, color in zip(names, _colors(), strict=False)]
    figure.legend(
        handles,
        [_short(name) for name in names],
        loc="outside upper center",
        ncols=min(4, len(names)),
        frameon=False,
        labelcolor=INK,
    )


def _colors() -> Iterator[str]:
    while True:
        yield from COLORS


def _short(name: str) -> str:
    # A dollar sign would begin a formula.
    return (name if len(name) <= 28 else f"…{name[-27:]}").replace("$", r"\$")


def _svg(figure: Figure) -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format="svg", transparent=True, metadata={"Date": None})
    return target.getvalue()


@functools.cache
def _font() -> str:
    """The font of the contact sheets, made known to matplotlib once: a bare machine has none of its own."""
    import font_source_sans_pro as fonts

    for file in (fonts.SourceSansPro, fonts.SourceSansProBold):
        font_manager.fontManager.addfont(file)
    return "Source Sans Pro"
