"""The one style of every figure: sizes, fonts for class names in any script, and a look for each treatment."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib import font_manager, scale, ticker
from matplotlib.figure import Figure

from ..files import replacing

COLUMN, PAGE = 89 / 25.4, 183 / 25.4  # inches: a column and a page of a journal
TICKS = {"labelsize": 7.5, "major.size": 3, "minor.size": 2, "major.width": 0.8, "minor.width": 0.6}


@dataclass(frozen=True)
class Look:
    """How one level of a table is drawn. Colour, marker and dashes each tell it from the others without the rest."""

    colour: str
    marker: str
    line: Any = "-"  # as matplotlib takes it; dashes: lengths of line and gap in line widths


# Colours of Okabe and Ito, which colour-blind readers can tell apart. Frozen is dark and solid, fine-tuned light and
# dashed, so that BnB and BnB+ differ in a black-and-white print too.
LOOKS = {
    "base": Look("#000000", "o", (0, (5, 2))),
    "long": Look("#767676", "p", (0, (8, 1.5, 1, 1.5))),
    "twice": Look("#009E73", "*", (0, (6, 1.5, 1, 1.5, 1, 1.5))),
    "BnB": Look("#0072B2", "s"),
    "BnB+": Look("#56B4E9", "D", (0, (4, 1.5))),
    "AnB": Look("#D55E00", "^"),
    "AnB+": Look("#E69F00", "v", (0, (4, 1.5))),
    "scratch": Look("#000000", "o", (0, (5, 2))),
    "frozen": Look("#D55E00", "^"),
    "fine-tuned": Look("#E69F00", "v", (0, (4, 1.5))),
    "random": Look("#CC79A7", "X", (0, (1, 1.2))),
    "random he": Look("#CC79A7", "X", (0, (1, 1.2))),
    "random gaussian": Look("#8C510A", "P", (0, (3, 1.2, 1, 1.2))),
}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#000000")
SPARE = [
    Look(colour, marker, line)
    for line in ("-", (0, (4, 1.5)), (0, (1, 1.2)))
    for colour, marker in zip(COLOURS, "osD^vXP", strict=True)
]

# One character of each script that DejaVu Sans may lack, by which a font that has the script is found.
SCRIPTS = "猫貓们ねネ고عעकกကកລაԱአབகతಕമকਕકක🐈🚀♞"


def save(figure: Figure, file: Path) -> None:
    """Write ``figure`` as a PNG of 200 dots an inch, whole or not at all."""
    with replacing(file) as temporary:
        figure.savefig(temporary, format="png", dpi=200, bbox_inches="tight")


def looks(levels: Iterable[object]) -> dict[Any, Look]:
    """A look for each level: the treatment's own, or one that no other level of the same table has."""
    levels = list(dict.fromkeys(levels))
    taken = {LOOKS[level].colour for level in levels if level in LOOKS}
    spare = itertools.cycle([look for look in SPARE if look.colour not in taken] or SPARE)
    return {level: LOOKS[level] if level in LOOKS else next(spare) for level in levels}


def apply() -> None:
    """Set the style for every figure drawn from now on.

    ``$`` in a text is a dollar sign, not the start of a formula: class names are drawn as they are. Logarithmic axes
    have plain numbers for the same reason.
    """
    mpl.rcParams.update(_settings())
    scale.register_scale(_PlainLogScale)


def themed() -> AbstractContextManager[None]:
    """Draw with this style whatever the caller has set; afterwards the caller's settings are as before."""
    return mpl.rc_context(_settings())


@cache
def _settings() -> dict[str, Any]:
    return {
        **sns.axes_style("ticks"),
        **sns.plotting_context("paper"),
        "axes.prop_cycle": mpl.cycler(color=COLOURS),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.labelsize": 8,
        "axes.linewidth": 0.8,
        "axes.titlesize": 8.5,
        "axes.titlelocation": "left",
        "axes.formatter.useoffset": False,
        "figure.dpi": 144,
        "figure.figsize": (COLUMN, COLUMN * 0.75),
        "figure.constrained_layout.use": True,
        "font.family": list(families()),
        "font.size": 8,
        "grid.color": "#DDDDDD",
        "grid.linewidth": 0.6,
        "legend.fontsize": 7.5,
        "legend.frameon": False,
        "lines.linewidth": 1.4,
        "lines.markersize": 4.5,
        "lines.markeredgecolor": "white",
        "lines.markeredgewidth": 0.6,
        "savefig.dpi": 200,
        "svg.hashsalt": "fctransfer",  # the same table gives the same file
        "text.parse_math": False,
        **{f"{axis}tick.{name}": size for axis in "xy" for name, size in TICKS.items()},
    }


class PlainLogFormatter(ticker.LogFormatter):
    """0.001, 0.01, 0.1 where matplotlib would write formulas, which this style does not read."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        return f"{x:g}" if super().__call__(x, pos) else ""


class _PlainLogScale(scale.LogScale):
    name = "log"

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # matplotlib is about to drop the first parameter, the axis
        super().__init__(*args, **kwargs)

    def set_default_locators_and_formatters(self, axis: Any) -> None:
        super().set_default_locators_and_formatters(axis)
        axis.set_major_formatter(PlainLogFormatter(self.base))
        axis.set_minor_formatter(PlainLogFormatter(self.base, labelOnlyBase=self.subs is not None))


@cache
def families() -> tuple[str, ...]:
    """DejaVu Sans, which comes with matplotlib, and for each script that it lacks an installed font that has it."""
    found = ["DejaVu Sans"]
    names = {
        face.name
        for face in font_manager.fontManager.ttflist
        if (face.weight, face.style, face.stretch) == (400, "normal", "normal")
        and not face.name.startswith((".", "Last Resort"))  # Last Resort draws boxes only
    }
    missing = [letter for letter in SCRIPTS if not _has("DejaVu Sans", letter)]
    for name in sorted(names, key=lambda name: ("Sans" not in name, "Mono" in name, name)):
        if any(_has(name, letter) for letter in missing):
            found.append(name)
            missing = [letter for letter in missing if not _has(name, letter)]
    return tuple(found)


@cache
def _has(family: str, letter: str) -> bool:
    """Whether the font has the character and can draw it (fonts of coloured pictures cannot be drawn)."""
    try:
        face = font_manager.get_font(font_manager.findfont(font_manager.FontProperties(family=[family])))
        return face.get_char_index(ord(letter)) > 0 and face.load_char(ord(letter)) is not None
    except (OSError, RuntimeError, ValueError):
        return False


def drawable(text: object) -> str:
    r"""``text`` with an escape such as ``\u732b`` for each character that no font of ``families()`` has.

    Line breaks stay. Meant for text in regular weight: a bold face has fewer characters.
    """
    return "".join(_drawn(letter) for letter in str(text))


def _drawn(letter: str) -> str:
    kind = unicodedata.category(letter)
    if kind == "Zs":  # spaces of other widths, which few fonts have
        return " "
    never = kind in ("Cc", "Cs")  # control characters, and bytes of a file name that is not UTF-8
    if letter == "\n" or (not never and any(_has(family, letter) for family in families())):
        return letter
    return letter.encode("unicode_escape").decode()
