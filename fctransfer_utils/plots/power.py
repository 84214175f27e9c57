"""What a design could have seen, and the boosts that it did see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..analysis.estimates import detectable_difference
from ..analysis.power import POWER, power_curve
from ..errors import InputError
from .style import BLACK, BLUE, CYCLE, GREY, ORANGE, VERMILLION, new_figure, say_missing, settle, styled

LINES = ("-", (0, (5, 2)), (0, (6, 1.5, 1, 1.5)), (0, (1, 1)), (0, (3, 1, 1, 1, 1, 1)))
MARKERS = "osD^"


def detectable_plot(design: pd.DataFrame, *, mark: float | None = None, mark_words: str = "") -> Figure:
    """The smallest true difference seen with 80 % power against the number of pairs, one line per comparison.

    ``design`` is ``analysis.power.design_power``: full markers are the pairs there are, open ones planned; the line at
    ``mark`` is a difference to be seen, such as the paper's. A comparison without a spread is named below.
    """
    rows = design.dropna(subset="detectable")
    with styled():
        figure, axes = new_figure(height=3.5)
        for place, name in enumerate(dict.fromkeys(rows["comparison"])):
            mine = rows[rows["comparison"] == name]
            colour, marker = CYCLE[place % len(CYCLE)], MARKERS[place % len(MARKERS)]
            deviation, counts = mine["deviation"].iloc[0], range(mine["pairs"].min(), mine["pairs"].max() + 1)
            axes.plot(
                counts,
                [detectable_difference(deviation, count) for count in counts],
                color=colour,
                ls=LINES[place % len(LINES)],
                label=f"{name.replace(' - ', ' minus ')} (spread {deviation:.2f} points)",
            )
            for planned, part in mine.groupby("planned"):
                face = "white" if planned else colour
                axes.plot(part["pairs"], part["detectable"], ls="", marker=marker, ms=7, color=colour, mfc=face)
        if mark is not None:
            axes.axhline(mark, color=BLACK, lw=1.1, ls=(0, (2, 2)))
            axes.annotate(mark_words, (1, mark), (-2, 3), xycoords=("axes fraction", "data"),
                          textcoords="offset points", ha="right", fontsize=8.5, color=GREY)  # fmt: skip
        axes.set_ylim(bottom=0)
        axes.set_xlabel("Pairs of networks (full: there are; open: planned)")
        axes.set_ylabel("Detectable difference (points)")
        axes.set_title(f"Smallest true difference that is seen with {100 * POWER:.0f} % power")
        if len(rows):
            axes.legend(loc="lower left")
        else:
            axes.text(0.5, 0.5, "no spread to plan from", transform=axes.transAxes, ha="center", color=GREY)
        say_missing(figure, design.attrs.get("missing", ()))
        settle(figure)
    return figure


def power_plot(
    deviation: float, pairs: int, *, most: float, others: Sequence[int] = (), mark: float | None = None
) -> Figure:
    """The probability of seeing a true difference, with ``pairs`` pairs (thick) and with ``others`` (thin).

    ``deviation`` is the spread of the paired differences; differences from 0 to ``most`` points are drawn. At 0 every
    curve begins at the 5 % of false alarms.
    """
    with styled():
        figure, axes = new_figure(height=3.3)
        grid = np.linspace(0, most, 61)
        counts = sorted({pairs, *others})
        curve = power_curve(deviation, counts, grid)
        for place, count in enumerate(counts):
            mine = curve[curve["pairs"] == count]
            chosen = count == pairs
            axes.plot(
                mine["difference"], 100 * mine["power"], color=VERMILLION if chosen else BLUE, label=f"{count} pairs",
                ls="-" if chosen else LINES[1:][place % (len(LINES) - 1)], lw=2.6 if chosen else 1.2,
            )  # fmt: skip
        axes.axhline(100 * POWER, color=GREY, lw=1.0, ls=(0, (2, 2)))
        if mark is not None:
            axes.axvline(mark, color=BLACK, lw=1.0, ls=(0, (2, 2)))
        axes.set_ylim(0, 103)
        axes.set_xlim(0, most)
        axes.set_xlabel("True difference (points)")
        axes.set_ylabel("Probability to see it (%)")
        axes.set_title(f"Power of a paired t test, spread {deviation:.2f} points")
        axes.legend(loc="lower right")
        settle(figure)
    return figure


def boosts_forest(tests: Mapping[str, pd.DataFrame], *, paper: Mapping[str, float] | None = None) -> Figure:
    """Mean differences with both intervals, a panel per comparison and a row per data set.

    ``tests`` maps a name to ``analysis.claims_boost.boost_tests``. Thick: pairs of the stated rule; thin below: seeds,
    each averaged over its directions. ``paper`` gives the published difference per comparison (a dashed line).
    """
    if not tests:
        raise InputError("no test to draw; pass at least one table of analysis.claims_boost.boost_tests.")
    comparisons = list(dict.fromkeys(name for table in tests.values() for name in table["comparison"]))
    with styled():
        figure, grid = new_figure(
            1, len(comparisons), height=1.9 + 0.55 * len(tests), sharex=True, sharey=True, squeeze=False
        )
        for axes, comparison in zip(grid[0], comparisons, strict=True):
            axes.axvline(0, color=BLACK, lw=1.0, zorder=2)
            for place, table in enumerate(tests.values()):
                _forest_row(axes, table[table["comparison"] == comparison], place)
            if comparison in (paper or {}):
                axes.axvline(paper[comparison], color=VERMILLION, lw=1.2, ls=(0, (4, 2)), zorder=1)
            axes.set_title(comparison.replace(" - ", " minus "), fontsize=10)
            axes.set_yticks(range(len(tests)), list(tests))
            axes.set_ylim(len(tests) - 0.4, -0.6)
            axes.margins(x=0.2)
            axes.grid(axis="x")
            axes.grid(visible=False, axis="y")
        figure.supxlabel("Difference in top-1 (points)", fontsize=10)
        _forest_legend(figure, bool(paper))
        settle(figure)
    return figure


def _forest_row(axes, rows: pd.DataFrame, place: int) -> None:
    note = {"xytext": (0, 7), "textcoords": "offset points", "ha": "center", "fontsize": 8, "color": GREY}
    if not len(rows) or not np.isfinite(rows["mean"].iloc[0]):
        axes.annotate("no pair", (0, place), style="italic", **note)
        return
    row = rows.iloc[0]
    for low, high, width, colour, shift in (("low", "high", 2.6, BLUE, 0), ("low_seeds", "high_seeds", 1.3, ORANGE, 1)):
        if np.isfinite(row[low]):
            axes.plot([row[low], row[high]], [place + 0.17 * shift] * 2, color=colour, lw=width, zorder=3)
    axes.plot(row["mean"], place, "o", color=BLUE, ms=7, mec="white", mew=0.6, zorder=4)
    pairs, seeds = int(row["pairs"]), int(row["seeds"])
    words = f"{pairs} pair{'s' * (pairs > 1)}, {seeds} seed{'s' * (seeds > 1)}"
    plate = {"fc": "white", "ec": "none", "pad": 0.8}  # else the lines at 0 and at the paper's value strike it out
    axes.annotate(words, (row["mean"], place), bbox=plate, **note)


def _forest_legend(figure: Figure, with_paper: bool) -> None:
    handles = [
        Line2D([], [], color=BLUE, lw=2.6, marker="o", label="pairs by seed and target (the rule), 95 %"),
        Line2D([], [], color=ORANGE, lw=1.3, label="seeds, directions averaged first, 95 %"),
    ]
    if with_paper:
        handles.append(Line2D([], [], color=VERMILLION, lw=1.2, ls=(0, (4, 2)), label="the paper's Table 1"))
    figure.legend(handles=handles, loc="outside upper left", ncols=3, columnspacing=1.4)


def forest_data(tests: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The numbers in ``boosts_forest``: its tables below each other, with the column ``data``."""
    return pd.concat([table.assign(data=name) for name, table in tests.items()], ignore_index=True)
