"""How general each layer is: probes beside the transfer curve, likeness of layers, distance against the gap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..errors import InputError, unknown
from .style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    new_figure,
    settle,
    styled,
)

PROBE_STYLE: dict[str, dict[str, Any]] = {  # by what the probed network had learnt
    "own": {"color": BLUE, "marker": "s", "ls": "-"},
    "other": {"color": VERMILLION, "marker": "^", "ls": "-"},
    "untrained": {"color": PURPLE, "marker": "X", "ls": (0, (1, 1))},
}
PROBE_LABEL = {
    "own": "probe on the target's own base",
    "other": "probe on the other half's base",
    "untrained": "probe on an untrained network",
}
DASHES = ("-", (0, (5, 2)), (0, (1, 1)))
POINT_MARKERS, POINT_COLOURS = "oD^vPX*", (VERMILLION, BLUE, ORANGE, GREEN, PURPLE, SKY, BLACK)


def probes_beside_transfer(panels: Mapping[str, tuple[pd.DataFrame, pd.DataFrame | None]]) -> Figure:
    """Linear probes after each layer, a panel per title, beside the frozen transplants with as many layers.

    A panel is of one target: its probes with ``learnt`` (own, other, untrained), ``n`` and ``top1`` (fraction), and the
    networks of that target, whose base and mean AnB are drawn where there are any (or None). In both, layers 1..n are
    the same: the probe puts one linear layer on them, the transplant all the other layers.
    """
    if not panels or any(not len(probes) for probes, _ in panels.values()):
        raise InputError("no probe to draw; measure at least one layer of every panel.")
    with styled():
        figure, grid = new_figure(1, len(panels), height=4.4, sharey=True, squeeze=False)
        for axes, (title, (probes, networks)) in zip(grid[0], panels.items(), strict=True):
            for learnt, rows in probes.groupby("learnt", sort=False):
                if learnt not in PROBE_STYLE:
                    raise unknown("kind of probed network", learnt, PROBE_STYLE)
                rows = rows.sort_values("n")
                look = {"ms": 6, "mec": "white", "mew": 0.6, **PROBE_STYLE[learnt]}
                axes.plot(rows["n"], 100 * rows["top1"], label=PROBE_LABEL[learnt], **look)
            if networks is not None:
                _transplants(axes, networks)
            axes.set_title(title, fontsize=10)
            axes.set_xticks(sorted(set(probes["n"])))
            axes.set_xlabel("after layer n")
        grid[0][0].set_ylabel("Top-1 accuracy (%)")
        handles = {h.get_label(): h for axes in grid[0] for h in axes.get_legend_handles_labels()[0]}
        figure.legend(handles=list(handles.values()), loc="outside upper left", ncols=2, handlelength=3.2)
        settle(figure)
    return figure


def cka_matrices(panels: Mapping[str, pd.DataFrame]) -> Figure:
    """The likeness of every two layers, a square per title, from ``analysis.similarity.cka_table``, with its values.

    Rows are the layers of the network named first, columns those of the other; 0 is white and 1 dark. A table of
    several pairs of networks is averaged over them.
    """
    if not panels:
        raise InputError("nothing to compare; name at least one pair of networks.")
    with styled():
        figure, grid = new_figure(1, len(panels), height=0.8 + 8.2 / len(panels), squeeze=False)
        for axes, (title, table) in zip(grid[0], panels.items(), strict=True):
            wide = table.pivot_table(index="layer", columns="other_layer", values="cka")
            wide = wide.loc[list(dict.fromkeys(table["layer"])), list(dict.fromkeys(table["other_layer"]))]
            values = wide.to_numpy()
            axes.imshow(values, vmin=0, vmax=1, cmap="Blues", aspect="equal")
            for (row, column), value in np.ndenumerate(values):
                dark = "white" if value > 0.6 else BLACK
                axes.text(column, row, f"{abs(value) if round(value, 2) == 0 else value:.2f}".replace("0.", "."),
                          ha="center", va="center", fontsize=7.5, color=dark)  # fmt: skip
            axes.set_xticks(range(len(wide.columns)), wide.columns, rotation=90, fontsize=8)
            axes.set_yticks(range(len(wide.index)), wide.index, fontsize=8)
            axes.tick_params(length=0)
            axes.grid(visible=False)
            axes.set_title(title, fontsize=9.5)
            for spine in axes.spines.values():
                spine.set_visible(False)
        settle(figure)
    return figure


def likeness_by_layer(panels: Mapping[str, pd.DataFrame], *, gap: pd.DataFrame | None = None) -> Figure:
    """The diagonal of ``cka_matrices``, a line per title; with ``gap`` (``n, mean``, points) below, on the same n.

    Of several pairs of networks (column ``which``) the line is the mean and the bars reach from the least to the most.
    """
    if not panels:
        raise InputError("nothing to compare; name at least one pair of networks.")
    with styled():
        shape = {"height": 5.0 if gap is not None else 3.6, "sharex": True, "squeeze": False}
        figure, grid = new_figure(2 if gap is not None else 1, 1, **shape)
        top = grid[0][0]
        for place, (title, table) in enumerate(panels.items()):
            rows = table[table["layer"] == table["other_layer"]]
            same = rows.groupby("layer", sort=False)["cka"].agg(["mean", "min", "max", "size"])
            x = np.arange(1, len(same) + 1)
            look = {"marker": POINT_MARKERS[place % 7], "color": POINT_COLOURS[place % 7], "ls": DASHES[place % 3]}
            count = int(same["size"].max())
            top.plot(x, same["mean"], label=f"{title}, {count} pair{'s' * (count > 1)}", **look)
            if count > 1:
                reach = [same["mean"] - same["min"], same["max"] - same["mean"]]
                top.errorbar(x, same["mean"], reach, fmt="none", ecolor=look["color"], elinewidth=1.2, capsize=2.5)
            top.set_xticks(x, [f"{n}\n{layer}" for n, layer in enumerate(same.index, start=1)])
        top.set_ylim(min(0.0, top.get_ylim()[0]), 1.03)
        top.set_ylabel("Linear CKA of\nthe same layer")
        if gap is not None:
            low = grid[1][0]
            low.axhline(0, color=BLACK, lw=1)
            low.plot(gap["n"], gap["mean"], color=VERMILLION, marker="^")
            low.set_ylabel("AnB minus base\n(points)")
        grid[-1][0].set_xlabel("layer")
        figure.legend(loc="outside upper left", ncols=2, handlelength=3.2)
        settle(figure)
    return figure


def distance_scatter(
    joined: pd.DataFrame,
    measures: Mapping[str, str],
    *,
    correlations: pd.DataFrame | None = None,
    group: str = "split",
) -> Figure:
    """Each measure of distance against the gap, a panel per measure; from ``analysis.distant.distance_and_gap``.

    ``measures`` maps columns to the labels of their axes. Colour and marker say the ``group``, the number inside
    is n. ``correlations`` (``analysis.distant.rank_correlations``) are written into the titles with their counts.
    """
    if not measures or not len(joined):
        raise InputError("no distances to draw; name at least one measure and pass at least one point.")
    columns = min(3, len(measures))
    rows = -(-len(measures) // columns)
    with styled():
        figure, grid = new_figure(rows, columns, height=0.5 + 3.2 * rows, sharey=True, squeeze=False)
        names = list(dict.fromkeys(joined[group]))
        for axes, (measure, label) in zip(grid.flat, measures.items(), strict=False):
            axes.axhline(0, color=BLACK, lw=0.8)
            for place, name in enumerate(names):
                look = {"marker": POINT_MARKERS[place % 7], "color": POINT_COLOURS[place % 7], "label": name}
                for point in joined[joined[group] == name].dropna(subset=[measure]).itertuples():
                    _numbered(axes, getattr(point, measure), point.gap, point.n, look)
            axes.set_xlabel(label)
            if correlations is not None:
                axes.set_title(_correlation(correlations, measure), fontsize=9, fontweight="normal")
        for axes in grid.flat[len(measures) :]:
            axes.set_visible(False)
        for line in grid:
            line[0].set_ylabel("AnB minus base (points)")
        handles = {h.get_label(): h for h in grid[0][0].get_legend_handles_labels()[0]}
        figure.legend(handles=list(handles.values()), loc="outside upper left", ncols=len(names))
        settle(figure)
    return figure


def _numbered(axes: Axes, x: float, y: float, number: int, look: Mapping[str, Any]) -> None:
    """A marker with a number inside; one that is drawn later hides both of an earlier one, so that none float about."""
    order = 3 + len(axes.collections)
    axes.scatter([x], [y], s=90, ec="white", lw=0.6, zorder=order, **look)
    axes.text(x, y, str(number), color="white", fontsize=7, fontweight="bold", ha="center", va="center_baseline",
              zorder=order + 0.5)  # fmt: skip


def _transplants(axes: Axes, rows: pd.DataFrame) -> None:
    means = 100 * rows[rows["treatment"] == "AnB"].groupby("n")["top1"].mean()
    if len(means):
        axes.plot(means.index, means, color=ORANGE, marker="v", ls=(0, (4, 1.5)), ms=6.5, mec="white", mew=0.6,
                  label="AnB: the other layers learnt on top")  # fmt: skip
    bases = rows.loc[rows["treatment"] == "base", "top1"]
    if len(bases):
        axes.axhline(100 * bases.mean(), color=BLACK, ls=(0, (5, 2)), lw=1.2, label="base")


def _correlation(table: pd.DataFrame, measure: str) -> str:
    found = table[table["measure"] == measure].set_index("over")
    words = []
    for over, row in found.iterrows():
        value = f"{row['rho']:+.2f}" if np.isfinite(row["rho"]) else "none"
        words.append(f"{over} {value} (of {int(row['count'])})")
    return "Rank correlation: " + ",\n".join(words)
