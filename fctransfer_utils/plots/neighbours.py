"""What each layer holds to be alike: a board of nearest neighbours, and probes layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..errors import InputError
from .style import BLUE, VERMILLION, WIDTH, new_figure, settle, styled

SAME, OTHER = "#009E73", "#D55E00"


def neighbour_board(queries: Any, gallery: Any, table: pd.DataFrame) -> Figure:
    """A block per query and a row in it per layer: on the left the query, then its neighbours, best first.

    ``queries`` and ``gallery`` are uint8 (N, 3, S, S); ``table`` is that of ``analysis.neighbours``, ``query`` and
    ``neighbour`` being row numbers in the two. A neighbour of the same class has a full frame, others a dashed one.
    Raises InputError for numbers that are not there.
    """
    if not len(table):
        raise InputError("no neighbours to draw; name at least one query.")
    asked, given = _pictures(queries), _pictures(gallery)
    for column, known in (("query", asked), ("neighbour", given)):
        if table[column].max() >= len(known):
            raise InputError(f"{column} {table[column].max()} is asked for, but there are {len(known)} images.")
    layers, shown = list(dict.fromkeys(table["layer"])), list(dict.fromkeys(table["query"]))
    count = int(table["rank"].max())
    across = min(2, len(shown))
    down = -(-len(shown) // across)
    columns = count + 2
    side = WIDTH / (across * columns)
    with styled():
        figure = Figure(figsize=(WIDTH, down * (side * len(layers) + 0.35)))
        blocks = np.atleast_1d(figure.subfigures(down, across, wspace=0.02, hspace=0.05)).ravel()
        for block, query in zip(blocks, shown, strict=False):
            grid = block.subplots(len(layers), columns, squeeze=False)
            for row, layer in zip(grid, layers, strict=True):
                for axes in row:
                    axes.set_axis_off()
                row[1].text(0.5, 0.5, layer, ha="center", va="center", fontsize=8.5, transform=row[1].transAxes)
                found = table[(table["query"] == query) & (table["layer"] == layer)].sort_values("rank")
                for axes, hit in zip(row[2:], found.itertuples(), strict=False):
                    _framed(axes, given[hit.neighbour], same=bool(hit.same))
            grid[0, 0].imshow(asked[query], interpolation="nearest")
            grid[0, 0].set_title("query", fontsize=8, loc="center", fontweight="normal", pad=2)
        settle(figure)
    return figure


def probe_lines(table: pd.DataFrame) -> Figure:
    """Two panels over the layers: top-1 of a linear probe, and the share of neighbours of the same class.

    ``table`` has a row per layer and kind of classes: ``classes, layer, probe, neighbours`` (fractions) and ``images``,
    the test images behind each; the band is the binomial 95 % interval.
    """
    needed = {"classes", "layer", "probe", "neighbours", "images"}
    missing = needed - set(table.columns)
    if missing or not len(table):
        raise InputError(f"not a table of probes: it lacks {', '.join(sorted(missing)) or 'rows'}.")
    layers = list(dict.fromkeys(table["layer"]))
    looks = [(BLUE, "o", "-"), (VERMILLION, "s", (0, (4, 1.5)))]
    with styled():
        figure, panels = new_figure(1, 2, height=3.1, sharey=True)
        titles = (("probe", "Linear probe, top-1 (%)"), ("neighbours", "Neighbours of the same class (%)"))
        for axes, (column, title) in zip(panels, titles, strict=True):
            for (name, rows), (colour, marker, line) in zip(table.groupby("classes", sort=False), looks, strict=False):
                values = 100 * rows.set_index("layer")[column].reindex(layers).to_numpy()
                counts = rows.set_index("layer")["images"].reindex(layers).to_numpy()
                half = 1.96 * np.sqrt(np.clip(values * (100 - values), 0, None) / counts)
                axes.fill_between(range(len(layers)), values - half, values + half, color=colour, alpha=0.15, lw=0)
                axes.plot(range(len(layers)), values, color=colour, marker=marker, ls=line, label=name)
            axes.set_xticks(range(len(layers)), layers)
            axes.set_xlabel("Features of layer")
            axes.set_title(title)
        panels[0].set_ylim(0, 103)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=2, handlelength=3)
        settle(figure)
    return figure


def _framed(axes: Axes, picture: np.ndarray, *, same: bool) -> None:
    axes.set_axis_on()
    axes.imshow(picture, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color=SAME if same else OTHER, linewidth=2.4, linestyle="-" if same else (0, (2, 1)))


def _pictures(images: Any) -> np.ndarray:
    """uint8 (N, 3, S, S), tensor or array, as (N, S, S, 3)."""
    array = np.asarray(images.detach().cpu() if hasattr(images, "detach") else images)
    if array.ndim != 4 or array.shape[1] != 3 or array.dtype != np.uint8 or not len(array):
        raise InputError(
            f"the images are {array.dtype} of shape {array.shape}; give uint8 of shape (N, 3, S, S), N > 0."
        )
    return array.transpose(0, 2, 3, 1)
