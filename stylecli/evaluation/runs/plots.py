"""The plot of the report on runs: losses over iterations."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from stylecli.evaluation.report.plots import INK, add_legend, as_svg, decorate, drawn, make_logarithmic, palette
from stylecli.evaluation.runs.curves import Curves

CURVES = {"content": "content", "style": "style", "variation": "total variation", "total": "total"}
SMOOTH_OVER = 25  # a point of the bold curve is the mean of a 25th of the lines, but of at least
SMOOTH_LEAST = 5  # so many: the loss of a single batch is chance


def loss_curves(runs: Mapping[str, Curves]) -> bytes | None:
    """Plot content, style, total variation and total loss over the steps, all runs in each; SVG, None without a log."""
    runs = {name: curves for name, curves in runs.items() if curves.steps}
    if not runs:
        return None
    with drawn(columns=2, rows=2, row_height=2.5) as (figure, axes):
        for place, (key, title) in enumerate(CURVES.items()):
            for color, curves in zip(palette(), runs.values(), strict=False):
                _curve(axes[place], curves, key, color)
            decorate(axes[place], title)
            make_logarithmic(axes[place])
            axes[place].set_xlabel("iterations", color=INK)
        add_legend(figure, list(runs))
        return as_svg(figure)


def _curve(ax: Axes, curves: Curves, key: str, color: str) -> None:
    """Draw every value thinly, their running mean boldly."""
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
