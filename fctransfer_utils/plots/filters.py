"""First-layer filters of several networks, drawn by one rule, and the measures beside the look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..errors import InputError
from .pictures import picture_blocks
from .style import BLACK, CYCLE, new_figure, settle, styled

MEASURES = (
    ("gabor_r2", "Gabor-like", "Energy explained by the best Gabor (share)"),
    ("colour_share", "Colourful", "Energy outside luminance (share)"),
)
MARKERS = "osD^vXP"
SCALING = "Grey is 0. Each filter is scaled by its own largest weight, in every row alike."


def filter_rows(nets: Mapping[str, Any], *, columns: int = 12, scores: Mapping[str, Any] | None = None) -> Figure:
    """The filters (K, 3, h, w) of each net in ``nets``, one block per net.

    Every filter is shown as grey plus half its weights over their largest size. ``scores`` (one number per filter and
    net, such as ``analysis.filters.gabor_r2``) are written above the filters.
    """
    if not nets:
        raise InputError("no filters to show; name at least one net.")
    pictures = {name: pictures_of(filters, name) for name, filters in nets.items()}
    titles = None if scores is None else {name: [f"{score:.2f}" for score in scores[name]] for name in pictures}
    return picture_blocks(pictures, titles, columns=columns, space=0.14 if scores else 0.03, head=0.4, foot=SCALING)


def filter_measures(table: pd.DataFrame) -> Figure:
    """Every filter's measures by net, with medians and quartiles; ``table`` is ``analysis.filters.filter_table``."""
    if not len(table):
        raise InputError("no filters to measure; the table is empty.")
    names = list(dict.fromkeys(table["net"]))
    with styled():
        figure, panels = new_figure(1, len(MEASURES), height=1.3 + 0.62 * len(names), sharey=True)
        for axes, (column, title, label) in zip(panels, MEASURES, strict=True):
            for index, name in enumerate(names):
                _strip(axes, table.loc[table["net"] == name, column].to_numpy(), index)
            axes.set_xlim(-0.03, 1.03)
            axes.set_ylim(len(names) - 0.5, -0.5)
            axes.set_xlabel(label)
            axes.set_title(title)
            axes.grid(axis="x")
            axes.grid(visible=False, axis="y")
        panels[0].set_yticks(range(len(names)), names)
        settle(figure)
    return figure


def _strip(axes: Axes, values: np.ndarray, index: int) -> None:
    """The values as a beeswarm-like strip under a box of quartiles; their places depend on the values only."""
    colour = CYCLE[index % len(CYCLE)]
    places = index + 0.12 + 0.22 * _stagger(values)
    axes.scatter(values, places, s=16, color=colour, alpha=0.75, lw=0, marker=MARKERS[index % len(MARKERS)], zorder=3)
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    axes.plot([low, high], [index - 0.22] * 2, color=colour, lw=5, alpha=0.45, solid_capstyle="butt")
    axes.plot([middle] * 2, [index - 0.32, index - 0.12], color=BLACK, lw=1.6)
    axes.annotate(f"{middle:.2f}", (middle, index - 0.32), (0, 1), textcoords="offset points", ha="center", fontsize=8)


def _stagger(values: np.ndarray) -> np.ndarray:
    """-1..1 for each value, so that neighbours in size lie at different heights."""
    steps = np.array([0.0, 0.8, -0.6, 0.4, -1.0, 0.6, -0.3, 1.0])
    heights = np.empty(len(values))
    heights[np.argsort(values, kind="stable")] = steps[np.arange(len(values)) % len(steps)]
    return heights


def pictures_of(filters: Any, name: str) -> np.ndarray:
    """Filters (K, 3, h, w) as pictures (K, h, w, 3) in 0..1."""
    weights = np.asarray(filters.detach().cpu().float() if hasattr(filters, "detach") else filters, dtype=float)
    if weights.ndim != 4 or weights.shape[1] != 3 or not len(weights):
        raise InputError(f"filters of {name!r} have shape {weights.shape}; give (K, 3, h, w) with K at least 1.")
    largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    return (0.5 + 0.5 * weights / np.where(largest > 0, largest, 1)).transpose(0, 2, 3, 1)
