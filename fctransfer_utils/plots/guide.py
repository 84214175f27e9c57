"""The guide as a picture: for each distance and number of labels, what the evidence says, or that there is none."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from ..errors import InputError
from .style import ALMOST_WHITE, GREY, PALE_BLUE, PALE_ORANGE, new_figure, settle, styled, wrapped

FACES = {"frozen": PALE_BLUE, "fine-tuned": PALE_ORANGE, "scratch": ALMOST_WHITE}
PALE = 0.28  # of the colour, where an answer is not clearly better than the next
MEANING = {"frozen": "freeze what is kept", "fine-tuned": "fine-tune everything", "scratch": "learn from scratch"}
TITLES = {"little": "Little compute: only a head learns", "enough": "Enough compute: every layer may learn"}
EDGE = "#8A8A8A"


def decision_figure(table: pd.DataFrame) -> Figure:
    """``analysis.guide.guide_table`` as cells: a panel per compute, distance from near to far, labels from few to many.

    A cell names the cut, the head and the margin over the next option in points, with its 95 % interval where there is
    one. Pale with a dashed border: not clearly better than the next. Grey words: no evidence.
    """
    if not len(table):
        raise InputError("the guide has no question; pass guide_table of at least one distance and number of labels.")
    computes = list(dict.fromkeys(table["compute"]))
    distances, labels = (sorted(set(table[name])) for name in ("distance", "labels_per_class"))
    with styled():
        figure, grid = new_figure(
            len(computes), 1, height=0.9 + (0.5 + 0.86 * len(distances)) * len(computes), squeeze=False
        )
        for axes, compute in zip(grid[:, 0], computes, strict=True):
            for row in table[table["compute"] == compute].itertuples():
                _cell(axes, labels.index(row.labels_per_class), distances.index(row.distance), row)
            axes.set_xlim(-0.5, len(labels) - 0.5)
            axes.set_ylim(-0.5, len(distances) - 0.5)
            axes.set_xticks(range(len(labels)), [str(count) for count in labels])
            axes.set_yticks(range(len(distances)), [f"{value:.2f}" for value in distances])
            axes.set_ylabel("measured distance")
            axes.set_title(TITLES.get(compute, compute))
            axes.grid(visible=False)
            axes.tick_params(length=0)
            axes.spines[["left", "bottom"]].set_visible(False)
        grid[-1, 0].set_xlabel("labels per class of the target")
        handles = [Patch(fc=colour, ec=EDGE, label=MEANING[name]) for name, colour in FACES.items()]
        handles.append(Patch(fc="white", ec=EDGE, ls="--", label="pale: not clearly better than the next"))
        figure.legend(handles=handles, loc="outside upper left", ncols=4, columnspacing=1.2)
        settle(figure)
    return figure


def _cell(axes: Axes, x: int, y: int, row) -> None:
    strength = 0.0 if not row.found else 1.0 if row.clear else PALE
    face = _mixed(FACES[row.protocol], strength) if row.found else "white"
    border = {"ec": EDGE, "lw": 1.1, "ls": "-" if strength == 1.0 else "--"}
    axes.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, fc=face, **border))
    if not row.found:
        axes.text(x, y, "no evidence", ha="center", va="center", color=GREY, style="italic", fontsize=9)
        return
    head = "everything new" if row.protocol == "scratch" else f"keep to {row.cut}, {row.protocol}\n{_short(row.head)}"
    interval = f" [{row.low:.1f}, {row.high:.1f}]" if np.isfinite(row.low) else ""
    words = f"{head}\n{row.margin:+.1f}{interval}"
    axes.text(x, y, words, ha="center", va="center", fontsize=8.5, linespacing=1.25)


def _mixed(colour: str, strength: float) -> tuple:
    return tuple(1 - strength * (1 - np.array(mpl.colors.to_rgb(colour))))


def _short(head: str) -> str:
    """``new fc6-fc7 and new last layer`` as ``+ new fc6-fc7 and last layer``."""
    return wrapped("+ " + head.replace(" and new last layer", " and last layer"), 30)
