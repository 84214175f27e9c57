"""Paired effects with their intervals: co-adaptation and specificity along n, and the gains of Table 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..errors import InputError
from .style import BLACK, BLUE, CYCLE, GREY, VERMILLION, new_figure, say_missing, settle, styled

# Table 1 of Yosinski et al. 2014, in points, for n = 1-7, 3-7, 5-7
PAPER_TABLE_1 = {"AnB+ - base": (1.6, 1.8, 2.1), "AnB+ - BnB+": (1.4, 1.4, 1.7)}
SETS_OF_CUTS = ("1-7", "3-7", "5-7")
KNOWN = {
    "BnB - base": ("Co-adaptation: BnB minus base", BLUE, "s"),
    "AnB - BnB": ("Specificity: AnB minus BnB", VERMILLION, "^"),
}
MARKERS = "sD^vop*"


def effects(tables: Sequence[pd.DataFrame], *, paper: Sequence[pd.DataFrame] = ()) -> Figure:
    """One panel per effect along n, from ``analysis.transfer.coadaptation``, ``specificity`` or ``effect_by_n``.

    Each table has ``effect, n, mean, low, high, count``; intervals are drawn where there are any, and the count of
    pairs stands under each n. ``paper`` holds tables of the same effects from the published networks, drawn in grey.
    """
    if not tables:
        raise InputError("no effects to draw; pass at least one table of analysis.transfer.effect_by_n.")
    with styled():
        figure, grid = new_figure(1, len(tables), height=4.0, sharey=True, squeeze=False)
        theirs = {table["effect"].iloc[0]: table for table in paper}
        words: list[str] = []
        for position, (axes, table) in enumerate(zip(grid[0], tables, strict=True)):
            name = table["effect"].iloc[0]
            title, colour, marker = KNOWN.get(name, (name, CYCLE[position % len(CYCLE)], MARKERS[position % 7]))
            axes.axhline(0, color=BLACK, lw=1.0, zorder=2)
            if name in theirs:
                _along_n(axes, theirs[name], GREY, "o", shift=0.12, size=4.5, label="published networks (ImageNet)")
            _along_n(axes, table, colour, marker, shift=-0.06 if name in theirs else 0, size=7, label="ours")
            if name in theirs:
                axes.legend(loc="lower left")
            axes.set_title(title)
            axes.set_xticks(table["n"], [f"{n}\n({k})" for n, k in zip(table["n"], table["count"], strict=True)])
            axes.set_xlabel("n: layers copied (pairs of networks)")
            words += table.attrs.get("missing", ())
        grid[0][0].set_ylabel("Difference in top-1 (points)")
        say_missing(figure, words)
        settle(figure)
    return figure


def boosts_plot(
    table: pd.DataFrame,
    *,
    paper: Mapping[str, Sequence[float]] = PAPER_TABLE_1,
    comparisons: Sequence[str] = ("AnB+ - base", "AnB+ - BnB+", "AnB+ - twice", "BnB+ - twice"),
) -> Figure:
    """Table 1 as a picture: a panel per comparison, a row per set of cuts; from ``analysis.transfer.boosts``.

    Filled: paired by target, with the 95 % interval where there is one. Open: unpaired means, as the paper has them.
    A diamond: the paper's number. A comparison without a pair says so.
    """
    with styled():
        figure, grid = new_figure(1, len(comparisons), height=3.4, sharex=True, sharey=True, squeeze=False)
        for position, (axes, name) in enumerate(zip(grid[0], comparisons, strict=True)):
            rows = table[table["comparison"] == name].set_index(["way", "cuts"])
            if not len(rows):
                raise InputError(f"comparison {name!r} is not in the table; it has {_listed(table['comparison'])}.")
            axes.axvline(0, color=BLACK, lw=1.0, zorder=2)
            for row, cuts in enumerate(SETS_OF_CUTS):
                _boost(axes, rows, cuts, row, paper=paper.get(name))
            axes.set_title(name.replace(" - ", " minus "), fontsize=10)
            axes.set_yticks(range(3), [f"n = {cuts}" for cuts in SETS_OF_CUTS])
            axes.set_ylim(2.6, -0.6)
            axes.grid(axis="x")
            axes.grid(visible=False, axis="y")
            if position:
                axes.tick_params(axis="y", length=0)
        low, high = grid[0][0].get_xlim()
        grid[0][0].set_xlim(low, high + 0.34 * (high - low))  # room for the counts, on all panels
        figure.supxlabel("Gain in top-1 (points)", fontsize=10)
        shown = table[table["comparison"].isin(comparisons)]
        _legend_of_boosts(figure, any(name in paper for name in comparisons), bool(shown["low"].notna().any()))
        settle(figure)
    return figure


def _boost(axes: Axes, rows: pd.DataFrame, cuts: str, row: int, *, paper: Sequence[float] | None) -> None:
    paired, unpaired = rows.loc[("paired", cuts)], rows.loc[("unpaired", cuts)]
    if np.isfinite(paired["low"]):
        axes.plot([paired["low"], paired["high"]], [row, row], color=BLUE, lw=2.2, solid_capstyle="butt", zorder=3)
    axes.plot(paired["mean"], row, "o", color=BLUE, ms=8, zorder=4)
    axes.plot(unpaired["mean"], row + 0.22, "o", mfc="white", mec=GREY, ms=6.5, zorder=3)
    if paper is not None:
        axes.plot(paper[SETS_OF_CUTS.index(cuts)], row - 0.22, "D", color=VERMILLION, ms=5.5, zorder=3)
    note = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "color": GREY, "fontsize": 8}
    if np.isfinite(paired["mean"]):
        pairs = "1 pair" if paired["count"] == 1 else f"{paired['count']} pairs"
        axes.annotate(pairs, (1.0, row), (-2, 0), ha="right", va="center", **note)
    else:
        axes.annotate("no pair", (1.0, row), (-2, 0), ha="right", va="center", style="italic", **note)


def _legend_of_boosts(figure: Figure, with_paper: bool, with_interval: bool) -> None:
    label = "paired by split, seed and target" + (" (95 % interval)" if with_interval else " (no interval)")
    handles = [
        Line2D([], [], color=BLUE, marker="o", ms=8, ls="-" if with_interval else "", lw=2.2, label=label),
        Line2D([], [], ls="", marker="o", mfc="white", mec=GREY, label="unpaired means, as the paper has it"),
    ]
    if with_paper:
        handles.append(Line2D([], [], ls="", marker="D", ms=5.5, color=VERMILLION, label="the paper's Table 1"))
    figure.legend(handles=handles, loc="outside upper left", ncols=3, columnspacing=1.4)


def _along_n(
    axes: Axes, table: pd.DataFrame, colour: str, marker: str, *, shift: float, size: float, label: str
) -> None:
    rows = table.dropna(subset="mean")
    x = rows["n"] + shift
    axes.plot(x, rows["mean"], color=colour, lw=1.2, alpha=0.6, zorder=3)
    axes.plot(x, rows["mean"], ls="", marker=marker, ms=size, color=colour, mec="white", mew=0.6, zorder=5, label=label)
    bounded = rows.dropna(subset=["low", "high"])
    if len(bounded):
        reach = [bounded["mean"] - bounded["low"], bounded["high"] - bounded["mean"]]
        axes.errorbar(
            bounded["n"] + shift, bounded["mean"], reach, fmt="none", ecolor=colour, elinewidth=1.6, capsize=3, zorder=4
        )
    if not len(rows):
        axes.text(0.5, 0.5, "nothing to compare", transform=axes.transAxes, ha="center", color=GREY, style="italic")


def _listed(values: pd.Series) -> str:
    return ", ".join(dict.fromkeys(values))
