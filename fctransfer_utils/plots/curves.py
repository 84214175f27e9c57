"""Learning curves: how the loss and the accuracy of each network went, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ..errors import InputError
from .style import CYCLE, new_figure, settle, styled

PANELS = (
    ("train_loss", "Training loss (nats)", 1.0),
    ("test_loss", "Test loss (nats)", 1.0),
    ("test_top1", "Test top-1 (%)", 100.0),
)
LINES = ("-", (0, (4, 1.5)), (0, (6, 1.5, 1, 1.5)), (0, (1, 1)))
MARKERS = "osD^vXP"
LETTERS, HANDLE = 125, 9  # that fit across a figure, and as many as a line's sample and the space around it take


def curve_table(networks: Mapping[str, Iterable[Any]]) -> pd.DataFrame:
    """``{name: epochs}`` as rows ``network, epoch, train_loss, test_loss, test_top1``.

    An epoch is anything with those attributes, such as ``training``'s ``Epoch``. Losses in nats, top-1 a fraction.
    """
    fields = ["epoch", *(name for name, _, _ in PANELS)]
    rows = [(name, *(getattr(e, field) for field in fields)) for name, epochs in networks.items() for e in epochs]
    if not rows:
        raise InputError("no epochs to draw; train at least one network or read its record.")
    return pd.DataFrame(rows, columns=["network", *fields])


def learning_curves(table: pd.DataFrame) -> Figure:
    """Training loss, test loss and test top-1 of each network side by side; ``table`` as from ``curve_table``."""
    if not len(table):
        raise InputError("no epochs to draw; train at least one network or read its record.")
    names = list(dict.fromkeys(table["network"]))
    with styled():
        beside = max(1, min(len(names), 5, LETTERS // (max(map(len, names)) + HANDLE)))
        figure, panels = new_figure(1, 3, height=3.3 + 0.2 * ((len(names) - 1) // beside))
        for axes, (column, label, scale) in zip(panels, PANELS, strict=True):
            for index, name in enumerate(names):
                rows = table[table["network"] == name].sort_values("epoch")
                axes.plot(rows["epoch"], scale * rows[column], **_look(index), **_marks(index, len(rows)))
            axes.set_xlabel("Epoch")
            axes.set_title(label)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
            if column != "test_top1":
                axes.set_ylim(bottom=0)
        handles = [Line2D([], [], label=name, **_look(i), **_marks(i, 1)) for i, name in enumerate(names)]
        figure.legend(handles=handles, loc="outside upper left", ncols=beside, handlelength=3)
        settle(figure)
    return figure


def _look(index: int) -> dict[str, Any]:
    return {"color": CYCLE[index % len(CYCLE)], "ls": LINES[index % len(LINES)]}


def _marks(index: int, epochs: int) -> dict[str, Any]:
    """A marker on some epochs, shifted per network, so that lines stay apart in grey."""
    every = max(1, epochs // 6)
    return {
        "marker": MARKERS[index % len(MARKERS)],
        "ms": 5,
        "mec": "white",
        "mew": 0.5,
        "markevery": (index % every, every),
    }
