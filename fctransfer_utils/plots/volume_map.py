"""The map: for each n and number of images per class, the best kind of training and its margin, as a heat map."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from ..analysis.volume import KINDS, NO_WINNER
from ..errors import InputError
from .style import GREY, TREATMENT_STYLE, new_figure, say_missing, settle, styled

LETTERS = {"scratch": "S", "freeze": "F", "fine-tune": "T"}
MEANING = {"scratch": "from scratch", "freeze": "copy and freeze", "fine-tune": "copy and fine-tune"}
FULL = 10.0  # points of margin at which a colour is full
PALEST = 0.35


def volume_map(table: pd.DataFrame, overall: pd.DataFrame) -> Figure:
    """``analysis.volume.best_treatment`` as a heat map under ``best_overall`` as its first row.

    A capital is a winner: S from scratch, F freeze, T fine-tune, with its margin in points over the second best kind,
    darker for larger ones, and its 95 % interval where there is one. Hatched: no clear winner between the two named in
    small letters. In the first row each kind has its best n, which stands beside the letter.
    """
    if not len(table) or not len(overall):
        raise InputError("the map is empty; pass best_treatment(rows) and best_overall(rows) of the same rows.")
    images, cuts = sorted(set(table["images_per_class"]) | set(overall["images_per_class"])), sorted(set(table["n"]))
    with styled():
        heights = [1, len(cuts)]
        figure, (top, below) = new_figure(2, 1, height=1.6 + 0.72 * (1 + len(cuts)), height_ratios=heights, sharex=True)
        _cells(top, overall, images, lambda row: 0, cuts=True)
        _cells(below, table, images, lambda row: cuts.index(row.n), cuts=False)
        top.set_yticks([0], ["any n"])
        below.set_yticks(range(len(cuts)), [f"n = {n}" for n in cuts])
        below.set_xticks(range(len(images)), [str(k) for k in images])
        below.set_xlabel("training images per class of the target")
        top.set_title("Best of everything")
        below.set_title("Best at each number of copied layers")
        _legend(figure)
        say_missing(figure, dict.fromkeys((*overall.attrs.get("missing", ()), *table.attrs.get("missing", ()))))
        settle(figure)
    return figure


def _cells(axes: Axes, table: pd.DataFrame, images: list[int], place, *, cuts: bool) -> None:
    rows = 1 + max(place(row) for row in table.itertuples())
    filled = {(images.index(row.images_per_class), place(row)): row for row in table.itertuples()}
    for x in range(len(images)):
        for y in range(rows):
            row = filled.get((x, y))
            face, hatch = ("white", "") if row is None else _face(row)
            box = Rectangle((x - 0.5, y - 0.5), 1, 1, fc=face, ec="#BBBBBB", hatch=hatch, lw=0.8)
            axes.add_patch(box)
            if row is None:
                axes.text(x, y, "no data", ha="center", va="center", color=GREY, fontsize=8, style="italic")
            else:
                _words(axes, x, y, row, face, cuts=cuts)
    axes.set_xlim(-0.5, len(images) - 0.5)
    axes.set_ylim(-0.5, rows - 0.5)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)


def _words(axes: Axes, x: int, y: int, row, face, *, cuts: bool) -> None:
    red, green, blue = mpl.colors.to_rgb(face)
    colour = "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else "black"
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0} if row.best == NO_WINNER else None
    head = _named(row.leader, row.n, cuts)
    if row.best == NO_WINNER:
        head = f"{head}/{_named(row.second, row.second_n if cuts else row.n, cuts)}".lower()
    interval = f"\n[{row.low:.1f}, {row.high:.1f}]" if np.isfinite(row.low) else ""
    common = {"ha": "center", "color": colour, "bbox": box}
    axes.text(x, y + 0.02, head, va="bottom", fontsize=11, fontweight="bold", **common)
    axes.text(x, y - 0.05, f"+{row.margin:.1f}{interval}", va="top", fontsize=8, linespacing=1.0, **common)


def _named(kind: str, n: int, cuts: bool) -> str:
    return LETTERS[kind] + (str(n) if cuts and kind != "scratch" else "")


def _face(row) -> tuple:
    if row.best == NO_WINNER:
        return "white", "////"
    share = PALEST + (1 - PALEST) * min(1.0, row.margin / FULL)
    colour = np.array(mpl.colors.to_rgb(TREATMENT_STYLE[KINDS[row.best]].colour))
    return tuple(1 - share * (1 - colour)), ""


def _legend(figure: Figure) -> None:
    handles = [
        Patch(fc=TREATMENT_STYLE[KINDS[kind]].colour, label=f"{letter}: {MEANING[kind]} ({KINDS[kind]})")
        for kind, letter in LETTERS.items()
    ]
    handles.append(Patch(fc="white", ec="#BBBBBB", hatch="////", label="no clear winner"))
    figure.legend(handles=handles, loc="outside upper left", ncols=4, columnspacing=1.2)
