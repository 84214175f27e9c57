"""Heads compared: training and validation curves side by side with their reading, and accuracy against cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from ..analysis.fit import readings
from ..errors import InputError
from .style import BLACK, BLUE, CYCLE, GREEN, GREY, ORANGE, VERMILLION, WIDTH, new_figure, settle, styled

READING_COLOUR = {"underfits": "#A65E00", "fits": "#00674D", "overfits": "#A33B00", "diverged": BLACK}
READING_FACE = {"underfits": "#FBE7C0", "fits": "#CFEBE1", "overfits": "#F6D5C3", "diverged": "#DDDDDD"}
MOST_COLUMNS = 8
FILLS = ("full", "none", "left", "top")
LINES = (("train_top1", "training", BLUE, "-", "o"), ("validation_top1", "validation", VERMILLION, (0, (4, 1.5)), "s"))


def reading_grid(table: pd.DataFrame, *, rows: str, by: str = "head") -> Figure:
    """A panel per network: top-1 (%) on training and validation images by epoch, and below it what they say.

    ``table`` has a row per epoch with ``rows`` (what tells the rows of panels apart), ``by`` (the columns) and the
    columns of ``analysis.fit``. The reading follows the rule stated there.
    """
    missing = {rows, by, "epoch", "train_top1", "validation_top1"} - set(table.columns)
    if missing or not len(table):
        raise InputError(f"not a table of curves: it lacks {', '.join(sorted(missing)) or 'rows'}.")
    groups, names = list(dict.fromkeys(table[rows])), list(dict.fromkeys(table[by]))
    if len(names) > MOST_COLUMNS:
        raise InputError(f"{len(names)} networks side by side cannot be read; draw at most {MOST_COLUMNS}.")
    with styled():
        figure, panels = new_figure(
            len(groups), len(names), height=0.6 + 1.55 * len(groups), sharex=True, sharey=True, squeeze=False
        )
        for line, group in zip(panels, groups, strict=True):
            part = table[table[rows] == group]
            for axes, name in zip(line, names, strict=True):
                curve = part[part[by] == name]
                if len(curve):
                    _curves(axes, curve, readings(curve, by=by).iloc[0]["reading"])
                else:
                    axes.set_axis_off()
            line[0].set_ylabel(f"{group}\ntop-1 (%)", fontsize=8)
        for axes, name in zip(panels[0], names, strict=True):
            axes.set_title(name, loc="center", fontsize=min(9, 62 / len(names)))
        figure.supxlabel("Epoch", fontsize=9)
        handles = [
            Line2D([], [], color=colour, ls=line, marker=marker, ms=4, label=label)
            for _, label, colour, line, marker in LINES
        ]
        figure.legend(handles=handles, loc="outside upper left", ncols=2, handlelength=3)
        settle(figure)
    return figure


def _curves(axes: Axes, curve: pd.DataFrame, word: str) -> None:
    curve = curve.sort_values("epoch")
    for column, _, colour, line, marker in LINES:
        axes.plot(curve["epoch"], 100 * curve[column], color=colour, ls=line, lw=1.5, marker=marker, ms=3)
    axes.set_ylim(0, 103)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
    axes.tick_params(labelsize=7)
    right = 100 * curve.loc[curve["epoch"] > curve["epoch"].median(), [column for column, *_ in LINES]]
    above = bool(
        (right < 22).to_numpy().any() and (right < 75).to_numpy().all()
    )  # low curves: the word stands over them
    axes.text(
        0.96, 0.92 if above else 0.06, word, transform=axes.transAxes, ha="right", va="top" if above else "baseline",
        fontsize=7.5, fontweight="bold", color=READING_COLOUR[word],
        bbox={"fc": READING_FACE[word], "ec": "none", "pad": 2},
    )  # fmt: skip


def accuracy_against_cost(table: pd.DataFrame, *, by: str) -> Figure:
    """Top-1 (%) with its binomial 95 % interval against the parameters of the head and against seconds of training.

    ``table`` has a row per network: ``by`` (drawn in one colour, joined by depth), ``head, hidden, width, parameters,
    seconds, test_top1`` (fraction) and ``test_images``. The marker tells the number of hidden layers.
    """
    needed = {by, "head", "hidden", "width", "parameters", "seconds", "test_top1", "test_images"}
    missing = needed - set(table.columns)
    if missing or not len(table):
        raise InputError(f"not a table of trained heads: it lacks {', '.join(sorted(missing)) or 'rows'}.")
    groups, depths = list(dict.fromkeys(table[by])), sorted(set(table["hidden"]))
    markers = dict(zip(depths, "osD^vXP", strict=False))
    with styled():
        figure, panels = new_figure(1, 2, height=3.9, sharey=True)
        for axes, (column, label) in zip(
            panels, (("parameters", "Parameters of the head"), ("seconds", "Seconds of training")), strict=True
        ):
            for index, group in enumerate(groups):
                for row in table[table[by] == group].itertuples():
                    _point(axes, getattr(row, column), row, _filled(index), markers[row.hidden])
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.xaxis.set_major_formatter(
                FuncFormatter(lambda value, _: f"{value:,.3g}" if value < 100 else f"{value:,.0f}")
            )
            axes.xaxis.set_minor_locator(NullLocator())
            axes.tick_params(axis="x", labelsize=8)
            axes.set_xlabel(label)
        panels[0].set_ylabel("Test top-1 (%)")
        handles = [
            Line2D([], [], ls="", marker="H", ms=9, label=str(group), **_filled(i)) for i, group in enumerate(groups)
        ]
        shapes = [Line2D([], [], color=GREY, ls="", marker=markers[depth], label=f"{depth} hidden") for depth in depths]
        figure.legend(handles=[*handles, *shapes], loc="outside upper left", ncols=4, fontsize=8)
        settle(figure)
    return figure


def _filled(index: int) -> dict[str, Any]:
    """The look of a group's markers: a colour, and how it fills them, which can be told in grey."""
    colour = CYCLE[index % len(CYCLE)]
    return {
        "color": colour, "mec": colour, "mew": 1.2, "markerfacecoloralt": "white",
        "fillstyle": FILLS[index % len(FILLS)],
    }  # fmt: skip


def _point(axes: Axes, place: float, row: Any, look: dict[str, Any], marker: str) -> None:
    """One network with its interval; larger markers are wider layers."""
    half = 100 * 1.96 * np.sqrt(row.test_top1 * (1 - row.test_top1) / row.test_images)
    size = 5.5 + 1.2 * np.log10(max(row.width, 1))
    axes.errorbar(place, 100 * row.test_top1, half, fmt=marker, ms=size, lw=1, alpha=0.85, **look)


def compared(values: Mapping[str, Any], *, label: str) -> Figure:
    """Named estimates (``mean, low, high, count``) as points with intervals, best at the top."""
    if not values:
        raise InputError("nothing to compare; give at least one estimate.")
    names = sorted(values, key=lambda name: values[name].mean)
    with styled():
        figure, axes = new_figure(height=0.9 + 0.33 * len(names), width=0.75 * WIDTH)
        for place, name in enumerate(names):
            found = values[name]
            low, high = (found.mean if np.isnan(end) else end for end in (found.low, found.high))
            axes.plot([low, high], [place, place], color=GREEN, lw=2)
            axes.plot(found.mean, place, "o", color=ORANGE, mec=BLACK, ms=7)
            axes.annotate(f"{found.mean:.1f}  (of {found.count})", (high, place), (6, 0), textcoords="offset points",
                          va="center", fontsize=8, color=GREY)  # fmt: skip
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.margins(x=0.2)
        axes.set_xlim(left=max(axes.get_xlim()[0], 0))
        axes.set_xlabel(label)
        axes.grid(axis="x")
        axes.grid(visible=False, axis="y")
        settle(figure)
    return figure
