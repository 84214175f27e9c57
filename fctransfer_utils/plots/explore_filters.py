"""First-layer filters of one network, before and after training, for a task and a seed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..analysis.explore import AFTER, BEFORE, filters_at
from ..analysis.first_layer import unpack
from .filters import pictures_of
from .quick import Words, page
from .style import GREY, WIDTH, styled

LEFT, HEAD, FOOT, GAP = 1.45, 0.72, 0.3, 0.08  # inches; the gap lies between two filters
ROW = 0.28  # inches above a row of filters, for their scores
FINE = 12  # cells a side of each weight, so that the gaps are as wide as they should be
NOTE = "Grey is 0; each filter is scaled by its own largest weight. Above it: Gabor R² (1: a perfect Gabor)."


def filters_figure(table: pd.DataFrame, *, task: str, seed: int) -> Figure:
    """The filters of the network of ``task`` and ``seed``: after training above, before it below.

    ``table`` is that of ``analysis.explore.filters_at``, which says what raises InputError.
    """
    found = filters_at(table, task=task, seed=seed)
    count = max(len(rows) for rows in found.values())
    side = (WIDTH - LEFT - 0.1) / count
    height = HEAD + FOOT + 2 * (side + ROW)
    with styled():
        figure, axes = page(height)
        words = Words(axes)
        words.write(0.1, height - 0.18, f"{task}, seed {seed}", size=11, bold=True)
        words.write(0.1, height - 0.45, NOTE, colour=GREY)
        for row, state in enumerate((AFTER, BEFORE)):
            bottom = height - HEAD - (row + 1) * (side + ROW)
            words.write(0.1, bottom + side / 2, state.replace(" ", "\n"), size=9, bold=True)
            pictures = pictures_of(next(iter(unpack(found[state]).values())), f"{task}, seed {seed}")
            extent = (LEFT, LEFT + len(pictures) * side, bottom, bottom + side - GAP)
            axes.imshow(_strip(pictures, side), extent=extent, interpolation="nearest", aspect="auto", zorder=2)
            for place, score in enumerate(found[state]["gabor_r2"]):
                x = LEFT + place * side
                words.write(x + (side - GAP) / 2, bottom + side + 0.06, f"{score:.2f}", size=8, align="center")
        words.write(0.1, 0.14, told_filters(table, task=task, seed=seed), size=9)
        axes.set(xlim=(0, WIDTH), ylim=(0, height))
        words.draw()
    return figure


def _strip(pictures: np.ndarray, side: float) -> np.ndarray:
    """Pictures (K, h, w, 3) in a row, each with a white gap after it: (h x FINE, ..., 3), drawn as one image."""
    large = pictures.repeat(FINE, axis=1).repeat(FINE, axis=2)
    gap = round(GAP / (side - GAP) * large.shape[2])
    spaced = np.pad(large, ((0, 0), (0, 0), (0, gap), (0, 0)), constant_values=1.0)
    return np.concatenate(list(spaced), axis=1)


def told_filters(table: pd.DataFrame, *, task: str, seed: int) -> str:
    """What training did to this network's filters, in one sentence. Raises InputError as ``filters_at``."""
    means = {state: float(np.mean(rows["gabor_r2"])) for state, rows in filters_at(table, task=task, seed=seed).items()}
    return (
        f"Mean Gabor R² {means[BEFORE]:.2f} before training, {means[AFTER]:.2f} after it"
        f" ({means[AFTER] - means[BEFORE]:+.2f}; one network, no interval)."
    )
