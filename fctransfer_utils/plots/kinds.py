"""Three kinds of figure: curves, forests of intervals, and images.

The first two take a tidy table and the names of its columns. Intervals are in ``low`` and ``high``, how many values
they stand on in ``count``, as ``analysis.effects`` gives them; ``col`` is the column whose values have a panel each.
Every function returns a ``Figure`` that pyplot does not know of, in the style of ``plots.style`` whatever the caller
has set, and raises InputError for an empty table and for a column that it lacks.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from ..analysis.stats import bracket
from ..errors import InputError
from . import style
from .style import COLUMN, PAGE, Look, drawable

PERCENT = (0, 100)  # what is possible for an accuracy
SMALL = 7  # points: text inside a figure
LINE = 9.5 / 72  # inches that a line of text needs
Bounds = tuple[float, float]
Panel = tuple[Any, Axes, pd.DataFrame, pd.DataFrame]  # its value of ``col``, where it is drawn, its rows and points


def curves(
    table: pd.DataFrame,
    x: str,
    *,
    hue: str,
    y: str = "mean",
    col: str | None = None,
    points: pd.DataFrame | None = None,
    across: Sequence[str] = ("base", "long", "twice"),
    bounds: Bounds | None = None,
    zero: float | None = None,
    logx: bool = False,
    xlabel: str = "",
    ylabel: str = "",
    counted: str = "replicates",
    height: float = 2.6,
) -> Figure:
    """A line for each ``hue`` over ``x``, with its intervals.

    ``points``: single networks or replicates, with the same columns, drawn pale behind. ``across``: values of ``hue``
    that stand for no ``x``, such as base networks; their line crosses the panel. ``bounds``: what is possible for ``y``
    (``PERCENT``); intervals and axes end there. ``counted``: what ``count`` counts, for the titles. Names
    stand at the ends of the lines where there is room, else in a legend. ``height`` of a row: inches.
    """
    check(table, x, y, hue, col)
    if points is not None:
        check(points, x, y, hue)
    looks = style.looks(table[hue])
    named = not pd.api.types.is_numeric_dtype(table[x])  # such as layers: in the order of the table
    shown = table if points is None else pd.concat([table[[x]], points[[x]]])
    values = list(dict.fromkeys(shown[x])) if named else sorted(set(shown[x]))
    where = {value: float(place if named else value) for place, value in enumerate(values)}
    step = min(np.diff([*where.values()]), default=1) * 0.35 / max(len(looks), 6)  # intervals stand side by side
    with style.themed():
        figure, panels = _panels(table, points, col=col, height=height)
        for name, ax, rows, behind in panels:
            ends: dict[Any, float] = {}  # at last, where the lines of the last panel end
            if logx:
                ax.set_xscale("log")
                ax.xaxis.set_major_formatter(style.PlainLogFormatter())
                ax.xaxis.set_minor_formatter(style.PlainLogFormatter())
            for place, (level, look) in enumerate(looks.items()):
                its = rows[(rows[hue] == level) & np.isfinite(rows[y].astype(float))]
                its = its.sort_values(x, key=lambda column: column.map(where))
                single = _of(behind, hue, level)
                shift = place - (len(looks) - 1) / 2
                at, single_at = (part[x].map(where).to_numpy(float) for part in (its, single))
                at, single_at = (part * 1.03**shift if logx else part + step * shift for part in (at, single_at))
                crossing = level in across and len(its) == 1
                if crossing:
                    ax.axhline(its[y].iloc[0], color=look.colour, ls=look.line, zorder=1.5)
                    single_at = np.full(len(single), at[0])
                ax.plot(single_at, single[y], look.marker, color=look.colour, alpha=0.3, ms=2.5, mew=0)
                ax.plot(at, its[y], look.marker, ls="" if crossing else look.line, color=look.colour, ms=_size(look))
                _bars(ax.vlines, at, its, look, bounds=bounds)
                if len(its):
                    ends[level] = float(its[y].iloc[-1])
            if zero is not None:
                ax.axhline(zero, color="black", lw=0.8, zorder=1)
            apart = not logx or min((b / a for a, b in pairwise(values)), default=2) > 1.2  # room for a number at each
            if named or (len(values) <= 13 and apart):
                ax.set_xticks([*where.values()], [drawable(value) if named else f"{value:g}" for value in values])
                ax.set_xticks([], minor=True)
            elif not logx and all(float(value).is_integer() for value in values):
                ax.xaxis.set_major_locator(MaxNLocator(integer=True))
            if named:
                ax.set_xlim(-0.5, len(values) - 0.5)
            _words(ax, name, rows, counted, xlabel or x, ylabel or y)
        if bounds:
            _within(ax, bounds)  # once all have been drawn, for they share their axes
        _name_lines(ax, ends, looks)
        return _settled(figure)


def forest(
    table: pd.DataFrame,
    y: str,
    *,
    hue: str | None = None,
    col: str | None = None,
    points: pd.DataFrame | None = None,
    margin: float | None = None,
    xlabel: str = "difference (points)",
    counted: str = "replicates",
    width: float | None = None,
) -> Figure:
    """Differences with their intervals, a line for each ``y`` from top to bottom; with one panel, numbers beside them.

    ``margin``: differences within it are shaded. For the rest see ``curves``.
    """
    check(table, y, "mean", hue, col)
    names = list(dict.fromkeys(table[y]))
    looks = style.looks(table[hue]) if hue else {None: style.LOOKS["BnB"]}
    lines = len(names) * max(1, 0.65 * len(looks))
    with style.themed():
        figure, panels = _panels(table, points, col=col, width=width, height=0.75 + 0.24 * lines)
        for name, ax, rows, behind in panels:
            for place, (level, look) in enumerate(looks.items()):
                its, single = (_of(part, hue, level) for part in (rows, behind[behind[y].isin(names)]))
                offset = 0.7 / len(looks) * (place - (len(looks) - 1) / 2)
                at = its[y].map(names.index).to_numpy(float) + offset
                below = single[y].map(names.index).to_numpy(float) + offset + 0.22 / len(looks)
                ax.plot(single["mean"], below, look.marker, color=look.colour, alpha=0.35, ms=2.5, mew=0)
                ax.plot(its["mean"], at, look.marker, color=look.colour, ms=_size(look))
                _bars(ax.hlines, at, its, look)
                numbers = its.reindex(columns=["mean", "low", "high"]).to_numpy(float)
                for height, values in zip(at, numbers if len(panels) == 1 else (), strict=False):
                    words = bracket(values, sign=True).replace("-", "\N{MINUS SIGN}")
                    ax.annotate(
                        words, (1, height), xycoords=("axes fraction", "data"), xytext=(6, 0),
                        textcoords="offset points", va="center", fontsize=SMALL, color=_dark(look) if hue else "black",
                    )  # fmt: skip
            ax.axvline(0, color="black", lw=0.8, zorder=1)
            if margin is not None:
                ax.axvspan(-margin, margin, color="#EEEEEE", zorder=0)
            ax.set(yticks=range(len(names)), yticklabels=[drawable(name) for name in names])
            ax.set_ylim(len(names) - 0.5, -0.5)
            ax.grid(visible=True, axis="x")
            ax.grid(visible=False, axis="y")
            ax.tick_params(axis="y", length=0)
            _words(ax, name, rows, counted, xlabel, "")
        if hue:
            _legend(figure, looks, above=True)
        return _settled(figure)


def images(pixels: Any, titles: Sequence[object] = (), *, groups: Sequence[object] = (), columns: int = 8) -> Figure:
    """Pictures in rows of ``columns``, each under its title.

    ``pixels``: uint8 (N, 3, H, W), (N, H, W, 3) or (N, H, W) in grey, or a list of pictures of several sizes.
    ``titles``: one for each picture, in any script. ``groups``: one for each picture; those of one group stand together
    under its name. Raises InputError for values that are not uint8, and for a number of titles or groups that is not
    that of the pictures.
    """
    pictures = [_picture(one) for one in pixels]
    for what, given in (("titles", titles), ("groups", groups)):
        if len(given) not in (0, len(pictures)):
            raise InputError(f"{len(pictures)} pictures have {len(given)} {what}; give one for each, or none.")
    if not pictures:
        raise InputError("there are 0 pictures to draw; give at least one.")
    members: dict[object, list[int]] = {}
    for place in range(len(pictures)):
        members.setdefault(groups[place] if len(groups) else None, []).append(place)
    columns = min(columns, max(map(len, members.values())))
    side = min(PAGE / columns, 1.6)  # inches
    words = [_short(title, letters=max(6, int(side * 72 / 4.4))) for title in titles]  # a letter is 4.4 points wide
    tall = side * min(2, max(one.shape[0] / one.shape[1] for one in pictures))
    tall += 0.04 + LINE * max((title.count("\n") + 1 for title in words), default=0)
    rows = {name: -(-len(places) // columns) for name, places in members.items()}
    heights = [count * tall + 0.22 * bool(len(groups)) for count in rows.values()]
    with style.themed():
        figure = Figure(figsize=(side * columns, sum(heights)), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, hspace=0.02, wspace=0.02)
        parts = figure.subfigures(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0]
        for part, (name, places) in zip(parts, members.items(), strict=True):
            if len(groups):
                part.suptitle(drawable(name), x=0.005, ha="left", fontsize=8.5)
            for number, ax in enumerate(part.subplots(rows[name], columns, squeeze=False).flat):
                ax.set_axis_off()
                if number < len(places):
                    place = places[number]
                    ax.imshow(pictures[place], cmap="gray", interpolation="nearest", vmin=0, vmax=255)
                    ax.set_title(words[place] if words else "", fontsize=SMALL, loc="center", pad=2)
        return _settled(figure)


def check(table: pd.DataFrame, *names: str | None) -> None:
    """Raise InputError for a table without rows or without one of the columns ``names``."""
    absent = [name for name in names if name and name not in table]
    if absent:
        raise InputError(f"the table has no column {absent[0]!r}; it has {', '.join(map(str, table.columns))}.")
    if not len(table):
        raise InputError("the table has no rows, so there is nothing to draw; look at how it was selected.")


def _of(table: pd.DataFrame, column: str | None, value: Any) -> pd.DataFrame:
    """The rows of one value; all where the table does not have the column."""
    return table[table[column] == value] if column in table else table


def _panels(
    table: pd.DataFrame, points: pd.DataFrame | None, *, col: str | None, height: float, width: float | None = None
) -> tuple[Figure, list[Panel]]:
    """A figure with a panel for each value of ``col``: up to three in a row."""
    points = table[:0] if points is None else points
    values = list(dict.fromkeys(table[col])) if col else [None]
    along = len(values) if len(values) <= 3 else 2 if len(values) == 4 else 3
    down = -(-len(values) // along)
    size = (width or (PAGE if along > 1 else 1.4 * COLUMN), height * down)
    figure = Figure(figsize=size, layout="constrained")
    axes = list(figure.subplots(down, along, squeeze=False, sharex=True, sharey=True).flat)
    for ax in axes[len(values) :]:
        ax.remove()
    for ax in axes[max(0, len(values) - along) : len(values)]:  # also above a place that stays empty
        ax.tick_params(labelbottom=True)
    places = zip(values, axes, strict=False)
    return figure, [(value, ax, _of(table, col, value), _of(points, col, value)) for value, ax in places]


def _bars(lines: Callable, at: np.ndarray, rows: pd.DataFrame, look: Look, *, bounds: Bounds | None = None) -> None:
    """Intervals, as far as they are possible, of the rows that have one; ``lines``: of a panel, upright or across."""
    low, high = rows.reindex(columns=["low", "high"]).to_numpy(float).clip(*(bounds or (-np.inf, np.inf))).T
    known = np.isfinite(low) & np.isfinite(high)
    lines(at[known], low[known], high[known], color=look.colour, lw=1.2, zorder=1.8)


def _within(ax: Axes, bounds: Bounds) -> None:
    """End the upright axis, but for half a marker, where nothing is possible any more."""
    room = 0.02 * (bounds[1] - bounds[0])
    low, high = ax.get_ylim()
    low, high = max(low, bounds[0] - room), min(high, bounds[1] + room)
    ax.set_yticks([at for at in ax.get_yticks() if max(low, bounds[0]) <= at <= min(high, bounds[1])])
    ax.set_ylim(low, high)


def _words(ax: Axes, name: Any, rows: pd.DataFrame, counted: str, xlabel: str, ylabel: str) -> None:
    """What the panel shows, how many values its intervals stand on, and at the figure's edge the names of the axes."""
    title = [] if name is None else [drawable(name)]
    counts = sorted(set(rows["count"].dropna().astype(int))) if counted and "count" in rows else []
    if counts:
        of = counted.removesuffix("s") if counts == [1] else counted
        title.append(f"{' to '.join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))} {of}")
    ax.set_title(", ".join(title))
    ax.set_xlabel(drawable(xlabel) if ax.xaxis.get_tick_params()["labelbottom"] else "")
    ax.set_ylabel(drawable(ylabel) if ax.get_subplotspec().is_first_col() else "")


def _name_lines(ax: Axes, heights: dict[Any, float], looks: dict[Any, Look]) -> None:
    """Names beside the last panel, at the ends of its lines, if all are there and have room; else a legend."""
    figure = ax.figure
    figure.draw_without_rendering()
    low, high = ax.get_ylim()
    tall = ax.get_position().height * figure.get_figheight()
    gap = (high - low) * LINE / tall
    places = _apart(heights, gap)
    moved = max((abs(places[level] - height) for level, height in heights.items()), default=0)
    one_row = ax.get_subplotspec().get_gridspec().nrows == 1
    if not one_row or set(heights) != set(looks) or len(heights) * LINE > tall or moved > 2 * gap:
        _legend(figure, looks)
        return
    for level, height in heights.items():
        line = {"arrowstyle": "-", "color": looks[level].colour, "lw": 0.7, "shrinkA": 0, "shrinkB": 1}
        ax.annotate(
            drawable(level), (1, height), xycoords=("axes fraction", "data"), xytext=(1.06, places[level]),
            textcoords=("axes fraction", "data"), va="center", color=_dark(looks[level]), annotation_clip=False,
            arrowprops=line,
        )  # fmt: skip


def _apart(heights: dict[Any, float], gap: float) -> dict[Any, float]:
    """Heights moved little by little until any two are ``gap`` apart."""
    names = sorted(heights, key=heights.__getitem__)
    values = np.array([heights[name] for name in names], dtype=float)
    for _ in range(200):
        push = np.maximum(gap - np.diff(values), 0) / 2
        values[:-1] -= push
        values[1:] += push
    return dict(zip(names, values.tolist(), strict=True))


def _legend(figure: Figure, looks: dict[Any, Look], *, above: bool = False) -> None:
    """A legend beside the panels, or ``above`` those of a forest, which has no lines."""
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, ls="" if above else look.line,
               ms=_size(look), label=drawable(level))
        for level, look in looks.items()
    ]  # fmt: skip
    where = {"loc": "outside upper center", "ncols": min(len(handles), 5)} if above else {"loc": "outside right center"}
    figure.legend(handles=handles, handlelength=3.2, **where)


def _size(look: Look) -> float:
    return 7 if look.marker == "*" else 4.5


def _dark(look: Look) -> tuple[float, ...]:
    """The colour, dark enough for letters on white."""
    return tuple(0.75 * part for part in to_rgb(look.colour))


def _picture(one: Any) -> np.ndarray:
    """A picture as (H, W) or (H, W, 3)."""
    one = np.asarray(one)
    if one.dtype != np.uint8:
        raise InputError(f"a picture has values of type {one.dtype}; give uint8, 0 to 255.")
    if one.ndim == 3 and one.shape[-1] != 3 and one.shape[0] == 3:
        one = np.moveaxis(one, 0, -1)
    if not one.size or one.ndim not in (2, 3) or one.shape[2:] not in ((), (3,)):
        raise InputError(f"a picture has the shape {one.shape}; give (3, H, W), (H, W, 3) or (H, W).")
    return one


def _short(title: object, *, letters: int) -> str:
    """A title in at most two lines of so many letters."""
    lines = textwrap.wrap(drawable(title), letters) or [""]
    return "\n".join(lines[:2]) if len(lines) <= 2 else f"{lines[0]}\n{lines[1][: letters - 1]}…"


def _settled(figure: Figure) -> Figure:
    """Lay the figure out here, in this style, so that it looks the same wherever it is shown or saved."""
    figure.draw_without_rendering()
    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        if isinstance(axis.get_major_formatter(), ScalarFormatter):  # how many ticks it takes depends on the settings
            low, high = sorted(axis.get_view_interval())
            axis.set_ticks([at for at in axis.get_majorticklocs() if low <= at <= high])
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure
