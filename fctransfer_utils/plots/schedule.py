"""How the learning rate of a run goes, step by step."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..errors import InputError
from .style import BLACK, CYCLE, new_figure, settle, styled

LINES = ("-", (0, (4, 1.5)), (0, (1, 1)))


def schedules(table: pd.DataFrame, *, points: pd.DataFrame | None = None) -> Figure:
    """A line per ``schedule`` of ``table`` (columns ``schedule, epoch, learning_rate``; epochs may be fractions).

    ``points`` (``epoch, learning_rate``) are drawn as dots: what the records of trained networks say.
    """
    if not len(table):
        raise InputError("no learning rates to draw; the table is empty.")
    with styled():
        figure, axes = new_figure(height=2.8)
        for index, (name, rows) in enumerate(table.groupby("schedule", sort=False)):
            axes.plot(
                rows["epoch"], rows["learning_rate"], label=name, color=CYCLE[index % len(CYCLE)],
                ls=LINES[index % len(LINES)],
            )  # fmt: skip
        if points is not None:
            axes.plot(points["epoch"], points["learning_rate"], "o", color=BLACK, ms=4.5, label="recorded in training")
        axes.set_xlabel("Epoch")
        axes.set_title("Learning rate")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
        axes.legend(loc="upper right")
        settle(figure)
    return figure
