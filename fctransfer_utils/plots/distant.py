"""Figure 3 of Yosinski et al. (2014): distant halves and untrained filters, raw, relative, and beside the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..analysis.distant import BOTH, KINDS
from ..analysis.tables import TREATMENTS
from ..errors import InputError
from .style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    PURPLE,
    SKY,
    TREATMENT_STYLE,
    VERMILLION,
    Look,
    new_figure,
    say_missing,
    settle,
    styled,
)

RELATIVE, RAW = "Top-1 minus its own base (points)", "Top-1 accuracy (%)"
CUTS_LABEL = "n: layers taken over and frozen"
DODGE = 0.07
KIND_STYLE: dict[str, Look] = {
    "random halves": Look(VERMILLION, "^", "-", "random halves: AnB"),
    "distant halves": Look(BLUE, "D", (0, (6, 1.5)), "distant halves: AnB"),
    "random filters (He)": Look(PURPLE, "X", (0, (1, 1)), "untrained layers, drawn by He"),
    "random filters (Gaussian)": Look(
        GREEN, "P", (0, (3, 1.2, 1, 1.2)), "untrained layers, drawn by the paper's Gaussian"
    ),
}
TARGET_STYLE = {"A": Look(SKY, "<", (0, (1, 1)), ""), "B": Look(BLACK, ">", (0, (4, 1, 1, 1)), "")}
FILTER_NAMES = {"random": "untrained, drawn by He", "random-gaussian": "untrained, drawn by the paper's Gaussian"}
SIDES = {"A": "A, by layers of B", "B": "B, by layers of A"}


def figure3(ours: pd.DataFrame, published: pd.DataFrame, *, name: str = "ours") -> Figure:
    """The bottom of Figure 3, the published networks beside ours, both from ``analysis.distant.relative_lines``.

    Intervals (95 %) are drawn where there are at least two (split, seed). Both panels share one scale where the larger
    range is at most three times the smaller; else the right title says that it has its own. What ours lacks is written
    below.
    """
    with styled():
        figure, (left, right) = new_figure(1, 2, height=4.8)
        for axes, lines in ((left, published), (right, ours)):
            _kinds(axes, lines)
            _finish(axes, lines["n"], RELATIVE)
        limits = [axes.get_ylim() for axes in (left, right)]
        spans = [high - low for low, high in limits]
        shared = max(spans) <= 3 * min(spans)
        if shared:
            for axes in (left, right):
                axes.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
            right.set_ylabel("")
        left.set_title("Published networks (ImageNet)")
        right.set_title(f"Ours ({name})" + ("" if shared else ", another scale"), fontsize=11 if shared else 10)
        _legend(figure, [kind for kind in KINDS if kind in {*ours["kind"], *published["kind"]}])
        say_missing(figure, ours.attrs.get("missing", ()))
        settle(figure)
    return figure


def figure3_lines(lines: pd.DataFrame, *, title: str = "", upto: int | None = None) -> Figure:
    """One panel of ``figure3``; ``upto`` shows the lines as far as that n, on the scale of all of them."""
    with styled():
        figure, axes = new_figure(height=4.6)
        _kinds(axes, lines if upto is None else lines[lines["n"] <= upto])
        _finish(axes, lines["n"], RELATIVE)
        low = np.nanmin(lines[["mean", "low"]].to_numpy())
        axes.set_ylim(low - 3, max(3.0, np.nanmax(lines[["mean", "high"]].to_numpy()) + 1))
        axes.set_title(title)
        _legend(figure, [kind for kind in KINDS if kind in set(lines["kind"])])
        say_missing(figure, lines.attrs.get("missing", ()))
        settle(figure)
    return figure


def raw_panels(panels: Mapping[str, pd.DataFrame], *, chance: Mapping[str, float] | None = None) -> Figure:
    """Top-1 of every network against n, a panel per title: the top of Figure 3.

    Each table holds networks of one condition; bases are horizontal lines, one per target. ``chance`` maps a title to
    the top-1 of guessing (fraction), drawn as a dotted line.
    """
    if not panels:
        raise InputError("no panel to draw; name at least one table of networks.")
    with styled():
        figure, grid = new_figure(1, len(panels), height=4.4, sharey=True, squeeze=False)
        for axes, (title, table) in zip(grid[0], panels.items(), strict=True):
            _raw(axes, table)
            if chance and title in chance:
                axes.axhline(100 * chance[title], color=GREY, ls=":", lw=1.2, label="chance")
            _finish(axes, table.loc[table["n"].between(1, 7), "n"], RAW)
            axes.set_title(title)
            axes.legend(loc="best", fontsize=8)
        for axes in grid[0][1:]:
            axes.set_ylabel("")
        settle(figure)
    return figure


def gaps(panels: Mapping[str, Mapping[str, pd.DataFrame]]) -> Figure:
    """Differences along n, a panel per title and a line per name, from ``gap_by_n`` or ``directions``.

    A name is "random halves" or "distant halves"; the directions of the latter are drawn beside their mean, thin and
    without intervals. In brackets under an n: how many (split, seed) are behind it, where all lines have the same.
    """
    if not panels:
        raise InputError("no differences to draw; name at least one panel.")
    words: list[str] = []
    with styled():
        figure, grid = new_figure(1, len(panels), height=3.9, sharey=True, squeeze=False)
        drawn: dict[str, Look] = {}
        for axes, (title, lines) in zip(grid[0], panels.items(), strict=True):
            axes.axhline(0, color=BLACK, lw=1.0, zorder=2)
            shown = [
                (f"{name}: target {SIDES[way]}" if way != BOTH else name, look, rows)
                for name, table in lines.items()
                for way, rows in table.groupby("direction", sort=False)
                for look in [KIND_STYLE[name] if way == BOTH else TARGET_STYLE[way]]
            ]
            for place, (label, look, rows) in enumerate(shown):
                _line(
                    axes,
                    rows,
                    look,
                    shift=DODGE * (place - (len(shown) - 1) / 2),
                    thin=rows["direction"].iloc[0] != BOTH,
                )
                drawn[label] = look
            for table in lines.values():
                words += table.attrs.get("missing", ())
            _finish(axes, pd.concat([table["n"] for table in lines.values()]), "Difference in top-1 (points)")
            _counts(axes, list(lines.values()))
            axes.set_title(title)
        for axes in grid[0][1:]:
            axes.set_ylabel("")
        handles = [_handle(look, label) for label, look in drawn.items()]
        figure.legend(handles=handles, loc="outside upper left", ncols=2, handlelength=3.2)
        say_missing(figure, words)
        settle(figure)
    return figure


def untrained(networks: pd.DataFrame, sizes: pd.DataFrame, *, chance: float) -> Figure:
    """Left: top-1 with untrained frozen layers against n (means), base and chance. Right: the signal after each layer.

    ``networks`` holds random, random-gaussian and base; ``sizes`` has ``net`` (one of these), ``layer, rms`` and
    ``product`` (of the gains, see ``analysis.signal_size``), drawn as open markers on a thin line: what the formula
    says without pooling.
    """
    with styled():
        figure, (left, right) = new_figure(1, 2, height=4.0)
        targets = networks["target"].nunique()
        _raw(left, networks.assign(target="all"))
        left.axhline(100 * chance, color=GREY, ls=":", lw=1.2)
        left.annotate("chance", (1, 100 * chance), xycoords=("axes fraction", "data"), xytext=(0, 3),
                      textcoords="offset points", ha="right", fontsize=8, color=GREY)  # fmt: skip
        _finish(left, networks.loc[networks["n"].between(1, 7), "n"], RAW)
        left.set_title(
            "Top-1 with untrained layers" + (f" (mean of {targets} targets)" if targets > 1 else ""), fontsize=10
        )
        layers = list(dict.fromkeys(sizes["layer"]))
        for name, rows in sizes.groupby("net", sort=False):
            look = TREATMENT_STYLE[name]
            x = [layers.index(layer) for layer in rows["layer"]]
            right.plot(x, rows["rms"], color=look.colour, ls=look.line, marker=look.marker, ms=look.size)
            right.plot(x, rows["product"], color=look.colour, lw=0.8, marker=look.marker, mfc="white", ms=5)
        right.set_yscale("log")
        right.set_xticks(range(len(layers)), layers, rotation=45)
        right.set_xlabel("after layer")
        right.set_ylabel("Root mean square of the signal")
        right.set_title("Size of the signal: measured, and formula (open)", fontsize=10)
        names = [name for name in ("base", *FILTER_NAMES) if name in {*networks["treatment"], *sizes["net"]}]
        handles = [_handle(TREATMENT_STYLE[name], FILTER_NAMES.get(name, "base, trained")) for name in names]
        figure.legend(handles=handles, loc="outside upper left", ncols=3, handlelength=3.2)
        settle(figure)
    return figure


def _kinds(axes: Axes, lines: pd.DataFrame) -> None:
    axes.axhline(0, color=TREATMENT_STYLE["base"].colour, ls=TREATMENT_STYLE["base"].line, lw=1.3, zorder=2)
    present = [kind for kind in KINDS if kind in set(lines["kind"])]
    for place, kind in enumerate(present):
        shift = DODGE * (place - (len(present) - 1) / 2)
        _line(axes, lines[lines["kind"] == kind], KIND_STYLE[kind], shift=shift)


def _line(axes: Axes, rows: pd.DataFrame, look: Look, *, shift: float, thin: bool = False) -> None:
    rows = rows.dropna(subset="mean")
    x = rows["n"].to_numpy(dtype=float) + shift
    marker = {"marker": look.marker, "ms": 0.75 * look.size if thin else look.size, "mec": "white", "mew": 0.6}
    axes.plot(
        x, rows["mean"], color=look.colour, ls=look.line, lw=1.1 if thin else 1.8, zorder=3 if thin else 4, **marker
    )
    bounded = rows[["low", "high"]].notna().all(axis=1).to_numpy()
    if bounded.any() and not thin:
        chosen = rows[bounded]
        reach = [chosen["mean"] - chosen["low"], chosen["high"] - chosen["mean"]]
        axes.errorbar(
            x[bounded], chosen["mean"], reach, fmt="none", ecolor=look.colour, elinewidth=1.4, capsize=2.5, zorder=3
        )


def _raw(axes: Axes, table: pd.DataFrame) -> None:
    targets = sorted(set(table["target"]))
    for place, target in enumerate(targets):
        rows = table[table["target"] == target]
        face = None if place == 0 else "white"
        which = f", target {target}" if len(targets) > 1 else ""
        for name in [name for name in TREATMENTS if name in set(rows["treatment"])]:
            look, cells = TREATMENT_STYLE[name], rows[rows["treatment"] == name]
            if name == "base":
                value = 100 * float(cells["top1"].mean())
                axes.axhline(
                    value, color=look.colour, ls=look.line if place == 0 else ":", lw=1.2, label=f"base{which}"
                )
                continue
            means = 100 * cells.groupby("n")["top1"].mean()
            axes.plot(means.index, means, color=look.colour, ls=look.line, marker=look.marker, ms=look.size,
                      mfc=face or look.colour, label=f"{name}{which}")  # fmt: skip


def _counts(axes: Axes, lines: Sequence[pd.DataFrame]) -> None:
    """Write the number of (split, seed) under each n where all lines have the same."""
    counts = pd.concat(lines).groupby("n")["count"].agg(["min", "max"])
    counts = counts[counts["max"] > 0]
    if len(counts) and (counts["min"] == counts["max"]).all():
        axes.set_xticks(list(counts.index), [f"{n}\n({k})" for n, k in counts["max"].items()])


def _finish(axes: Axes, cuts: pd.Series, label: str) -> None:
    ticks = sorted(set(cuts)) or list(range(1, 8))
    axes.set_xticks(ticks)
    axes.set_xlim(ticks[0] - 0.5, ticks[-1] + 0.5)
    axes.set_xlabel(CUTS_LABEL)
    axes.set_ylabel(label)


def _legend(figure: Figure, kinds: Sequence[str]) -> None:
    handles = [_handle(KIND_STYLE[kind], KIND_STYLE[kind].label) for kind in kinds]
    handles.append(_handle(TREATMENT_STYLE["base"], "base: 0 by definition", marker=""))
    figure.legend(handles=handles, loc="outside upper left", ncols=2, handlelength=3.6, columnspacing=1.6)


def _handle(look: Look, label: str, *, marker: str | None = None):
    from matplotlib.lines import Line2D

    marks = look.marker if marker is None else marker
    return Line2D(
        [], [], color=look.colour, ls=look.line, marker=marks, ms=look.size, mec="white", mew=0.6, label=label
    )
