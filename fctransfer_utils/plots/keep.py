"""Which layers to keep: the choices as a scheme, top-1 against the cut, and what the last hidden layer is worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from ..analysis.keep import ARMS, KEPT, labels_of, missing_choices, short_target, targets_of, top1_by_choice
from ..errors import InputError, unknown
from .style import BLACK, BLUE, GREY, ORANGE, PALE_BLUE, PURPLE, SKY, new_figure, say_missing, settle, styled

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
CUTS = {5: "conv5", 6: "fc6", 7: "fc7"}
MOST_TARGETS = 3
KEPT_COLOUR, NEW_COLOUR = PALE_BLUE, "#FFFFFF"
LOOKS = {  # protocol, hidden: colour, marker, line, filled
    ("frozen", "none"): (BLUE, "o", "-", True),
    ("frozen", "new"): (PURPLE, "s", (0, (4, 1.5)), False),
    ("fine-tuned", "none"): (ORANGE, "^", "-", True),
    ("fine-tuned", "new"): (SKY, "D", (0, (4, 1.5)), False),
}
WORDS = {"none": "new last layer on the cut", "new": "new hidden layers and last layer"}


def arms_scheme() -> Figure:
    """The arms of the study as rows of boxes: layers kept from the donor, layers drawn anew, layers left out."""
    with styled():
        figure, axes = new_figure(height=2.7)
        for row, arm in enumerate((*ARMS, "scratch")):
            for column, name in enumerate(LAYERS, start=1):
                kept = column <= KEPT[arm]
                drawn = arm == "scratch" or "+" in arm or column == len(LAYERS)
                if kept or drawn:
                    look = {"fc": KEPT_COLOUR} if kept else {"fc": NEW_COLOUR, "hatch": "//"}
                    axes.add_patch(Rectangle((column - 0.44, row - 0.34), 0.88, 0.68, ec=GREY, lw=1.0, **look))
                    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8} if not kept else None
                    axes.text(column, row, name, ha="center", va="center", fontsize=9, bbox=box)
                else:
                    axes.plot([column - 0.44, column + 0.44], [row, row], color=GREY, lw=1.0)
        axes.set_xlim(0.4, len(LAYERS) + 0.6)
        axes.set_ylim(len(ARMS) + 0.6, -0.6)
        axes.set_yticks(range(len(ARMS) + 1), [*ARMS, "scratch"])
        axes.set_xticks([])
        axes.grid(visible=False)
        axes.tick_params(length=0)
        axes.spines[["left", "bottom"]].set_visible(False)
        handles = [
            Patch(fc=KEPT_COLOUR, ec=GREY, label="kept from the donor (frozen or fine-tuned)"),
            Patch(fc=NEW_COLOUR, ec=GREY, hatch="//", label="drawn anew"),
            Line2D([], [], color=GREY, lw=1.0, label="left out"),
        ]
        figure.legend(handles=handles, loc="outside upper left", ncols=3)
        settle(figure)
    return figure


def cut_curves(rows: pd.DataFrame, distances: pd.DataFrame | None = None, *, targets: Sequence[str] = ()) -> Figure:
    """Top-1 against the cut: a row per target set (near ones first, at most three), a column per number of labels.

    ``rows`` is ``analysis.keep.keep_rows``; ``distances`` (``target_set, domain``) orders the targets and stands in
    their titles. Of more than three targets the nearest, the middle and the farthest are drawn unless ``targets`` says
    otherwise.
    """
    names = _some(targets_of(rows, distances), targets)
    counts, means = labels_of(rows), top1_by_choice(rows)
    with styled():
        figure, grid = new_figure(
            len(names), len(counts), height=1.0 + 2.45 * len(names), sharey="row", sharex=True, squeeze=False
        )
        for line, target in zip(grid, names, strict=True):
            for axes, count in zip(line, counts, strict=True):
                part = means[(means["target_set"] == target) & (means["labels_per_class"] == count)]
                _panel(axes, part)
                axes.set_title(f"{short_target(target)}\n{count} labels per class", fontsize=10)
            line[0].set_ylabel(f"Top-1 (%){_distance(target, distances)}")
        for axes in grid[-1]:
            axes.set_xlabel("kept up to")
        _legend(figure)
        say_missing(figure, missing_choices(rows))
        settle(figure)
    return figure


def cuts_with_labels(rows: pd.DataFrame, labels: int, distances: pd.DataFrame | None = None) -> Figure:
    """The same for one number of ``labels`` per class and all target sets side by side; what the slider shows."""
    if labels not in labels_of(rows):
        raise unknown("number of labels per class", labels, labels_of(rows))
    names, means = targets_of(rows, distances), top1_by_choice(rows)
    columns = min(len(names), 4)
    lines = -(-len(names) // columns)
    with styled():
        figure, grid = new_figure(lines, columns, height=1.0 + 2.7 * lines, sharey=True, squeeze=False)
        for axes, target in zip(grid.flat, names, strict=False):
            _panel(axes, means[(means["target_set"] == target) & (means["labels_per_class"] == labels)])
            axes.set_title(f"{short_target(target)}{_distance(target, distances)}", fontsize=10)
            axes.set_xlabel("kept up to")
        for axes in list(grid.flat)[len(names) :]:
            axes.set_visible(False)
        for line in grid:
            line[0].set_ylabel(f"Top-1 (%), {labels} labels per class")
        _legend(figure)
        settle(figure)
    return figure


def contrasts(table: pd.DataFrame, distances: pd.DataFrame | None = None, *, against: str) -> Figure:
    """Differences in points by target set, from ``analysis.keep.last_hidden`` or ``new_hidden``: a panel per change.

    Near target sets stand above far ones; filled is frozen, open fine-tuned; ``against`` says over what the points are.
    Bars are 95 % intervals where there are at least two (split, seed); numbers in brackets count the pairs.
    """
    shown = table[table["count"] > 0]
    if not len(shown):
        raise InputError("no pair of networks to compare; train more of the study 'keep'.")
    names, changes = targets_of(shown, distances), list(dict.fromkeys(table["change"]))
    counts = sorted(set(shown["labels_per_class"]))
    lines = [(target, count) for target in names for count in counts]
    with styled():
        figure, grid = new_figure(
            1, len(changes), height=1.6 + 0.34 * len(lines), sharey=True, sharex=True, squeeze=False
        )
        for axes, change in zip(grid[0], changes, strict=True):
            axes.axvline(0, color=BLACK, lw=1.0)
            for place, (target, count) in enumerate(lines):
                part = shown[
                    (shown["change"] == change) & (shown["target_set"] == target) & (shown["labels_per_class"] == count)
                ]
                for row in part.itertuples():
                    _dot(axes, row, place + (-0.14 if row.protocol == "frozen" else 0.14))
            axes.set_title(change)
            axes.grid(axis="x")
            axes.grid(visible=False, axis="y")
            axes.set_xlabel(f"points over {against}")
        largest = shown.groupby(["target_set", "labels_per_class"])["count"].max()
        grid[0][0].set_yticks(
            range(len(lines)), [f"{short_target(t)}, {c} labels ({largest.get((t, c), 0)})" for t, c in lines]
        )
        grid[0][0].set_ylim(len(lines) - 0.4, -0.6)
        handles = [
            Line2D([], [], ls="", marker="o", color=BLUE, label="kept layers frozen"),
            Line2D([], [], ls="", marker="^", color=ORANGE, mfc="white", label="kept layers fine-tuned"),
        ]
        figure.legend(handles=handles, loc="outside upper left", ncols=2)
        settle(figure)
    return figure


def _panel(axes: Axes, part: pd.DataFrame) -> None:
    scratch = part[part["protocol"] == "scratch"]
    if len(scratch):
        axes.axhline(100 * scratch["mean"].item(), color=BLACK, ls=(0, (5, 2)), lw=1.3, zorder=2)
    for number, ((protocol, hidden), (colour, marker, line, filled)) in enumerate(LOOKS.items()):
        mine = part[(part["protocol"] == protocol) & (part["arm"].str.contains("+", regex=False) == (hidden == "new"))]
        if not len(mine):
            continue
        mine = mine.sort_values("kept")
        x = mine["kept"].to_numpy(dtype=float) + 0.05 * (number - 1.5)
        bounded = mine["low"].notna().to_numpy()
        if bounded.any():
            values = 100 * mine.loc[bounded, ["mean", "low", "high"]]
            reach = [values["mean"] - values["low"], values["high"] - values["mean"]]
            axes.errorbar(x[bounded], values["mean"], reach, fmt="none", ecolor=colour, elinewidth=1.3, capsize=2.5)
        face = colour if filled else "white"
        axes.plot(x, 100 * mine["mean"], color=colour, ls=line, marker=marker, mfc=face, ms=6, zorder=4)
    axes.set_xticks(list(CUTS), list(CUTS.values()))
    axes.set_xlim(4.6, 7.4)


def _legend(figure: Figure) -> None:
    handles = [
        Line2D(
            [], [], color=colour, ls=line, marker=marker, mfc=colour if filled else "white",
            label=f"{protocol}, {WORDS[hidden]}",
        )
        for (protocol, hidden), (colour, marker, line, filled) in LOOKS.items()
    ]  # fmt: skip
    handles.append(Line2D([], [], color=BLACK, ls=(0, (5, 2)), lw=1.3, label="everything learnt from scratch"))
    figure.legend(handles=handles, loc="outside upper left", ncols=2, handlelength=3)


def _dot(axes: Axes, row, place: float) -> None:
    colour, marker, face = (BLUE, "o", BLUE) if row.protocol == "frozen" else (ORANGE, "^", "white")
    if np.isfinite(row.low):
        axes.plot([row.low, row.high], [place, place], color=colour, lw=1.5, zorder=3)
    axes.plot(row.mean, place, marker=marker, color=colour, mfc=face, ms=6.5, zorder=4)


def _some(names: list[str], wanted: Sequence[str]) -> list[str]:
    for name in wanted:
        if name not in names:
            raise unknown("target set", name, names)
    if wanted:
        return list(wanted)
    if len(names) <= MOST_TARGETS:
        return names
    return [names[0], names[len(names) // 2], names[-1]]


def _distance(target: str, distances: pd.DataFrame | None) -> str:
    if distances is None or not (distances["target_set"] == target).any():
        return ""
    value = distances.loc[distances["target_set"] == target, "domain"].mean()
    return f"\ndistance {value:.2f}"
