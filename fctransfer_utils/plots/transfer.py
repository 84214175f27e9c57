"""Figure 2 of Yosinski et al. (2014) from a table of trained networks, alone and beside the paper's own numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..analysis.tables import TREATMENTS, WITHOUT_CUT, one_condition, replicates_of, units_of
from ..analysis.transfer import curves, relative_to_base
from .style import BLUE, GREY, TREATMENT_STYLE, VERMILLION, Look, label_ends, new_figure, say_missing, settle, styled

RAW, RELATIVE = "Top-1 accuracy (%)", "Top-1 minus its own base (points)"
CUT_LABEL = "n: layers copied from the donor"
DODGE = 0.12  # between treatments at one n, in layers
SPOKEN = {"tiny-imagenet": "Tiny ImageNet"}
SPREAD = 0.09  # of the networks of one treatment at one n, in layers
AREAS = (  # upper line, lower line, colour and hatch, name
    ("base", "BnB", {"fc": (BLUE, 0.1), "ec": (BLUE, 0.0)}, "lost to co-adaptation"),
    ("BnB", "AnB", {"fc": (VERMILLION, 0.08), "ec": (VERMILLION, 0.3), "hatch": "////"}, "lost to specificity"),
)


class Drawn(NamedTuple):
    """What was drawn on an axes: what the table lacks, and where each line ends."""

    missing: tuple[str, ...]
    ends: dict[str, float]
    areas: tuple[str, ...]


def figure2(table: pd.DataFrame, *, relative: bool = False, incomplete: str = "balance") -> Figure:
    """Figure 2: every network above, the means with their 95 % intervals below.

    ``incomplete="keep"`` averages whatever networks there are, as the paper does; then raw means carry no interval.
    """
    with styled():
        figure, (top, bottom) = new_figure(2, 1, height=8.6, sharex=True, height_ratios=[1, 1.1])
        draw_points(top, table, relative=relative)
        drawn = draw_lines(bottom, table, relative=relative, incomplete=incomplete)
        label_ends(bottom, drawn.ends)
        top.set_xlabel("")
        top.set_title("Every network")
        bottom.set_title(_title_of_means(table, relative=relative, incomplete=incomplete))
        _legend(figure, table, drawn.areas)
        say_missing(figure, drawn.missing)
        settle(figure)
    return figure


def figure2_points(table: pd.DataFrame, *, relative: bool = False) -> Figure:
    """The top of Figure 2: one marker per network, filled for the first half as target and open for the second."""
    with styled():
        figure, axes = new_figure(height=4.8)
        missing = draw_points(axes, table, relative=relative)
        axes.set_title("Every network")
        _legend(figure, table, ())
        say_missing(figure, missing)
        settle(figure)
    return figure


def figure2_lines(table: pd.DataFrame, *, relative: bool = False, incomplete: str = "balance") -> Figure:
    """The bottom of Figure 2: means of top-1, or of the points over the base of the same target, with 95 % intervals.

    Without at least two (split, seed) no interval is drawn. What the table lacks is written below.
    """
    with styled():
        figure, axes = new_figure(height=4.8)
        drawn = draw_lines(axes, table, relative=relative, incomplete=incomplete)
        label_ends(axes, drawn.ends)
        axes.set_title(_title_of_means(table, relative=relative, incomplete=incomplete))
        _legend(figure, table, drawn.areas)
        say_missing(figure, drawn.missing)
        settle(figure)
    return figure


def figure2_raw_and_relative(table: pd.DataFrame, *, incomplete: str = "keep") -> Figure:
    """The means of top-1 and, beside them, of the points over the base of the same target: do they say the same?"""
    with styled():
        figure, panels = new_figure(1, 2, height=5.0)
        drawn = [draw_lines(axes, table, relative=i == 1, incomplete=incomplete) for i, axes in enumerate(panels)]
        for axes, each, title in zip(panels, drawn, ("Top-1", "The same, minus the own base"), strict=True):
            label_ends(axes, each.ends)
            axes.set_title(title)
        _legend(figure, table, tuple(dict.fromkeys(area for each in drawn for area in each.areas)))
        settle(figure)
    return figure


def figure2_beside_paper(ours: pd.DataFrame, paper: pd.DataFrame, *, relative: bool = True) -> Figure:
    """The paper's means beside ours, drawn alike; ``paper`` is ``analysis.transfer.paper_table()``.

    Relative values share one scale where the larger range is at most three times the smaller, else each panel has its
    own (said in its title). The paper's means are over whatever networks there are, as it has them.
    """
    with styled():
        figure, (left, right) = new_figure(1, 2, height=5.0)
        published = draw_lines(left, paper, relative=relative, incomplete="keep")
        drawn = draw_lines(right, ours, relative=relative)
        limits = [axes.get_ylim() for axes in (left, right)]
        spans = [high - low for low, high in limits]
        shared = relative and max(spans) <= 3 * min(spans)
        if shared:
            for axes in (left, right):
                axes.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
            right.set_ylabel("")
        label_ends(left, published.ends)
        label_ends(right, drawn.ends)
        left.set_title("Published networks (ImageNet)")
        right.set_title(f"Ours ({_name_of(ours)})" + ("" if shared else ", another scale"))
        both = pd.concat([ours[["treatment"]], paper[["treatment"]]])
        _legend(figure, both, tuple(dict.fromkeys((*published.areas, *drawn.areas))))
        say_missing(figure, drawn.missing)
        settle(figure)
    return figure


def draw_points(axes: Axes, table: pd.DataFrame, *, relative: bool) -> tuple[str, ...]:
    """One marker per network on ``axes``; returns what the table lacks."""
    rows, missing = _values(table, relative=relative)
    present = _present(rows)
    targets = sorted(set(rows["target"]))
    for name in present:
        look = TREATMENT_STYLE[name]
        for n, cell in rows[rows["treatment"] == name].groupby("n"):
            cell = cell.sort_values(["split", "seed", "target"])
            x = n + DODGE * _place(name, present) + _spread(len(cell))
            faces = np.where(cell["target"] == targets[0], look.colour, "white")
            axes.scatter(
                x,
                cell["value"],
                s=0.66 * look.size**2,
                marker=look.marker,
                c=faces,
                edgecolors=look.colour,
                linewidths=1.1,
                zorder=3,
            )
    if relative:
        _reference(axes, TREATMENT_STYLE["base"], 0.0)
    _finish(axes, rows["n"], relative=relative)
    if len(targets) == 2:
        handles = [
            Line2D([], [], ls="", marker="o", ms=5.5, mec=GREY, mfc=face, label=f"target {target}")
            for target, face in zip(targets, (GREY, "white"), strict=True)
        ]
        axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, handletextpad=0.1, borderpad=0)
    return missing


def draw_lines(axes: Axes, table: pd.DataFrame, *, relative: bool, incomplete: str = "balance") -> Drawn:
    """Lines through the means on ``axes``, with 95 % intervals where there are any.

    The areas are the paper's: what BnB loses against base, and what AnB loses against BnB.
    """
    means = curves(table, "delta_points" if relative else "top1", incomplete=incomplete)
    missing = means.attrs["missing"]
    intervals = relative or incomplete == "balance"
    if not relative:
        means[["mean", "low", "high"]] *= 100
    present = _present(means)
    ends = {"base": 0.0} if relative else {}
    paths = {"base": (np.array([-1.0, 9.0]), np.zeros(2))} if relative else {}
    for name in present:
        rows = means[means["treatment"] == name].dropna(subset="mean").set_index("n").sort_index()
        if not len(rows):
            continue
        look = TREATMENT_STYLE[name]
        x, y = rows.index.to_numpy(dtype=float) + DODGE / 2 * _place(name, present), rows["mean"].to_numpy()
        ends[name] = float(y[-1])
        if name in WITHOUT_CUT:
            _reference(axes, look, ends[name])
            paths[name] = np.array([-1.0, 9.0]), np.full(2, ends[name])
        else:
            axes.plot(x, y, color=look.colour, ls=look.line, zorder=3)
            paths[name] = x, y
        if intervals:
            _bars(axes, x, rows, look)
        axes.plot(x, y, ls="", marker=look.marker, ms=look.size, color=look.colour, mec="white", mew=0.6, zorder=5)
    if relative:
        _reference(axes, TREATMENT_STYLE["base"], 0.0)
    areas = _fill_areas(axes, paths)
    _finish(axes, means["n"], relative=relative)
    return Drawn(tuple(missing), ends, areas)


def _values(table: pd.DataFrame, *, relative: bool) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The networks with the column ``value`` that is drawn, and what is absent for it."""
    rows = one_condition(table)
    if not relative:
        return rows.assign(value=100 * rows["top1"]), ()
    rows = relative_to_base(rows, missing_base="omit")
    shown = rows[rows["treatment"] != "base"]
    return shown.assign(value=shown["delta_points"]), rows.attrs["missing"]


def _present(rows: pd.DataFrame) -> list[str]:
    there = set(rows["treatment"])
    return [name for name in TREATMENTS if name in there]


def _place(name: str, present: list[str]) -> float:
    """How many steps left or right of n a treatment is drawn, so that markers and bars do not lie on each other."""
    cut = [other for other in present if other not in WITHOUT_CUT]
    return 0.0 if name in WITHOUT_CUT else cut.index(name) - (len(cut) - 1) / 2


def _spread(count: int) -> np.ndarray:
    return np.linspace(-0.5, 0.5, count) * SPREAD if count > 1 else np.zeros(1)


def _reference(axes: Axes, look: Look, value: float) -> None:
    axes.axhline(value, color=look.colour, ls=look.line, lw=1.3, zorder=2)


def _bars(axes: Axes, x: np.ndarray, rows: pd.DataFrame, look: Look) -> None:
    bounded = rows[["low", "high"]].notna().all(axis=1).to_numpy()
    if bounded.any():
        chosen = rows[bounded]
        reach = [chosen["mean"] - chosen["low"], chosen["high"] - chosen["mean"]]
        axes.errorbar(
            x[bounded], chosen["mean"], reach, fmt="none", ecolor=look.colour, elinewidth=1.4, capsize=2.5, zorder=3
        )


def _fill_areas(axes: Axes, paths: dict[str, tuple[np.ndarray, np.ndarray]]) -> tuple[str, ...]:
    """Shade the paper's areas where the lower line runs below the upper one; returns the names of those drawn."""
    drawn = []
    for upper, lower, fill, name in AREAS:
        if upper not in paths or lower not in paths:
            continue
        (xs, ys), (xl, yl) = paths[upper], paths[lower]
        grid = np.linspace(max(xs[0], xl[0]), min(xs[-1], xl[-1]), 600)
        high, low = np.interp(grid, xs, ys), np.interp(grid, xl, yl)
        if grid[0] >= grid[-1] or not (low < high).any():
            continue
        axes.fill_between(grid, low, high, where=low < high, interpolate=True, lw=0, zorder=1, **fill)
        drawn.append(name)
    return tuple(drawn)


def _finish(axes: Axes, cuts: pd.Series, *, relative: bool) -> None:
    ticks = list(range(min(cuts), max(cuts) + 1))
    axes.set_xticks(ticks, [{0: "base", 8: "twice"}.get(n, str(n)) for n in ticks])
    axes.set_xlim(ticks[0] - 0.5, ticks[-1] + 0.5)
    axes.set_xlabel(CUT_LABEL)
    axes.set_ylabel(RELATIVE if relative else RAW)


def _title_of_means(table: pd.DataFrame, *, relative: bool, incomplete: str) -> str:
    rows = one_condition(table)
    units = units_of(rows) or units_of(rows, studied=False)
    if not relative and incomplete == "keep":
        return "Means of the networks there are, whatever their targets"
    if replicates_of(units) > 1:
        return "Means with 95 % intervals" + ("" if relative else " (they hold the spread between the halves too)")
    return "One network per point, no interval" if len(units) == 1 else "Means of one split and seed, no interval"


def _name_of(table: pd.DataFrame) -> str:
    row = table.iloc[0]
    name = row["data"].partition("[")[0]  # of glyphs[50x60] the set; how many of them is told elsewhere
    return f"{SPOKEN.get(name, name)}, {row['image_size']} pixels"


def _legend(figure: Figure, rows: pd.DataFrame, areas: tuple[str, ...]) -> None:
    handles: list = []
    for name in _present(rows):
        look = TREATMENT_STYLE[name]
        marker = {"marker": look.marker, "ms": look.size, "mec": "white", "mew": 0.6}
        handles.append(Line2D([], [], color=look.colour, ls=look.line, label=look.label, **marker))
    handles += [Patch(lw=0, label=name, **fill) for _, _, fill, name in AREAS if name in areas]
    figure.legend(handles=handles, loc="outside upper left", ncols=3, handlelength=3.2, columnspacing=1.4)
