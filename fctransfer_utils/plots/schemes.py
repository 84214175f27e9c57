"""Networks as rows of boxes: where the weights of each layer come from, or what becomes of a signal step by step.

The first scheme is that of Figure 1 of Yosinski et al. (2014). Both are drawn from a tidy list, so that a notebook can
read that list off real networks.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Arc, Circle, Patch, Rectangle

from ..errors import unknown
from . import style
from .kinds import check
from .style import PAGE, drawable

SOURCES = {"A": "#E8935F", "B": "#B5D9F0", "random": "#FFFFFF"}  # apart in grey, too
PARTS = {"features": "#B5D9F0", "activation": "#FFFFFF", "dropout": "#FFFFFF", "join": "#000000"}
CELL = 0.75  # inches of a layer, where there is room
LINE = {"A": "-", "B": "-", "random": (0, (3, 2))}
KEY = {"A": "copied from base A", "B": "copied from base B", "random": "new: drawn at random"}


def scheme(table: pd.DataFrame) -> Figure:
    """Draw the networks of ``table``: a row for each network and layer, from the input to the scores.

    Columns: ``network``, ``layer``, ``source`` of the weights that training starts from ("A", "B" or "random"),
    ``frozen``, and if it is there ``learns``, the half that it is trained on. Raises InputError for a column that is
    not there and an unknown source.
    """
    check(table, "network", "layer", "source", "frozen")
    for source in table["source"]:
        if source not in SOURCES:
            raise unknown("source of weights", source, SOURCES)
    networks = dict(iter(table.groupby("network", sort=False)))
    longest = max(map(len, networks.values()))
    names = 0.15 + 0.085 * max(len(drawable(name)) for name in networks)  # inches
    ends = 1.3 if "learns" in table else 0.1
    cell = min(CELL, (PAGE - names - ends) / longest)
    letters = max(len(drawable(name)) for name in table["layer"])
    size = min(7.5, 0.8 * cell * 72 / (0.62 * letters))  # points; a letter is 0.62 of them wide
    wide, tall = max(names + longest * cell + ends, names + 5.6), (0.8 * len(networks) + 0.1) * cell + 0.35
    with style.themed():
        figure = Figure(figsize=(wide, tall), layout="none")
        limits = {"xlim": (-names / cell, (wide - names) / cell), "ylim": ((tall - 0.35) / cell, -0.35 / cell)}
        ax = figure.add_axes((0, 0, 1, 1), **limits)
        ax.set_axis_off()
        for row, (name, layers) in enumerate(networks.items()):
            middle = 0.8 * row + 0.4
            ax.text(-0.1, middle, drawable(name), ha="right", va="center")
            for place, layer in enumerate(layers.itertuples()):
                _box(ax, place, middle, drawable(layer.layer), layer.source, bool(layer.frozen), size)
            if "learns" in table:
                ax.annotate(
                    f"classes of {drawable(layers['learns'].iloc[-1])}", (len(layers), middle),
                    xytext=(len(layers) + 0.25 / cell, middle), va="center",
                    arrowprops={"arrowstyle": "<-", "lw": 0.8, "color": "black", "shrinkA": 0},
                )  # fmt: skip
        _key(ax, cell)
    return figure


def flow(table: pd.DataFrame) -> Figure:
    """Draw what a network does from left to right; parts of one ``step`` stand one above another, as branches do.

    A row for each part: ``step``, a number that rises along the way; ``kind``; ``words``. A layer ("features") is a
    rectangle with the numbers of features that go in and come out, an "activation" a circle with its name, "dropout" a
    dashed rectangle, and a "join" the bar at which branches come together. Every part of a step is connected to every
    part of the next. Raises InputError for a column that is not there and an unknown kind.
    """
    check(table, "step", "kind", "words")
    for kind in table["kind"]:
        if kind not in PARTS:
            raise unknown("kind of part", kind, PARTS)
    steps = [its for _, its in table.groupby("step")]
    tallest = max(map(len, steps))
    cell = min(1.2 * CELL, PAGE / len(steps))  # inches
    with style.themed():
        figure = Figure(figsize=(len(steps) * cell, 0.85 * cell * tallest), layout="none")
        ax = figure.add_axes((0, 0, 1, 1), xlim=(0, len(steps)), ylim=(0.425 * tallest, -0.425 * tallest))
        ax.set_axis_off()
        before: list[tuple[float, float]] = []  # where the parts of the step before end
        for place, its in enumerate(steps):
            ends = []
            for row, part in enumerate(its.itertuples()):
                middle = 0.85 * (row - (len(its) - 1) / 2)
                half = _part(ax, place + 0.5, middle, part.kind, drawable(part.words), cell)
                arrow = {"arrowstyle": "-|>", "lw": 0.8, "color": "black", "shrinkA": 0, "shrinkB": 0}
                for end in before:
                    ax.annotate("", (place + 0.5 - half, middle), xytext=end, arrowprops=arrow)
                ends.append((place + 0.5 + half, middle))
            before = ends
    return figure


def _part(ax: Axes, x: float, y: float, kind: str, words: str, cell: float) -> float:
    """Draw a part around (x, y); returns half its width."""
    half = {"features": 0.4, "activation": 0.33, "dropout": 0.36, "join": 0.04}[kind]
    look = {"facecolor": PARTS[kind], "edgecolor": "black", "lw": 0.9, "ls": (0, (3, 2)) if kind == "dropout" else "-"}
    box = (x - half, y - 0.25), 2 * half, 0.5
    shape: Patch = Circle((x, y), half, **look) if kind == "activation" else Rectangle(*box, **look)
    ax.add_patch(shape)
    longest = max(map(len, words.split("\n")))
    size = min(7.5, 1.8 * half * cell * 72 / (0.62 * longest))  # points; a letter is 0.62 of them wide
    above = {"y": y - 0.3, "va": "bottom"} if kind == "join" else {"y": y, "va": "center"}
    ax.text(x, s=words, ha="center", fontsize=7 if kind == "join" else size, linespacing=1.4, **above)
    return half


def _box(ax: Axes, x: float, middle: float, words: str, source: str, frozen: bool, size: float) -> None:
    edge = {"edgecolor": "black", "lw": 1.6 if frozen else 0.7, "ls": LINE[source]}
    ax.add_patch(Rectangle((x + 0.06, middle - 0.31), 0.88, 0.62, facecolor=SOURCES[source], **edge))
    ax.text(x + 0.5, middle - 0.12, words, ha="center", va="center", fontsize=size)
    origin = "new" if source == "random" else source
    ax.text(x + 0.13, middle + 0.17, origin, va="center", fontsize=min(6.5, size))
    if frozen:
        _lock(ax, x + 0.8, middle + 0.17)


def _lock(ax: Axes, x: float, y: float, scale: float = 1) -> None:
    ax.add_patch(Arc((x, y - 0.03 * scale), 0.1 * scale, 0.2 * scale, theta1=180, theta2=360, lw=1.1, color="black"))
    ax.add_patch(Rectangle((x - 0.08 * scale, y - 0.04 * scale), 0.16 * scale, 0.14 * scale, color="black", lw=0))


def _key(ax: Axes, cell: float) -> None:
    """What colours and the lock mean, in a line above the networks: a sign every 1.3 inches."""
    y = -0.16 / cell
    for place, (source, words) in enumerate(KEY.items()):
        x = 0.06 + 1.3 / cell * place
        edge = {"edgecolor": "black", "lw": 0.7, "ls": LINE[source]}
        ax.add_patch(Rectangle((x, y - 0.06 / cell), 0.17 / cell, 0.13 / cell, facecolor=SOURCES[source], **edge))
        ax.text(x + 0.23 / cell, y, words, va="center", fontsize=7)
    x = 0.06 + 1.3 / cell * len(KEY) + 0.2 / cell
    _lock(ax, x, y, 0.75 / cell)
    ax.text(x + 0.12 / cell, y, "frozen; all others learn", va="center", fontsize=7)
