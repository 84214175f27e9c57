"""What B's gain comes from: the other arms, transfer or capacity, probes at every layer, the learning rate."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..analysis.claims_fc import LEAST, SHARE
from ..analysis.fc import ARMS, GROUPS, MAIN, OTHER
from ..errors import InputError
from .fc import ARM_STYLE, GROUP_WORDS
from .style import BLACK, BLUE, GREY, PALE, new_figure, settle, styled

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "6", "7")
JUDGED, BESIDE = BLUE, GREY
DRAWN = {  # the others lie far outside and stand in the table
    "P4 of B": "P4: hidden layers anew",
    "P5 of the FC head": "P5: FC only at the target",
    "P6 of B": "P6: last layer first",
    "P3 of A": "P3 of arm A",
}
PAIRED_GROUPS = ("near", "far")


def explanations(table: pd.DataFrame, capacity: pd.DataFrame) -> Figure:
    """Left: what each arm gains over A, by protocol, and 80 % of B's gain. Right: other ways against arm B fine-tuned.

    ``table`` is ``analysis.fc_effects.explanations``, ``capacity`` ``transfer_or_capacity``. Bars are 95 % intervals
    over the seeds, numbers in brackets count them. The shaded band on the right reaches from -0.5 to 0: a way whose
    interval begins above its lower end matches B.
    """
    shown, others = table[table["count"] > 0], capacity[(capacity["count"] > 0) & capacity["choice"].isin(DRAWN)]
    if not len(shown) and not len(others):
        raise InputError("no arm can be compared with arm A; train more of the study 'fc'.")
    with styled():
        figure, (left, right) = new_figure(1, 2, height=4.6, width_ratios=(1.1, 1))
        _gains(left, shown)
        _ways(right, others)
        arms = [arm for arm in ARMS if arm in set(shown["arm"])]
        handles = [_dot(ARM_STYLE[arm].colour, ARM_STYLE[arm].marker, ARM_STYLE[arm].label) for arm in arms]
        handles.append(Line2D([], [], color=BLACK, lw=1.4, ls=(0, (1, 1)), label=f"{100 * SHARE:.0f} % of B's gain"))
        figure.legend(handles=handles, loc="outside upper left", ncols=3)
        settle(figure)
    return figure


def probes(table: pd.DataFrame) -> Figure:
    """Linear probes along the layers, from ``analysis.fc_effects.layer_probes``: a column per group of targets.

    Top: top-1; a line per arm, hidden layers 6 and 7 open. Bottom: points over the same layer of arm A, with 95 %
    intervals over the seeds.
    """
    if not len(table):
        raise InputError("no probe to draw; train P1 and P8 of the study 'fc'.")
    groups = [name for name in (*GROUPS, OTHER) if name in set(table["group"])]
    arms = [arm for arm in ARMS if arm in set(table["arm"])]
    with styled():
        figure, grid = new_figure(2, len(groups), height=5.6, sharex=True, sharey="row", squeeze=False)
        for column, group in enumerate(groups):
            top, bottom = grid[0][column], grid[1][column]
            bottom.axhline(0, color=BLACK, lw=1.0)
            for number, arm in enumerate(arms):
                part = table[(table["group"] == group) & (table["arm"] == arm)].sort_values("place")
                _probe_line(top, part, arm)
                x = part["place"] + 0.12 * (number - (len(arms) - 1) / 2)
                _intervals(bottom, x, part, arm)
            top.set_title(GROUP_WORDS[group])
            bottom.set_xticks(range(1, len(LAYERS) + 1), LAYERS, rotation=60)
        grid[0][0].set_ylabel("Top-1 of the probe (%)")
        grid[1][0].set_ylabel("over arm A (points)")
        handles = [_line(ARM_STYLE[arm]) for arm in arms]
        figure.legend(handles=handles, loc="outside upper left", ncols=3, handlelength=3)
        settle(figure)
    return figure


def learning_rates(table: pd.DataFrame) -> Figure:
    """Every learning rate as the one rate for all arms, from ``analysis.fc_effects.by_rate``.

    A column per protocol and group. Top: top-1 of every arm. Bottom: B minus A with its 95 % interval; the last place
    is where each network chose its own rate.
    """
    if not len(table):
        raise InputError("no network was trained at a learning rate; train P2 and P3 of the study 'fc'.")
    rates = sorted(set(table["rate"].dropna()))
    places = {rate: place for place, rate in enumerate(rates)}
    columns = [(p, g) for p in MAIN for g in PAIRED_GROUPS if len(_cell(table, p, g))]
    arms = [arm for arm in ARMS if arm in set(table["arm"])]
    with styled():
        figure, grid = new_figure(2, len(columns), height=5.2, sharex=True, sharey="row", squeeze=False)
        for column, (protocol, group) in enumerate(columns):
            top, bottom = grid[0][column], grid[1][column]
            part = _cell(table, protocol, group)
            own = part["rate"].isna()
            x = part["rate"].map(places).fillna(len(rates))
            part = part.assign(x=x)
            for arm in arms:
                mine, look = part[part["arm"] == arm].sort_values("x"), ARM_STYLE[arm]
                fixed = mine[mine["rate"].notna()]
                top.plot(fixed["x"], 100 * fixed["top1"], color=look.colour, ls=look.line, marker=look.marker, ms=5)
                chosen = mine[mine["rate"].isna()]
                top.plot(chosen["x"], 100 * chosen["top1"], ls="", color=look.colour, marker=look.marker, ms=6)
            bottom.axhline(0, color=BLACK, lw=1.0)
            for row in part[part["arm"] == "B"].itertuples():
                if np.isfinite(row.low):
                    bottom.plot([row.x, row.x], [row.low, row.high], color=BLUE, lw=1.6)
                bottom.plot(row.x, row.mean, marker="o", color=BLUE, mfc="white" if pd.isna(row.rate) else BLUE)
            for axes in (top, bottom):
                axes.axvline(len(rates) - 0.5, color=PALE, lw=1.0)
            top.set_title(f"{protocol}, {GROUP_WORDS[group]} targets", fontsize=10)
            names = [f"{rate:g}" for rate in rates] + (["own\nchoice"] if own.any() else [])
            bottom.set_xticks(range(len(names)), names)
            bottom.set_xlabel("learning rate")
        grid[0][0].set_ylabel("Top-1 (%)")
        grid[1][0].set_ylabel("B minus A (points)")
        figure.legend(
            handles=[_line(ARM_STYLE[arm]) for arm in arms], loc="outside upper left", ncols=3, handlelength=3
        )
        settle(figure)
    return figure


def _gains(axes: Axes, shown: pd.DataFrame) -> None:
    lines = [(p, arm) for p in MAIN for arm in ARMS if len(shown[(shown.protocol == p) & (shown.arm == arm)])]
    axes.axvline(0, color=BLACK, lw=1.0)
    starts = {}
    for place, (protocol, arm) in enumerate(lines):
        row = next(shown[(shown["protocol"] == protocol) & (shown["arm"] == arm)].itertuples())
        look = ARM_STYLE[arm]
        _interval(axes, row, place, look.colour, look.marker)
        starts.setdefault(protocol, [place, place, float("nan")])
        starts[protocol][1] = place
        if arm == "B":
            starts[protocol][2] = SHARE * row.mean
    for first, last, wanted in starts.values():
        if np.isfinite(wanted):
            axes.plot([wanted, wanted], [first - 0.4, last + 0.4], color=BLACK, lw=1.4, ls=(0, (1, 1)), zorder=2)
        if first:
            axes.axhline(first - 0.5, color=GREY, lw=0.8)
    words = [f"{p} {arm} ({_count(shown, p, arm)})" for p, arm in lines]
    axes.set_yticks(range(len(lines)), words)
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("gain over arm A, far targets (points)")
    axes.set_title("Which part of FC?")


def _ways(axes: Axes, others: pd.DataFrame) -> None:
    axes.axvspan(-LEAST, 0, color=PALE, zorder=0)
    axes.axvline(0, color=BLACK, lw=1.0)
    for place, row in enumerate(others.itertuples()):
        _interval(axes, row, place, JUDGED if row.word else BESIDE, "o" if row.word else "d")
    words = [f"{DRAWN[row.choice]} ({row.count_})" for row in others.rename(columns={"count": "count_"}).itertuples()]
    axes.set_yticks(range(len(others)), words)
    axes.set_ylim(max(len(others), 1) - 0.4, -0.6)
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("minus arm B fine-tuned, far targets (points)")
    axes.set_title("Transfer or capacity?")


def _interval(axes: Axes, row, place: int, colour: str, marker: str) -> None:
    if np.isfinite(row.low):
        axes.plot([row.low, row.high], [place, place], color=colour, lw=1.6, zorder=3)
    axes.plot(row.mean, place, marker=marker, color=colour, ms=7, zorder=4)


def _probe_line(axes: Axes, part: pd.DataFrame, arm: str) -> None:
    look = ARM_STYLE[arm]
    axes.plot(part["place"], 100 * part["top1"], color=look.colour, ls=look.line, marker=look.marker, ms=5)
    behind = part[part["place"] > 5]
    axes.plot(behind["place"], 100 * behind["top1"], ls="", color=look.colour, marker=look.marker, mfc="white", ms=6)


def _intervals(axes: Axes, x: pd.Series, part: pd.DataFrame, arm: str) -> None:
    look, there = ARM_STYLE[arm], part["count"] > 0
    bounded = there & part["low"].notna()
    axes.vlines(x[bounded], part.loc[bounded, "low"], part.loc[bounded, "high"], color=look.colour, lw=1.4)
    axes.plot(x[there], part.loc[there, "mean"], ls="", color=look.colour, marker=look.marker, ms=5)


def _cell(table: pd.DataFrame, protocol: str, group: str) -> pd.DataFrame:
    return table[(table["protocol"] == protocol) & (table["group"] == group)]


def _count(shown: pd.DataFrame, protocol: str, arm: str) -> int:
    return int(shown[(shown["protocol"] == protocol) & (shown["arm"] == arm)]["count"].iloc[0])


def _dot(colour: str, marker: str, label: str) -> Line2D:
    return Line2D([], [], ls="", color=colour, marker=marker, label=label)


def _line(look) -> Line2D:
    return Line2D([], [], color=look.colour, ls=look.line, marker=look.marker, label=look.label)
