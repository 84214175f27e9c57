"""What new layers need: their first steps, what they send into the trunk, other losses, and plain comparisons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ..errors import InputError, unknown
from .style import BLACK, CYCLE, GREY, new_figure, settle, styled

LINES = ("-", (0, (5, 2)), (0, (1, 1)), (0, (4, 1.5, 1, 1.5)), "-", (0, (5, 2)))
MARKERS = "os^DvP"
ZERO = 1e-4  # where a gradient of exactly 0 is drawn on a logarithmic axis


def first_steps(table: pd.DataFrame) -> Figure:
    """Loss over the first steps by choice (mean over seeds), and the gradient of each layer at the first step.

    ``table`` has ``choice, seed, step, loss, norm_<layer>...``, as from ``course.practice.first_steps``. Gradients of
    exactly 0 are open markers at the bottom.
    """
    _some(table, "step of a head")
    names = list(dict.fromkeys(table["choice"]))
    layers = [column for column in table if column.startswith("norm_")]
    with styled():
        figure, (left, right) = new_figure(1, 2, height=3.6, width_ratios=[1.25, 1])
        for place, name in enumerate(names):
            part = table[table["choice"] == name]
            curve = part.groupby("step")["loss"].mean()
            left.plot(curve.index, curve, **_line(place), markevery=(2 * place, 12), ms=5, label=name)
            first = part[part["step"] == 0][layers].mean()
            x = np.arange(len(layers)) + 0.11 * (place - (len(names) - 1) / 2)
            filled = first.to_numpy() > 0
            heights, colour = np.where(filled, first, ZERO), _line(place)["color"]
            for there, face in ((True, colour), (False, "white")):
                chosen = filled == there
                right.plot(x[chosen], heights[chosen], MARKERS[place], color=colour, ms=6.5, mfc=face)
        left.set(title="Loss over the first steps", xlabel="step", ylabel="cross-entropy (nats)")
        right.set_yscale("log")
        right.set_ylim(bottom=ZERO / 6)
        right.set_xticks(range(len(layers)), [layer.removeprefix("norm_") for layer in layers])
        right.set_xlim(-0.6, len(layers) - 0.4)
        right.set(title="Gradient of each layer, first step", ylabel="norm")
        right.annotate("open: exactly 0", (0.02, 0.02), xycoords="axes fraction", fontsize=8, color=GREY)
        figure.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=3, handlelength=3)
        settle(figure)
    return figure


def into_trunk(gradients: pd.DataFrame) -> Figure:
    """The first gradient into the trunk by how the new last layer is drawn, a line per cut, on a logarithmic axis.

    ``gradients`` has ``cut, last_init, seed, gradient``; a marker per seed, lines through the means.
    """
    _some(gradients, "first gradient")
    inits, cuts = (list(dict.fromkeys(gradients[name])) for name in ("last_init", "cut"))
    with styled():
        figure, axes = new_figure(height=3.4, width=7.0)
        for place, cut in enumerate(cuts):
            part, look = gradients[gradients["cut"] == cut], _line(place)
            x = part["last_init"].map(inits.index) + 0.12 * (place - (len(cuts) - 1) / 2)
            values = part["gradient"].clip(lower=ZERO)
            faces = [look["color"] if value > 0 else "white" for value in part["gradient"]]
            axes.scatter(x, values, marker=look["marker"], c=faces, edgecolors=look["color"], s=38, zorder=3)
            means = values.groupby(x).mean()
            axes.plot(means.index, means, color=look["color"], ls=look["ls"], lw=1.3, label=f"kept up to {cut}")
        axes.set_yscale("log")
        axes.set_ylim(bottom=ZERO / 6)
        axes.set_xticks(range(len(inits)), inits)
        axes.set(xlabel="how the new last layer is drawn", ylabel="norm of the first gradient\nfor all old weights")
        axes.annotate("open: exactly 0", (0.02, 0.03), xycoords="axes fraction", fontsize=8, color=GREY)
        axes.legend(loc="lower right", handlelength=3)
        settle(figure)
    return figure


def head_first(table: pd.DataFrame) -> Figure:
    """Three ways to train a head and a trunk: top-1, top-1 on degraded images, and how far the trunk moved, by epoch.

    A row of panels per choice of the head; ``table`` is ``course.practice.head_first``. Lines are means over seeds.
    """
    _some(table, "epoch")
    choices, ways = (list(dict.fromkeys(table[name])) for name in ("choice", "way"))
    measures = {"top1": "Top-1 (%)", "degraded_top1": "Top-1, degraded images (%)", "moved": "trunk moved (%)"}
    with styled():
        figure, grid = new_figure(
            len(choices), 3, height=0.8 + 2.0 * len(choices), sharex=True, sharey="col", squeeze=False
        )
        for row, (line, choice) in enumerate(zip(grid, choices, strict=True)):
            for axes, (name, label) in zip(line, measures.items(), strict=True):
                for place, way in enumerate(ways):
                    part = table[(table["choice"] == choice) & (table["way"] == way)]
                    mean = 100 * part.groupby("epoch")[name].mean()
                    axes.plot(mean.index, mean, ms=5.5, label=way, **_line(place))
                axes.set_title("" if row else label, fontsize=10)
                axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            line[0].set_ylabel(choice)
        for axes in grid[-1]:
            axes.set_xlabel("epoch")
        figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside upper left", ncols=3, handlelength=3)
        settle(figure)
    return figure


def regression(scores: pd.DataFrame, predictions: pd.DataFrame, *, quantity: str, unit: str) -> Figure:
    """How well each frozen cut tells ``quantity``, and the predictions of the best and of the last cut.

    ``scores`` has ``cut, seed, error, explained``, ``predictions`` has ``cut, true, predicted``.
    """
    _some(scores, "regression")
    cuts = list(dict.fromkeys(scores["cut"]))
    means = scores.groupby("cut", sort=False)["explained"].mean()
    best = means.idxmax()
    shown = list(dict.fromkeys((best, cuts[-1] if best != cuts[-1] else cuts[0])))
    with styled():
        figure, panels = new_figure(1, 1 + len(shown), height=3.1)
        first = panels[0]
        first.plot(
            [cuts.index(cut) for cut in scores["cut"]], scores["explained"], ls="", marker="o", ms=4.5, mfc="white"
        )
        first.plot(range(len(cuts)), means, color=CYCLE[0], lw=1.5)
        first.set_xticks(range(len(cuts)), cuts)
        first.set(title=f"{quantity}: variance explained", xlabel="frozen cut", ylabel="R² on test images")
        first.set_ylim(min(0.0, float(scores["explained"].min())), 1)
        low, high = predictions[["true", "predicted"]].min().min(), predictions[["true", "predicted"]].max().max()
        for axes, cut in zip(panels[1:], shown, strict=True):
            part = predictions[predictions["cut"] == cut]
            axes.plot([low, high], [low, high], color=BLACK, lw=1, ls=(0, (5, 2)))
            axes.scatter(part["true"], part["predicted"], s=7, edgecolors="none", color=CYCLE[0], zorder=3)
            error = scores.loc[scores["cut"] == cut, "error"].mean()
            axes.set(title=f"after {cut}: error {error:.3g}", xlabel=f"true ({unit})", ylabel=f"predicted ({unit})")
            axes.set_xlim(low, high)
            axes.set_ylim(low, high)
        settle(figure)
    return figure


def compared(
    table: pd.DataFrame, *, value: str, label: str, by: str = "choice", panel: str = "", scale: float = 100.0
) -> Figure:
    """Choices as rows, a small marker per seed and a tick at the mean, a panel per value of the column ``panel``.

    ``value`` is drawn times ``scale``. Values that are not finite (a diverged run) are named at the left edge.
    """
    _some(table, "run")
    for name in (value, by, *([panel] if panel else [])):
        if name not in table.columns:
            raise unknown("column", name, table.columns)
    names = list(dict.fromkeys(table[by]))
    groups = list(dict.fromkeys(table[panel])) if panel else [""]
    with styled():
        figure, grid = new_figure(
            1, len(groups), height=1.2 + 0.36 * len(names), sharey=True, sharex=True, squeeze=False
        )
        for axes, group in zip(grid[0], groups, strict=True):
            part = table[table[panel] == group] if panel else table
            _rows_of_dots(axes, part, names, by, value, scale)
            axes.set_title(str(group))
            axes.set_xlabel(label)
            axes.grid(axis="x")
            axes.grid(visible=False, axis="y")
        grid[0][0].set_yticks(range(len(names)), names)
        grid[0][0].set_ylim(len(names) - 0.4, -0.6)
        settle(figure)
    return figure


def by_size(table: pd.DataFrame, *, own: int) -> Figure:
    """Top-1 of a frozen trunk against the size of the images, a line per way to make a head fit; ``own`` is marked.

    ``table`` has ``size, way, map, seed, top1``; the side of the trunk's map stands under each size.
    """
    _some(table, "size")
    ways = list(dict.fromkeys(table["way"]))
    sides = table.groupby("size")["map"].first()
    with styled():
        figure, axes = new_figure(height=3.6, width=7.5)
        axes.axvline(own, color=GREY, lw=1.2, ls=(0, (5, 2)))
        for place, way in enumerate(ways):
            part, look = table[table["way"] == way], _line(place)
            mean = 100 * part.groupby("size")["top1"].mean()
            axes.plot(mean.index, mean, label=way, ms=6, **look)
            axes.plot(
                part["size"], 100 * part["top1"], ls="", marker=look["marker"], color=look["color"], ms=3, alpha=0.6
            )
        axes.set_xticks(list(sides.index), [f"{size}\n({side}×{side})" for size, side in sides.items()])
        axes.set_ylim(bottom=0)
        axes.set(xlabel="image size in pixels (map of the trunk)", ylabel="Top-1 (%)")
        axes.annotate(
            "the trunk's own", (own, 0.03), (4, 0), xycoords=("data", "axes fraction"), textcoords="offset points",
            color=GREY, fontsize=8,
        )  # fmt: skip
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=3, handlelength=3)
        settle(figure)
    return figure


def by_epoch(table: pd.DataFrame, *, value: str, label: str, by: str) -> Figure:
    """``value`` against epochs, a line per value of ``by`` (mean over seeds), thin lines for each seed."""
    _some(table, "epoch")
    with styled():
        figure, axes = new_figure(height=3.2, width=6.0)
        handles = []
        for place, name in enumerate(dict.fromkeys(table[by])):
            part, look = table[table[by] == name], _line(place)
            for _, curve in part.groupby("seed"):
                axes.plot(curve["epoch"], curve[value], color=look["color"], lw=0.7, alpha=0.5)
            mean = part.groupby("epoch")[value].mean()
            axes.plot(mean.index, mean, **look, ms=5.5)
            handles.append(Line2D([], [], label=name, **look))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="epoch", ylabel=label)
        axes.legend(handles=handles, handlelength=3)
        settle(figure)
    return figure


def _rows_of_dots(axes: Axes, part: pd.DataFrame, names: Sequence[str], by: str, value: str, scale: float) -> None:
    for place, name in enumerate(names):
        values = scale * part.loc[part[by] == name, value].to_numpy(dtype=float)
        there = values[np.isfinite(values)]
        if len(there):
            axes.plot(there, np.full(len(there), place), ls="", marker="o", ms=5, mfc="white", color=CYCLE[0], zorder=3)
            axes.plot(there.mean(), place, marker="|", ms=17, mew=2.2, color=CYCLE[1], zorder=4)
        if len(there) < len(values):
            axes.annotate(
                f"{len(values) - len(there)} of {len(values)} diverged", (0.01, place),
                xycoords=("axes fraction", "data"), va="center", fontsize=8, color=GREY, style="italic",
            )  # fmt: skip


def _line(place: int) -> dict:
    return {
        "color": CYCLE[place % len(CYCLE)],
        "ls": LINES[place % len(LINES)],
        "marker": MARKERS[place % len(MARKERS)],
        "lw": 1.6,
    }


def _some(table: pd.DataFrame, what: str) -> None:
    if not len(table):
        raise InputError(f"no {what} to draw; measure at least one.")
