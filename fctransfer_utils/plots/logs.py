"""The published networks read once more: gains by target half, levels of the halves, and what the boost is made of."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..errors import InputError
from .style import BLACK, GREY, ORANGE, PALE, TREATMENT_STYLE, new_figure, settle, styled

YARDSTICK_WORDS = {"base": "level by the base", "frozen": "level by the AnB networks"}
WIDTH_OF_HALF = 0.7  # of the cuts side by side in one half's column


def gains_by_half(gains: pd.DataFrame) -> Figure:
    """Every fine-tuned network by the half it learnt: top-1 with the half's base (left), points over that base (right).

    ``gains`` is ``analysis.logs.own_gains``. Within a half the networks stand in the order of n, each with its n.
    """
    if not len(gains):
        raise InputError("no fine-tuned network to draw; pass the table of analysis.logs.own_gains.")
    order = list(dict.fromkeys(gains.sort_values(["treatment", "half"], ascending=[False, True])["half"]))
    with styled():
        figure, (left, right) = new_figure(1, 2, height=4.6)
        for place, half in enumerate(order):
            rows = gains[gains["half"] == half]
            base = 100 * rows["base_top1"].iloc[0]
            left.plot([place - 0.42, place + 0.42], [base, base], color=BLACK, ls=TREATMENT_STYLE["base"].line, lw=1.4)
            for name, mine in rows.groupby("treatment"):
                _by_cut(left, place, name, mine["n"], 100 * mine["top1"])
                _by_cut(right, place, name, mine["n"], mine["delta_points"])
        for _, mine in gains.groupby("treatment"):
            places = [order.index(half) for half in set(mine["half"])]
            mean = mine["delta_points"].mean()
            right.plot([min(places) - 0.45, max(places) + 0.45], [mean, mean], color=GREY, lw=1.2, zorder=2)
            middle, text = (min(places) + max(places)) / 2, f"mean of {len(mine)}: {mean:+.2f}"
            right.annotate(text, (middle, 0), (0, 5), textcoords="offset points", ha="center", fontsize=9)
        right.axhline(0, color=BLACK, ls=TREATMENT_STYLE["base"].line, lw=1.3)
        for axes in (left, right):
            axes.set_xticks(range(len(order)), [half.replace("half ", "half\n") for half in order])
            axes.set_xlim(-0.6, len(order) - 0.4)
        left.set_title("Top-1, and the base of the half (dashed)")
        left.set_ylabel("Top-1 accuracy (%)")
        right.set_title("The same networks, minus that base")
        right.set_ylabel("Top-1 minus its own base (points)")
        figure.supxlabel("Half that the network learnt; small numbers: n, layers copied", fontsize=10)
        _legend(figure, dict.fromkeys(gains["treatment"]))
        settle(figure)
    return figure


def _by_cut(axes: Axes, place: float, treatment: str, cuts: pd.Series, values: pd.Series) -> None:
    look = TREATMENT_STYLE[treatment]
    x = place + WIDTH_OF_HALF * (cuts.to_numpy() - 4) / 6
    axes.plot(x, values, ls="", marker=look.marker, ms=look.size, color=look.colour, mec=BLACK, mew=0.5, zorder=4)
    for across, value, n in zip(x, values, cuts, strict=True):
        axes.annotate(f"{n}", (across, value), (0, 6), textcoords="offset points", ha="center", fontsize=7, color=GREY)


def _legend(figure: Figure, names: object) -> None:
    handles = [
        Line2D([], [], ls="", marker=look.marker, ms=look.size, color=look.colour, mec=BLACK, mew=0.5, label=look.label)
        for look in (TREATMENT_STYLE[name] for name in names)
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=3)


def levels_plot(levels: pd.DataFrame) -> Figure:
    """How easy each half is by its own base (across) and by the AnB networks that learnt it (up), in points.

    ``levels`` is ``analysis.logs.levels``. On the diagonal both agree.
    """
    rows = levels.dropna(subset=["base", "frozen"])
    if not len(rows):
        raise InputError("no half has both a base and AnB networks at the same n; there is nothing to compare.")
    with styled():
        figure, axes = new_figure(height=4.2, width=5.4)
        reach = 1.25 * float(rows[["base", "frozen"]].abs().max().max())
        axes.plot([-reach, reach], [-reach, reach], color=GREY, lw=1.0, ls=(0, (4, 3)), zorder=1)
        axes.plot(rows["base"], rows["frozen"], ls="", marker="o", ms=8, color=ORANGE, mec=BLACK, mew=0.6, zorder=3)
        for row in rows.itertuples():
            near = (row.base, row.frozen)
            axes.annotate(row.half.removeprefix("half "), near, (7, -3), textcoords="offset points", fontsize=9)
        axes.set_xlim(-reach, reach)
        axes.set_ylim(-reach, reach)
        axes.set_aspect("equal")
        axes.grid(axis="both")
        axes.set_xlabel("by its base: one network (points over the mean)")
        axes.set_ylabel(f"by its AnB networks: mean of {int(rows['networks'].iloc[0])} n (points)")
        axes.set_title("How easy each half is, measured twice")
        settle(figure)
    return figure


def decomposition_plot(parts: pd.DataFrame, left_out: pd.DataFrame | None = None) -> Figure:
    """The reported difference of two treatments as levels of their targets (hatched) plus rest (full), per yardstick.

    ``parts`` is ``analysis.logs.decomposition``; a bar per set of cuts, the reported value as a line at its end. The
    whisker on the rest of the first yardstick's first bar is its range when one network is left out (``left_out``).
    """
    if not len(parts):
        raise InputError("nothing to take apart; pass the table of analysis.logs.decomposition.")
    names = list(dict.fromkeys(parts["yardstick"]))
    with styled():
        figure, grid = new_figure(1, len(names), height=3.0, sharex=True, sharey=True, squeeze=False)
        for axes, name in zip(grid[0], names, strict=True):
            rows = parts[parts["yardstick"] == name].reset_index(drop=True)
            places = np.arange(len(rows))
            axes.barh(places, rows["targets"], 0.5, color=PALE, ec=GREY, hatch="////", lw=0.6, zorder=2)
            axes.barh(places, rows["rest"], 0.5, left=rows["targets"], color=ORANGE, ec=BLACK, lw=0.6, zorder=3)
            axes.plot(rows["reported"], places, ls="", marker="|", ms=22, mew=2, color=BLACK, zorder=5)
            for place, row in rows.iterrows():
                axes.annotate(
                    f"{row['targets']:.2f} {_signed(row['rest'])}", (row["reported"], place), (6, 0), fontsize=8.5,
                    textcoords="offset points", va="center", color=GREY,
                )  # fmt: skip
            axes.set_yticks(places, [f"n = {cuts}" for cuts in rows["cuts"]])
            axes.set_ylim(len(rows) - 0.4, -0.6)
            axes.set_title(YARDSTICK_WORDS.get(name, name))
            axes.grid(axis="x")
            axes.grid(visible=False, axis="y")
        if left_out is not None:
            _range_of_rest(grid[0][0], left_out, float(parts["targets"].iloc[0]))
        low, high = grid[0][0].get_xlim()
        grid[0][0].set_xlim(low, high + 0.3 * (high - low))
        figure.supxlabel("Difference of the two treatments' means (points)", fontsize=10)
        handles = [
            Patch(fc=PALE, ec=GREY, hatch="////", lw=0.6, label="targets: one has easier halves"),
            Patch(fc=ORANGE, ec=BLACK, lw=0.6, label="rest: gain over the level of the own half"),
            Line2D([], [], ls="", marker="|", ms=12, mew=2, color=BLACK, label="reported"),
        ]
        if left_out is not None:
            handles.append(Line2D([], [], color=BLACK, lw=1.2, label="rest, any one network left out"))
        figure.legend(handles=handles, loc="outside upper left", ncols=2)
        settle(figure)
    return figure


def _signed(value: float) -> str:
    """``+ 0.31``, ``- 0.07``, and ``+ 0.00`` for what rounds to 0."""
    return f"{'-' if round(value, 2) < 0 else '+'} {abs(value):.2f}"


def _range_of_rest(axes: Axes, left_out: pd.DataFrame, start: float) -> None:
    rest = left_out.loc[left_out["kind"] == "network", "rest"]
    if len(rest):
        axes.plot([start + rest.min(), start + rest.max()], [0.36, 0.36], color=BLACK, lw=1.2, zorder=6)
