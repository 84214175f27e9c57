"""How far fine-tuning moves the trunk of each arm, and whether the gain of FC layers goes with it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..analysis.fc import GROUPS, OTHER
from ..analysis.trunk_change import LAYERS
from ..errors import InputError
from .fc import ARM_STYLE
from .style import BLACK, BLUE, GREEN, GREY, ORANGE, VERMILLION, Look, new_figure, settle, styled

GROUP_STYLE = {
    "near": Look(BLUE, "o", "-", "near"),
    "far": Look(VERMILLION, "s", "-", "far"),
    "views": Look(GREEN, "^", "-", "other views"),
    "fine": Look(ORANGE, "D", "-", "fine-grained"),
    OTHER: Look(GREY, "X", "-", "other"),
}


def trunk_change(by_layer: pd.DataFrame, pairs: pd.DataFrame) -> Figure:
    """Left: how far each layer moved by arm, from ``analysis.trunk_change.change_by_layer``. Right: B's gain over A.

    The right panel has a point per cell and seed of ``paired_change``: gain against how much less B's trunk moved.
    Bars are 95 % intervals over the seeds. Raises InputError when there is no network that was fine-tuned.
    """
    if not len(by_layer) or not len(pairs):
        raise InputError("no pair of fine-tuned networks to compare; train protocol P3 of arms A and B.")
    with styled():
        figure, (layers, cells) = new_figure(1, 2, height=3.9)
        _layers(layers, by_layer)
        _cells(cells, pairs)
        _legend(figure, [ARM_STYLE[arm] for arm in ARM_STYLE if arm in set(by_layer["arm"])], columns=3)
        settle(figure)
    return figure


def change_by_rate(table: pd.DataFrame) -> Figure:
    """Every learning rate for all arms alike: how far the trunk moved, and top-1; from ``change_by_rate``."""
    with styled():
        figure, panels = new_figure(1, 2, height=3.0)
        for axes, column, scale, label in (
            (panels[0], "moved", 1.0, "trunk moved (% of its length)"),
            (panels[1], "top1", 100.0, "Top-1 (%)"),
        ):
            for arm, part in table.groupby("arm"):
                look = ARM_STYLE[arm]
                axes.plot(
                    part["learning_rate"], scale * part[column], color=look.colour, ls=look.line, marker=look.marker
                )
            axes.set_xscale("log")
            axes.set_xticks(sorted(set(table["learning_rate"])))
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.xaxis.set_minor_locator(_none())
            axes.set_xlabel("learning rate")
            axes.set_ylabel(label)
        arms = [arm for arm in ARM_STYLE if arm in set(table["arm"])]
        _legend(figure, [ARM_STYLE[arm] for arm in arms], columns=len(arms))
        settle(figure)
    return figure


def _layers(axes: Axes, by_layer: pd.DataFrame) -> None:
    arms = [arm for arm in ARM_STYLE if arm in set(by_layer["arm"])]
    for number, arm in enumerate(arms):
        look, part = ARM_STYLE[arm], by_layer[by_layer["arm"] == arm]
        x = np.array([LAYERS.index(layer) for layer in part["layer"]]) + 0.07 * (number - (len(arms) - 1) / 2)
        for place, row in zip(x, part.itertuples(), strict=True):
            if np.isfinite(row.low):
                axes.plot([place, place], [row.low, row.high], color=look.colour, lw=1.3, zorder=2)
        axes.plot(x, part["mean"], color=look.colour, ls=look.line, marker=look.marker, ms=5.5)
    axes.set_xticks(range(len(LAYERS)), LAYERS)
    axes.set_ylabel("moved (% of the layer's length)")
    axes.set_ylim(bottom=0)
    axes.set_title("fine-tuned: how far each layer moved")


def _cells(axes: Axes, pairs: pd.DataFrame) -> None:
    for group in (*GROUPS, OTHER):
        part, look = pairs[pairs["group"] == group], GROUP_STYLE[group]
        if len(part):
            axes.plot(
                part["less"], part["gain"], ls="", marker=look.marker, color=look.colour, ms=5.5, label=look.label
            )
    for line in (axes.axhline, axes.axvline):
        line(0, color=BLACK, lw=1.0, zorder=1)
    axes.locator_params(axis="x", nbins=6)
    axes.set_xlabel("B's trunk moved less than A's by (points)")
    axes.set_ylabel("top-1 of B minus A (points)")
    axes.set_title("does the gain go with it?")
    axes.grid(axis="x")
    axes.legend(fontsize=8)


def _legend(figure: Figure, looks: list[Look], *, columns: int) -> None:
    handles = [Line2D([], [], color=k.colour, ls=k.line, marker=k.marker, label=k.label) for k in looks]
    figure.legend(handles=handles, loc="outside upper left", ncols=columns)


def _none():
    from matplotlib.ticker import NullLocator

    return NullLocator()
