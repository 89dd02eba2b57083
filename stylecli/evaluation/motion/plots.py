"""The plot of the report on steadiness: warping error and brightness over the frames of a clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from stylecli.evaluation.report.plots import INK, add_legend, as_svg, decorate, drawn, palette

PUMPING_SEEN = 0.01  # of full brightness: the least range of the brightness plot, so tiny changes look tiny


def time_plot(errors: Mapping[str, Sequence[float]], brightness: Mapping[str, Sequence[float]], *, own: str) -> bytes:
    """Plot warping error and mean brightness over the frames of a clip; returns SVG.

    Args:
        errors: the warping error of each pair of frames, by name.
        brightness: the mean brightness of each frame in 0..1, by name.
        own: the name of the clip itself, drawn dotted.
    """
    swings = {name: np.array(values) - np.mean(values) for name, values in brightness.items()}
    with drawn(columns=2, rows=1, row_height=2.5) as (figure, (left, right)):
        for ax, lines in ((left, errors), (right, swings)):
            ax.plot(lines[own], color=INK, linestyle=(0, (1, 2)), linewidth=1.6)
            for color, name in zip(palette(), (name for name in lines if name != own), strict=False):
                ax.plot(lines[name], color=color, linewidth=1.8)
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            ax.set_xlabel("frame", color=INK)
        decorate(left, "warping error")
        left.set_ylim(bottom=0)
        decorate(right, "mean brightness, from its mean over time")
        reach = max(PUMPING_SEEN, *(float(np.abs(swing).max()) for swing in swings.values()))
        right.set_ylim(-1.1 * reach, 1.1 * reach)
        add_legend(figure, [name for name in errors if name != own])
        return as_svg(figure)
