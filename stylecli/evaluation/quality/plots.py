"""The plots of the report on quality: scores over photos, and the race against the optimisation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from stylecli.evaluation.quality.equivalence import Race
from stylecli.evaluation.report.plots import (
    INK,
    add_legend,
    as_svg,
    decorate,
    drawn,
    make_logarithmic,
    palette,
    shortened,
)

Strip = tuple[str, Sequence[Sequence[float]], float | None]  # title, values by candidate, what the photos have


def score_strips(names: Sequence[str], strips: Sequence[Strip]) -> bytes:
    """Draw a small plot for each score: a dot for every photo, a bar at the mean, a dotted line for the photos' own."""
    columns = 3
    rows = math.ceil(len(strips) / columns)
    with drawn(columns=columns, rows=rows, row_height=0.8 + 0.32 * len(names), share_y=True) as (figure, axes):
        for ax, (title, candidates, own) in zip(axes, strips, strict=False):
            if own is not None:
                ax.axvline(own, color=INK, linestyle=(0, (1, 2)), linewidth=1.4)
            for place, (color, values) in enumerate(zip(palette(), candidates, strict=False)):
                ax.plot(values, np.full(len(values), place), "o", color=color, alpha=0.35, markersize=5, mew=0)
                ax.plot([np.mean(values)] * 2, [place - 0.32, place + 0.32], color=color, linewidth=3)
            decorate(ax, title)
            ax.grid(visible=False, axis="y")
            ax.set_yticks(range(len(names)), [shortened(name) for name in names])
            ax.set_ylim(len(names) - 0.4, -0.6)
        for ax in axes[len(strips) :]:
            ax.set_visible(False)
        return as_svg(figure)


def race_plot(races: Mapping[str, Race]) -> bytes:
    """Draw the total loss of optimisations step by step, and a dashed line at the loss of each network."""
    with drawn(columns=1, rows=1, row_height=3.2) as (figure, (ax,)):
        for color, race in zip(palette(), races.values(), strict=False):
            ax.plot(range(1, len(race.totals) + 1), race.totals, color=color, linewidth=1.8)
            ax.axhline(race.network_total, color=color, linestyle=(0, (5, 3)), linewidth=1.2)
            if race.iterations:
                ax.plot(race.iterations, race.totals[-1], "o", color=color, markersize=6, mew=0)
        decorate(ax, "total loss")
        make_logarithmic(ax)
        ax.set_xlabel("steps of the optimisation", color=INK)
        add_legend(figure, list(races))
        return as_svg(figure)
