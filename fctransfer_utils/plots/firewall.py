"""What the last convolution looks at: heat maps with boxes, and the measures of each arm side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from ..analysis.firewall import arm_means
from ..analysis.localise import enlarged, scda_boxes
from ..errors import InputError, unknown
from .fc import ARM_STYLE
from .style import BLACK, BLUE, GREEN, GREY, ORANGE, VERMILLION, Look, new_figure, settle, styled

UNTRAINED = "untrained"
ORDER = (*ARM_STYLE, UNTRAINED)
METHODS = {
    "scda": Look(VERMILLION, "s", "-", "SCDA: sum of channels, enlarged"),
    "scda cells": Look(ORANGE, "D", "-", "SCDA on the 8 x 8 cells"),
    "gradcam": Look(BLUE, "o", "-", "by class (Grad-CAM)"),
    "cam": Look(GREEN, "^", "-", "class activation map (arms A and E)"),
}
GUESSES = {"whole": (GREY, (0, (1, 1)), "the whole picture"), "centre": (GREY, (0, (5, 2)), "a mean box in the middle")}
CONCENTRATION = {
    "entropy": "spatial entropy\n(1: the same everywhere)",
    "gini": "Gini\n(0: the same everywhere)",
    "top10": "strongest tenth of the places\n(share of the whole, %)",
}
SEPARATION = {
    "separation": "class separation\n(Kornblith et al. 2021)",
    "within": "variation within classes\n(share of the whole)",
    "effective_rank": "effective rank\n(directions)",
}
WHICH = {
    "forward": Look(VERMILLION, "s", "-", "response"),
    "gradient": Look(BLUE, "o", "-", "first gradient behind the ReLU"),
    "gradient at output": Look(GREEN, "^", "-", "first gradient at the output"),
}
CLASSES = {
    "source": Look(BLACK, "o", "-", "classes of the source"),
    "held out": Look(BLUE, "^", "-", "held-out classes"),
}
HEAT = "magma"


def heat_maps(
    maps: pd.DataFrame, pictures: pd.DataFrame, pixels: Mapping[int, np.ndarray], *, method: str = "scda"
) -> Figure:
    """A row per drawn picture and a column per arm: the heat map, the known box and the box that follows from it.

    ``maps`` and ``pictures`` are those of ``course.firewall``, ``pixels`` the stored ones (h, w, 3) by their number,
    as far as there are any. Every map is scaled by its own range. Raises InputError for a method that has no maps.
    """
    if method not in set(maps["method"]):
        raise unknown("method", method, sorted(set(maps["method"])))
    shown = maps[maps["method"] == method]
    arms = [arm for arm in ORDER if arm in set(shown["arm"])]
    with styled():
        figure, grid = new_figure(
            len(pictures), 1 + len(arms), height=0.55 + 1.42 * len(pictures), squeeze=False, width=9.0
        )
        for line, row in zip(grid, pictures.itertuples(), strict=True):
            known = (row.left, row.top, row.right, row.bottom)
            _picture(line[0], pixels.get(row.image), known)
            for axes, arm in zip(line[1:], arms, strict=True):
                _heat(axes, _cells(shown, arm, row.image), known)
        grid[0][0].set_title("picture", fontsize=10)
        for axes, arm in zip(grid[0][1:], arms, strict=True):
            axes.set_title(f"arm {arm}" if arm in ARM_STYLE else arm, fontsize=10)
        handles = [
            Patch(fc="white", ec=BLACK, lw=1.6, label="known box"),
            Line2D([], [], color=ORANGE, ls=(0, (3, 1.2)), lw=2, label="box that follows from the map"),
        ]
        figure.legend(handles=handles, loc="outside lower left", ncols=2)
        settle(figure)
    return figure


def localisation(boxes: pd.DataFrame) -> Figure:
    """The share of pictures whose box fits, by arm and method: a panel per threshold of the IoU.

    Bars are 95 % intervals over the seeds; dashed and dotted lines are boxes that look at nothing.
    """
    thresholds = sorted(set(boxes["threshold"]))
    arms = _arms(boxes)
    methods = [name for name in METHODS if name in set(boxes["method"])]
    with styled():
        figure, panels = new_figure(1, len(thresholds), height=3.6, sharey=True, squeeze=False)
        for axes, threshold in zip(panels[0], thresholds, strict=True):
            for name, (colour, line, _) in GUESSES.items():
                for share in boxes.loc[(boxes["method"] == name) & (boxes["threshold"] == threshold), "share"]:
                    axes.axhline(100 * share, color=colour, ls=line, lw=1.2, zorder=1)
            for number, name in enumerate(methods):
                means = arm_means(boxes, "share", scale=100, method=name, threshold=threshold)
                _points(axes, means, arms, METHODS[name], shift=0.17 * (number - (len(methods) - 1) / 2))
            axes.set_title(f"IoU above {threshold:g}")
            _arm_axis(axes, arms)
        panels[0][0].set_ylabel("pictures (%)")
        panels[0][0].set_ylim(bottom=0)
        lines = [Line2D([], [], color=c, ls=ls, lw=1.2, label=words) for c, ls, words in GUESSES.values()]
        _legend(figure, [METHODS[name] for name in methods], lines, columns=3)
        settle(figure)
    return figure


def beside_paper(table: pd.DataFrame) -> Figure:
    """The paper's Tables 3 and 4 and ours, from ``analysis.firewall.beside_paper``: with FC filled, without open.

    A line joins both networks; the right panel has the gaps, ours with its 95 % interval over the seeds.
    """
    if not len(table):
        raise InputError("there is nothing beside the paper's tables; measure boxes or retrieval first.")
    names = list(table["what"])
    sides = (("paper (VGG-16, birds)", "paper", BLUE, "s"), ("ours", "ours", VERMILLION, "o"))
    with styled():
        figure, (levels, gaps) = new_figure(1, 2, height=1.5 + 0.55 * len(names), sharey=True, width=9.0)
        for number, (_, side, colour, marker) in enumerate(sides):
            shift = 0.26 * (number - 0.5)
            for place, row in enumerate(table.itertuples()):
                both = getattr(row, f"{side}_without"), getattr(row, f"{side}_with")
                levels.plot(both, [place + shift] * 2, color=colour, lw=1.6, zorder=2)
                levels.plot(both[0], place + shift, marker=marker, color=colour, mfc="white", ms=7, zorder=3)
                levels.plot(both[1], place + shift, marker=marker, color=colour, ms=7, zorder=3)
                gap = row.paper_gap if side == "paper" else row.gap
                if side == "ours" and np.isfinite(row.low):
                    gaps.plot([row.low, row.high], [place + shift] * 2, color=colour, lw=1.6, zorder=2)
                gaps.plot(gap, place + shift, marker=marker, color=colour, ms=7, zorder=3)
        gaps.axvline(0, color=BLACK, lw=1.0)
        for axes, label in ((levels, "% (open: without FC, filled: with FC)"), (gaps, "with minus without (points)")):
            axes.grid(axis="x")
            axes.grid(visible=False, axis="y")
            axes.set_xlabel(label)
        levels.set_yticks(range(len(names)), names)
        levels.set_ylim(len(names) - 0.4, -0.6)
        handles = [Line2D([], [], ls="", marker=m, color=colour, label=words) for words, _, colour, m in sides]
        figure.legend(handles=handles, loc="outside upper left", ncols=2)
        settle(figure)
    return figure


def sharpness_curves(table: pd.DataFrame) -> Figure:
    """IoU of the sum-of-channels box against how widely the response spreads, from ``analysis.firewall.sharpness``."""
    looks = zip(sorted(set(table["size"])), (BLUE, VERMILLION, BLACK), ("o", "s", "^"), strict=False)
    with styled():
        figure, axes = new_figure(height=3.2, width=7.0)
        for size, colour, marker in looks:
            part = table[table["size"] == size]
            label = f"object of {size:.0%} of the side"
            axes.plot(part["entropy"], part["iou"], color=colour, marker=marker, label=label)
        for threshold in (0.35, 0.5, 0.7):
            axes.axhline(threshold, color=GREY, lw=0.8, ls=(0, (1, 1)), zorder=1)
        axes.set_xlabel("spatial entropy of the response (left: one place, right: everywhere)")
        axes.set_ylabel("IoU of the SCDA box")
        axes.set_ylim(0, 1)
        axes.legend(loc="upper left")
        settle(figure)
    return figure


def concentrations(table: pd.DataFrame) -> Figure:
    """Entropy, Gini and the strongest tenth by arm: the response, and the first gradient behind the ReLU."""
    return _measures(table, CONCENTRATION, "which", WHICH, scale={"top10": 100.0})


def separations(table: pd.DataFrame) -> Figure:
    """Class separation, variation within classes and effective rank by arm, on learnt and on held-out classes."""
    return _measures(table, SEPARATION, "classes", CLASSES, scale={})


def _measures(
    table: pd.DataFrame, columns: Mapping[str, str], by: str, looks: Mapping[str, Look], *, scale: Mapping[str, float]
) -> Figure:
    arms, kinds = _arms(table), [kind for kind in looks if kind in set(table[by])]
    with styled():
        figure, panels = new_figure(1, len(columns), height=3.4)
        for axes, (column, title) in zip(panels, columns.items(), strict=True):
            for number, kind in enumerate(kinds):
                means = arm_means(table, column, scale=scale.get(column, 1.0), **{by: kind})
                _points(axes, means, arms, looks[kind], shift=0.2 * (number - (len(kinds) - 1) / 2))
            axes.set_title(title, fontsize=10)
            _arm_axis(axes, arms)
        _legend(figure, [looks[kind] for kind in kinds], [], columns=len(kinds))
        settle(figure)
    return figure


def _points(axes: Axes, means: pd.DataFrame, arms: Sequence[str], look: Look, *, shift: float) -> None:
    for row in means.itertuples():
        if row.arm not in arms:
            continue
        x = arms.index(row.arm) + shift
        if np.isfinite(row.low):
            axes.plot([x, x], [row.low, row.high], color=look.colour, lw=1.6, zorder=2)
        axes.plot(x, row.mean, marker=look.marker, color=look.colour, ms=6.5, zorder=3)


def _arms(table: pd.DataFrame) -> list[str]:
    return [arm for arm in ORDER if arm in set(table["arm"])]


def _arm_axis(axes: Axes, arms: Sequence[str]) -> None:
    axes.set_xticks(range(len(arms)), [arm if arm in ARM_STYLE else "un-\ntrained" for arm in arms])
    axes.set_xlim(-0.6, len(arms) - 0.4)


def _legend(figure: Figure, looks: Sequence[Look], lines: Sequence[Line2D], *, columns: int) -> None:
    handles = [Line2D([], [], ls="", marker=look.marker, color=look.colour, label=look.label) for look in looks]
    figure.legend(handles=[*handles, *lines], loc="outside upper left", ncols=columns)


def _cells(maps: pd.DataFrame, arm: str, image: int) -> np.ndarray:
    part = maps[(maps["arm"] == arm) & (maps["image"] == image)].sort_values("row")
    columns = [name for name in part.columns if name.startswith("c") and name[1:].isdigit()]
    return part[columns].to_numpy(dtype=float)


def _picture(axes: Axes, pixels: np.ndarray | None, known: tuple[float, ...]) -> None:
    if pixels is None:
        axes.set_facecolor("#DDDDDD")
        axes.text(0.5, 0.06, "not stored", ha="center", fontsize=8, transform=axes.transAxes)
    else:
        axes.imshow(pixels, extent=(0, 1, 1, 0), interpolation="nearest")
    _frame(axes, known)


def _heat(axes: Axes, cells: np.ndarray, known: tuple[float, ...]) -> None:
    axes.imshow(enlarged(cells[None])[0], extent=(0, 1, 1, 0), cmap=HEAT, interpolation="nearest")
    _frame(axes, known)
    left, top, right, bottom = scda_boxes(cells[None])[0]
    axes.add_patch(
        Rectangle((left, top), right - left, bottom - top, fill=False, ec=ORANGE, lw=1.8, ls=(0, (3, 1.2)), zorder=4)
    )


def _frame(axes: Axes, known: tuple[float, ...]) -> None:
    left, top, right, bottom = known
    axes.add_patch(
        Rectangle(
            (left, top), right - left, bottom - top, fill=False, ec="white", lw=1.6, zorder=3, path_effects=_outline()
        )
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(1, 0)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.set_aspect("equal")


def _outline() -> list:
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=3.2, foreground=BLACK)]
