"""Blocks of small pictures under headings: the one layout of image grids and filter rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from .style import GREY, WIDTH, settle, styled


def picture_blocks(
    blocks: Mapping[str, Any],
    titles: Mapping[str, Sequence[str]] | None,
    *,
    columns: int,
    space: float,
    head: float,
    foot: str = "",
) -> Figure:
    """One block of pictures (N, h, w, 3) per heading, ``columns`` in a row, each with its title above it.

    ``space`` above a picture and ``head`` above a block are in inches; ``foot`` is a line below everything.
    """
    rows = [-(-len(block) // columns) for block in blocks.values()]
    cell = WIDTH / columns + space
    with styled():
        figure = Figure(figsize=(WIDTH, sum(rows) * cell + head * len(rows) + (0.25 if foot else 0)))
        if foot:
            figure.supxlabel(foot, fontsize=8, color=GREY, x=0.01, ha="left")
        parts = np.atleast_1d(figure.subfigures(len(rows), 1, height_ratios=[count * cell + head for count in rows]))
        for part, (heading, block), count in zip(parts, blocks.items(), rows, strict=True):
            part.suptitle(heading, x=0.01, ha="left", fontsize=11, fontweight="bold")
            grid = part.subplots(count, columns, squeeze=False)
            for place, axes in enumerate(grid.flat):
                axes.set_axis_off()
                axes.set_anchor("N")  # what is left of the height goes below: a heading stands next to its own pictures
                if place < len(block):
                    axes.imshow(block[place], interpolation="nearest")
                    if titles is not None:
                        axes.set_title(titles[heading][place], fontsize=8, fontweight="normal", loc="center", pad=2)
        settle(figure)
    return figure
