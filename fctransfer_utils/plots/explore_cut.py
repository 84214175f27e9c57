"""The n slider: every treatment's layers at one cut (copied, frozen, new), and the measured accuracy beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle, Wedge

from ..analysis.explore import DRAWN, NAMES, SHOWN, at_cut, layers_of
from ..errors import InputError
from .quick import Scale, Words, draw_lines, page, width_of
from .style import BLACK, GREY, ORIGIN_COLOUR, TREATMENT_STYLE, styled

ORIGINS = {"A": "A: copied from the other half", "B": "B: copied from the own half", "new": "drawn afresh"}
RUNS = {"A": "A", "B": "B", "new": ""}
ROW, BOX, NAMES_END = 0.42, 0.5, 0.72  # inches: a treatment, a layer, the end of the treatments' names
HEAD, FOOT = 1.1, 0.55
SCALE = (NAMES_END + BOX * 8 + 0.25, 7.05)  # inches: the scale of the numbers; their words follow
MARGIN = 0.06  # of the range, left and right of what is drawn


def cut_figure(numbers: pd.DataFrame, *, n: int, shown: str = "top1", data: str = "") -> Figure:
    """A row per treatment at the cut ``n``: its eight layers, and its mean with the 95 % interval.

    ``numbers`` is ``analysis.explore.accuracies`` of one data set, named ``data``; ``shown`` is "top1" or "points". The
    scale is that of all cuts, so that moving n moves the points. Raises InputError as ``at_cut`` and for no numbers.
    """
    rows = at_cut(numbers, n=n, shown=shown).set_index("treatment")
    if not len(rows):
        raise InputError(f"there is no {SHOWN[shown]} of any treatment at n = {n}; give the table of a whole study.")
    height = HEAD + FOOT + ROW * len(DRAWN)
    with styled():
        figure, axes = page(height)
        words = Words(axes)
        about = f"{data}: " if data else ""
        words.write(0.1, height - 0.18, f"{about}the cut lies after layer n = {n} ({NAMES[n - 1]})", size=11, bold=True)
        _legend(axes, words, height - 0.47)
        _layers(axes, words, n)
        _numbers(axes, words, rows, numbers[numbers["shown"] == shown], shown)
        words.draw()
    return figure


def _height(row: int) -> float:
    return FOOT + ROW * (len(DRAWN) - row - 0.5)


def _layers(axes: Axes, words: Words, n: int) -> None:
    """A row of boxes per treatment; a letter says whose copies they are, frozen ones have a thick border and a lock."""
    boxes, colours, borders, locks = [], [], [], []
    top = _height(0) + 0.42
    for row, treatment in enumerate(DRAWN):
        y = _height(row)
        words.write(NAMES_END - 0.12, y, treatment, size=10, bold=True, align="right",
                    colour=TREATMENT_STYLE[treatment].colour)  # fmt: skip
        for place, layer in enumerate(layers_of(treatment, n)):
            boxes.append(Rectangle((_left(place) + 0.025, y - 0.14), 0.9 * BOX, 0.28))
            colours.append(ORIGIN_COLOUR[layer["origin"]])
            borders.append(2.2 if layer["frozen"] else 0.8)
            middle = _left(place) + BOX / 2 + (0.08 if layer["frozen"] else 0)
            words.write(middle, y, RUNS[layer["origin"]], align="center", bold=True)
            if layer["frozen"]:
                locks += _lock(middle - 0.18, y)
    axes.add_collection(PatchCollection(boxes, facecolors=colours, edgecolors=GREY, linewidths=borders), autolim=False)
    axes.add_collection(PatchCollection(locks, facecolors=BLACK, edgecolors="none", zorder=4), autolim=False)
    for place, name in enumerate(NAMES):
        words.write(_left(place) + BOX / 2, top - 0.09, name, bold=True, align="center")
    cut = _left(n)
    draw_lines(axes, [(cut, FOOT - 0.02, cut, top)], width=1.3, dashes=(0, (3, 2)), order=5)
    words.write(cut, FOOT - 0.13, f"cut n = {n}", align="center")


def _lock(x: float, y: float) -> list[Patch]:
    """A padlock around (x, y): body and shackle."""
    return [Rectangle((x - 0.055, y - 0.075), 0.11, 0.085), Wedge((x, y + 0.01), 0.048, 0, 180, width=0.018)]


def _left(place: int) -> float:
    return NAMES_END + BOX * place


def _numbers(axes: Axes, words: Words, rows: pd.DataFrame, every: pd.DataFrame, shown: str) -> None:
    """Points with intervals on one scale, and the same in words right of it."""
    reference = 0.0 if shown == "points" else float(rows["mean"].get("base", np.nan))
    ends = np.array([*every[["mean", "low", "high"]].to_numpy().ravel(), reference], dtype=float)
    low, high = np.nanmin(ends), np.nanmax(ends)
    room = MARGIN * max(high - low, 1.0)
    scale = Scale(low - room, high + room, *SCALE)
    top = _height(0) + 0.3
    scale.draw(axes, words, bottom=FOOT, top=top, label=SHOWN[shown][0].upper() + SHOWN[shown][1:])
    if np.isfinite(reference):
        base = TREATMENT_STYLE["base"]
        draw_lines(axes, [(scale(reference), FOOT, scale(reference), top)], dashes=base.line, order=1)
    bars, colours = [], []
    for row, treatment in enumerate(DRAWN):
        y, look = _height(row), TREATMENT_STYLE[treatment]
        text = "the reference, 0" if treatment == "base" and shown == "points" else "not trained"
        if treatment in rows.index:
            at = rows.loc[treatment]
            text = at["words"].replace(" (", "\n(").replace("], ", "]\n")
            if np.isfinite(at["low"]):
                bars.append((scale(at["low"]), y, scale(at["high"]), y))
                colours.append(look.colour)
            axes.plot(
                scale(at["mean"]), y, marker=look.marker, ms=look.size + 1, color=look.colour, mec="white", mew=0.6,
                zorder=4,
            )  # fmt: skip
        words.write(SCALE[1] + 0.12, y, text)
    draw_lines(axes, bars, colour=colours or BLACK, width=2.2, order=3)


def _legend(axes: Axes, words: Words, y: float) -> None:
    entries = [(text, ORIGIN_COLOUR[origin], 0.8) for origin, text in ORIGINS.items()]
    x, boxes = 0.1, []
    for text, _, _ in [*entries, ("thick border, padlock: frozen", "white", 2.2)]:
        boxes.append(Rectangle((x, y - 0.075), 0.24, 0.15))
        words.write(x + 0.31, y, text)
        x += 0.31 + width_of(text) + 0.25
    colours, borders = zip(*[entry[1:] for entry in entries], ("white", 2.2), strict=True)
    axes.add_collection(PatchCollection(boxes, facecolors=colours, edgecolors=GREY, linewidths=borders), autolim=False)
