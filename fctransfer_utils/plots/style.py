"""The one style: Okabe-Ito colours, a marker and a line per treatment, sizes for a notebook's width.

Dark colours are frozen layers and light ones fine-tuned, so the pairs BnB / BnB+ and AnB / AnB+ differ in grey too;
those that are close in grey differ in marker and line. SVG files hold outlines instead of fonts and a fixed salt, so
the same table gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

WIDTH = 9.0  # inches, a notebook's column
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
CYCLE = (BLUE, VERMILLION, GREEN, ORANGE, SKY, PURPLE, BLACK)
GREY, PALE = "#666666", "#DDDDDD"
# faces of boxes with words in them: light, and still three steps apart in grey
PALE_BLUE, PALE_ORANGE, PALE_RED, ALMOST_WHITE = "#84B9E0", "#F5CE85", "#F0C9B8", "#F4F4F4"
ORIGIN_COLOUR = {"A": PALE_RED, "B": PALE_BLUE, "new": ALMOST_WHITE}

STYLE: dict[str, Any] = {
    "figure.dpi": 100,
    "savefig.dpi": 150,
    "svg.hashsalt": "fctransfer",
    "svg.fonttype": "path",
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": PALE,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "lines.markersize": 6.5,
    "axes.prop_cycle": mpl.cycler(color=list(CYCLE)),
    "figure.constrained_layout.use": True,
}


@dataclass(frozen=True)
class Look:
    """How a treatment is drawn, and what it is called in a legend."""

    colour: str
    marker: str
    line: Any
    label: str
    size: float = 6.5


TREATMENT_STYLE: dict[str, Look] = {
    "base": Look(BLACK, "o", (0, (5, 2)), "base: learnt afresh"),
    "BnB": Look(BLUE, "s", "-", "BnB: own layers, frozen"),
    "BnB+": Look(SKY, "D", (0, (4, 1.5)), "BnB+: own layers, fine-tuned"),
    "AnB": Look(VERMILLION, "^", "-", "AnB: other half's layers, frozen"),
    "AnB+": Look(ORANGE, "v", (0, (4, 1.5)), "AnB+: other half's layers, fine-tuned"),
    "random": Look(PURPLE, "X", (0, (1, 1)), "random: untrained layers, frozen"),
    "random-gaussian": Look(GREEN, "P", (0, (3, 1.2, 1, 1.2)), "random-gaussian: the same, drawn as in the paper"),
    "twice": Look(GREEN, "*", (0, (6, 1.5, 1, 1.5)), "twice: all own layers, trained again", 11),
    "warm": Look(ORANGE, "h", (0, (8, 1.5)), "warm: as BnB, one layer new, the rest goes on learning", 7.5),
    "stitch": Look(PURPLE, "p", (0, (2, 1)), "stitch: one new layer between frozen ones", 7.5),
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw with ``STYLE`` on matplotlib's defaults, whatever the caller has set; afterwards all is as before."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def new_figure(rows: int = 1, columns: int = 1, *, height: float, width: float = WIDTH, **subplots: Any) -> tuple:
    """A ``Figure`` that pyplot does not know of, and its axes. Call it inside ``styled``."""
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots(rows, columns, **subplots)


def settle(figure: Figure) -> None:
    """Lay the figure out once and for all, so that showing it before it is saved changes nothing."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def say_missing(figure: Figure, words: Any, *, most: int = 3) -> None:
    """Write under the figure what its table lacks; nothing if nothing is missing."""
    sentences = list(dict.fromkeys(words))
    if not sentences:
        return
    lines = [f"Missing: {sentence}" for sentence in sentences[:most]]
    if len(sentences) > most:
        lines.append(f"… and {len(sentences) - most} more; see analysis.tables.missing.")
    figure.supxlabel("\n".join(wrapped(line, 150) for line in lines), x=0.01, ha="left", fontsize=8, color=GREY)


def wrapped(text: str, width: int) -> str:
    """``text`` in lines of at most ``width`` characters."""
    import textwrap

    return "\n".join(textwrap.wrap(text, width)) or text


def label_ends(axes: Any, ends: dict[str, float], *, size: float = 9) -> None:
    """Write each treatment's name at the right edge beside the end of its line, moved apart to be legible."""
    if not ends:
        return
    low, high = axes.get_ylim()
    inches = axes.get_position().height * axes.figure.get_size_inches()[1]
    gap = (high - low) * (size * 1.35 / 72) / max(inches, 0.5)
    places = apart([ends[name] for name in ends], gap)
    for name, value, place in zip(ends, ends.values(), places, strict=True):
        axes.annotate(
            name,
            xy=(1.0, value),
            xytext=(1.015, place),
            xycoords=("axes fraction", "data"),
            textcoords=("axes fraction", "data"),
            color=TREATMENT_STYLE[name].colour,
            fontsize=size,
            fontweight="bold",
            va="center",
            annotation_clip=False,
        )


def apart(values: list[float], gap: float) -> list[float]:
    """``values`` moved as little as needed for any two to be ``gap`` apart, in the same order."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    groups: list[list[int]] = []
    for index in order:
        groups.append([index])
        while (
            len(groups) > 1
            and _centre(groups[-1], values) - _centre(groups[-2], values)
            < gap * (len(groups[-1]) + len(groups[-2])) / 2
        ):
            last = groups.pop()
            groups[-1] += last
    places = list(values)
    for group in groups:
        for rank, index in enumerate(group):
            places[index] = _centre(group, values) + gap * (rank - (len(group) - 1) / 2)
    return places


def _centre(group: list[int], values: list[float]) -> float:
    return sum(values[index] for index in group) / len(group)
