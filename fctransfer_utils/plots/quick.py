"""Figures that follow a control: a page in inches with few artists, and words drawn as outlines.

matplotlib lays out and rasters each text by itself, some milliseconds apiece, and searches places for axes. A page
has fixed places, and ``Words`` joins all texts of a colour into one shape from outlines that are kept, so that a figure
of fifty texts is drawn in a few hundredths of a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from .style import BLACK, GREY, PALE, WIDTH

FONT = "DejaVu Sans"
UNIT = 100.0  # points at which outlines are kept
CAPITALS, LEADING = 0.73, 1.3  # height of capitals, and of a line, in font sizes
ALIGN = {"left": 0.0, "center": 0.5, "right": 1.0}


def page(height: float, *, width: float = WIDTH) -> tuple[Figure, Axes]:
    """A figure and axes over all of it, in inches from the lower left corner. Call it inside ``style.styled``."""
    figure = Figure(figsize=(width, height))
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height), autoscale_on=False)
    axes.set_axis_off()
    return figure, axes


class Words:
    """Texts on a page: ``write`` any number of them, then ``draw`` once."""

    def __init__(self, axes: Axes) -> None:
        self._axes = axes
        self._parts: dict[str, list[Path]] = {}
        self.texts: list[str] = []

    def write(
        self, x: float, y: float, text: str, *, size: float = 8.5, bold: bool = False, colour: str = BLACK,
        align: str = "left",
    ) -> None:  # fmt: skip
        """``text`` with its first baseline's middle at (x, y) inches; further lines stand below, centred on y."""
        lines = text.split("\n")
        step = LEADING * size / 72
        for place, line in enumerate(lines):
            outline, length = _outline(line, bold)
            scale = size / UNIT / 72
            left = x - ALIGN[align] * length * scale
            base = y + ((len(lines) - 1) / 2 - place) * step - CAPITALS * size / 72 / 2
            if len(outline.vertices):
                self._parts.setdefault(colour, []).append(Path(outline.vertices * scale + (left, base), outline.codes))
        self.texts.append(text)

    def draw(self) -> None:
        """Put everything on the page: one shape per colour."""
        for colour, parts in self._parts.items():
            shape = PathCollection([Path.make_compound_path(*parts)], facecolors=colour, edgecolors="none", zorder=6)
            self._axes.add_collection(shape, autolim=False)


def width_of(text: str, *, size: float = 8.5, bold: bool = False) -> float:
    """How many inches wide a line is."""
    return _outline(text, bold)[1] * size / UNIT / 72


class Scale:
    """A horizontal scale on a page: values ``low``..``high`` between two places in inches, with ticks and grid."""

    def __init__(self, low: float, high: float, left: float, right: float) -> None:
        self.low, self.high, self.left, self.right = low, high, left, right

    def __call__(self, value: float) -> float:
        """Where a value stands, in inches."""
        return self.left + (value - self.low) / (self.high - self.low) * (self.right - self.left)

    def ticks(self, most: int = 5) -> list[float]:
        """Round values between both ends."""
        from matplotlib.ticker import MaxNLocator

        found = MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]).tick_values(self.low, self.high)
        return [float(value) for value in found if self.low <= value <= self.high]

    def draw(self, axes: Axes, words: Words, *, bottom: float, top: float, label: str, most: int = 5) -> None:
        """Grid lines from ``bottom`` to ``top``, numbers and the label below."""
        ticks = self.ticks(most)
        draw_lines(axes, [(self(t), bottom, self(t), top) for t in ticks], colour=PALE, width=0.7, order=0)
        draw_lines(axes, [(self.left, bottom, self.right, bottom)], colour=GREY, width=0.9, order=1)
        digits = 0 if all(float(tick).is_integer() for tick in ticks) else 1 if ticks[1] - ticks[0] >= 0.1 else 2
        for tick in ticks:
            words.write(self(tick), bottom - 0.13, f"{tick:.{digits}f}", size=8, align="center")
        words.write((self.left + self.right) / 2, bottom - 0.32, label, size=8.5, align="center")


def draw_lines(
    axes: Axes, lines: Iterable[Sequence[float]], *, colour: str | Sequence[str] = BLACK, width: float = 1.2,
    dashes: str | tuple = "-", order: int = 2,
) -> None:  # fmt: skip
    """Straight lines (x0, y0, x1, y1) as one artist."""
    found = np.array(list(lines), dtype=float).reshape(-1, 2, 2)
    axes.add_collection(
        LineCollection(found, colors=colour, linewidths=width, linestyles=dashes, zorder=order, capstyle="butt"),
        autolim=False,
    )


@lru_cache(maxsize=4000)
def _outline(text: str, bold: bool) -> tuple[Path, float]:
    """The outline of a line at UNIT points from (0, 0), and how long it is."""
    parts, x = [], 0.0
    for letter in text:
        path, step = _letter(letter, bold)
        if len(path.vertices):
            parts.append(Path(path.vertices + np.array([x, 0.0]), path.codes))
        x += step
    return (Path.make_compound_path(*parts) if parts else Path(np.empty((0, 2)))), x


@lru_cache(maxsize=500)
def _letter(letter: str, bold: bool) -> tuple[Path, float]:
    wanted = FontProperties(family=FONT, weight="bold" if bold else "normal")
    font = get_font(findfont(wanted))
    font.set_size(UNIT, 72)
    step = font.load_char(ord(letter)).linearHoriAdvance / 65536
    drawn = TextPath((0, 0), letter, size=UNIT, prop=wanted) if letter.strip() else Path(np.empty((0, 2)))
    return Path(drawn.vertices, drawn.codes), step
