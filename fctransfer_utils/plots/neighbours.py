"""What each layer holds to be alike: a board of nearest neighbours, and probes layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..errors import InputError
from .style import BLUE, GREEN, VERMILLION, WIDTH, new_figure, settle, styled

SAME, OTHER = GREEN, VERMILLION
STEP = 16


def neighbour_board(queries: Any, gallery: Any, table: pd.DataFrame) -> Figure:
    """A block per query and a row in it per layer: on the left the query, then its neighbours, best first.

    ``queries`` and ``gallery`` are uint8 (N, 3, S, S); ``table`` is that of ``analysis.neighbours``, ``query`` and
    ``neighbour`` being row numbers in the two. A neighbour of the same class has a full frame, others a dashed one.
    Pictures are shown with 16 levels per colour: noise takes most of a file's size and says nothing. Raises InputError
    for numbers that are not there.
    """
    if not len(table):
        raise InputError("no neighbours to draw; name at least one query.")
    asked, given = _fewer_levels(_pictures(queries)), _fewer_levels(_pictures(gallery))
    for column, known in (("query", asked), ("neighbour", given)):
        if table[column].max() >= len(known):
            raise InputError(f"{column} {table[column].max()} is asked for, but there are {len(known)} images.")
    layers, shown = list(dict.fromkeys(table["layer"])), list(dict.fromkeys(table["query"]))
    columns = int(table["rank"].max()) + 2.4  # the query, the layer's name, the neighbours, a gap
    across = min(2, len(shown))
    down = -(-len(shown) // across)
    tall = len(layers) + 0.5
    cell = WIDTH / (across * columns)
    with styled():
        figure = Figure(figsize=(WIDTH, down * tall * cell))
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, across * columns), ylim=(down * tall, 0))
        axes.set_axis_off()
        for place, query in enumerate(shown):
            left, top = place % across * columns, place // across * tall
            axes.text(left + 0.5, top + 0.32, "query", ha="center", va="bottom", fontsize=8)
            _put(axes, asked[query], left, top + 0.4)
            for row, layer in enumerate(layers):
                axes.text(left + 1.5, top + row + 0.9, layer, ha="center", va="center", fontsize=9)
                found = table[(table["query"] == query) & (table["layer"] == layer)]
                for hit in found.itertuples():
                    x = left + 1 + hit.rank
                    _put(axes, given[hit.neighbour], x, top + row + 0.4, same=bool(hit.same))
        axes.set(xlim=(0, across * columns), ylim=(down * tall, 0), aspect="auto")
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


def _put(axes: Axes, picture: np.ndarray, x: float, y: float, *, same: bool | None = None) -> None:
    """A picture in the unit square at (x, y), with a margin; framed where it is a neighbour."""
    margin = 0.06
    extent = (x + margin, x + 1 - margin, y + 1 - margin, y + margin)
    axes.imshow(picture, interpolation="nearest", extent=extent, aspect="auto")
    if same is not None:
        look = {"ec": SAME if same else OTHER, "ls": "-" if same else (0, (2, 1)), "lw": 2.2, "fc": "none"}
        axes.add_patch(Rectangle((extent[0], extent[3]), 1 - 2 * margin, 1 - 2 * margin, **look))


def _fewer_levels(pictures: np.ndarray) -> np.ndarray:
    return pictures // STEP * STEP + STEP // 2


def _pictures(images: Any) -> np.ndarray:
    """uint8 (N, 3, S, S), tensor or array, as (N, S, S, 3)."""
    array = np.asarray(images.detach().cpu() if hasattr(images, "detach") else images)
    if array.ndim != 4 or array.shape[1] != 3 or array.dtype != np.uint8 or not len(array):
        raise InputError(
            f"the images are {array.dtype} of shape {array.shape}; give uint8 of shape (N, 3, S, S), N > 0."
        )
    return array.transpose(0, 2, 3, 1)
