"""The anatomy of a network: where its parameters and work are, what its layers see, and maps of class scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..errors import InputError
from .style import BLACK, CYCLE, GREY, ORANGE, PALE, SKY, VERMILLION, WIDTH, new_figure, settle, styled

KINDS = {"conv": ("convolutions", SKY, ""), "fc": ("FC layers", ORANGE, "////"), "other": ("norms", GREY, "")}
MEASURES = (("parameters", "Parameters"), ("multiply_adds", "Multiply-adds for one image"))


def cost_bars(table: pd.DataFrame) -> Figure:
    """Shares of parameters and of multiply-adds by kind of layer: a bar per network, its total written behind it.

    ``table`` has the columns ``network, kind, parameters, multiply_adds``; ``kind`` is conv, fc or other.
    """
    missing = {"network", "kind", "parameters", "multiply_adds"} - set(table.columns)
    if missing or not len(table):
        raise InputError(f"not a table of costs: it lacks {', '.join(sorted(missing)) or 'rows'}.")
    names = list(dict.fromkeys(table["network"]))
    with styled():
        figure, panels = new_figure(1, 2, height=1.2 + 0.42 * len(names), sharey=True)
        for axes, (column, title) in zip(panels, MEASURES, strict=True):
            wide = table.pivot_table(index="network", columns="kind", values=column, aggfunc="sum", fill_value=0)
            _stacked(axes, wide.reindex(names))
            axes.set_title(title)
        panels[0].set_yticks(range(len(names)), names)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=3)
        settle(figure)
    return figure


def _stacked(axes: Axes, wide: pd.DataFrame) -> None:
    totals = wide.sum(axis=1)
    left = np.zeros(len(wide))
    for kind, (label, colour, hatch) in KINDS.items():
        if kind not in wide:
            continue
        share = (100 * wide[kind] / totals).to_numpy()
        axes.barh(range(len(wide)), share, 0.66, left=left, color=colour, hatch=hatch, ec="white", lw=0.5, label=label)
        for row, value in enumerate(share):
            if value > 9:
                box = {"fc": "white", "ec": "none", "pad": 1, "alpha": 0.8}
                words = f"{value:.0f} %"
                axes.text(left[row] + value / 2, row, words, ha="center", va="center", fontsize=8, bbox=box)
        left += share
    for row, total in enumerate(totals):
        axes.text(101.5, row, in_words(total), va="center", fontsize=8, color=GREY)
    axes.set_xlim(0, 122)
    axes.set_xticks(range(0, 101, 25))
    axes.set_ylim(len(wide) - 0.4, -0.6)
    axes.set_xlabel("%")
    axes.grid(axis="x")
    axes.grid(visible=False, axis="y")


def in_words(number: float) -> str:
    """A large number in three digits: 138 M, 15.5 G."""
    for factor, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= factor:
            scaled = number / factor
            return f"{scaled:.0f}{letter}" if scaled >= 100 else f"{scaled:.3g}{letter}"
    return f"{number:.0f}"


def seen_by_layers(image: Any, fields: Sequence[Any]) -> Figure:
    """An image with the receptive field of each layer's middle unit as a frame: one picture per layer.

    ``image`` is uint8 (3, S, S); ``fields`` have ``layer, size, stride, padding, map_side`` as from
    ``models.receptive``. A field that sticks out over the image is cut off at its edge; the pixels outside are padding.
    """
    picture = _picture(image)
    if not len(fields):
        raise InputError("no receptive fields to draw; give those of at least one layer.")
    side = picture.shape[0]
    with styled():
        figure, panels = new_figure(1, len(fields), height=WIDTH / len(fields) + 0.75, squeeze=False)
        for number, (axes, field) in enumerate(zip(panels[0], fields, strict=True)):
            start = (field.map_side - 1) // 2 * field.stride - field.padding
            low, high = max(start, 0), min(start + field.size, side)
            shade = np.ones((side, side, 4))
            shade[..., 3] = 0.72
            shade[low:high, low:high, 3] = 0
            axes.imshow(picture, interpolation="nearest", extent=(0, side, side, 0))
            axes.imshow(shade, interpolation="nearest", extent=(0, side, side, 0))
            axes.add_patch(
                Rectangle((low, low), high - low, high - low, fc="none", ec=CYCLE[number % len(CYCLE)], lw=2.2)
            )
            axes.set_title(f"{field.layer}\n{field.size} px", loc="center", fontsize=9)
            axes.set_xlabel(f"map {field.map_side}×{field.map_side}\nstep {field.stride}", fontsize=8)
            axes.set(xticks=[], yticks=[])
            axes.grid(visible=False)
        settle(figure)
    return figure


def score_maps(
    image: Any,
    maps: Mapping[str, Any],
    *,
    stride: int,
    window: int,
    marks: Mapping[str, Sequence[float]] | None = None,
) -> Figure:
    """An image and, over pale copies of it, a map of scores 0..1 per class as a heat map.

    ``image`` is uint8 (3, H, W); ``maps`` maps a title to an array (h, w) whose value (i, j) speaks of the ``window``
    pixels from (i, j) x ``stride`` on and is drawn over their middle. ``marks`` puts a cross at (row, column) pixels of
    the map of that title.
    """
    picture = _picture(image)
    if not maps:
        raise InputError("no map of scores to draw; give at least one class.")
    height, width = picture.shape[:2]
    pale = 0.55 + 0.45 * (picture.mean(axis=2) // 16) / 15
    heat = LinearSegmentedColormap.from_list("heat", [(*to_rgb(VERMILLION), 0.0), (*to_rgb(VERMILLION), 0.95)])
    with styled():
        columns = len(maps) + 1
        figure, panels = new_figure(1, columns, height=WIDTH / columns * height / width + 0.55)
        whole = {"interpolation": "nearest", "extent": (0, width, height, 0)}
        panels[0].imshow(picture, **whole)
        panels[0].set_title("image", loc="center", fontsize=9)
        for axes, (title, scores) in zip(panels[1:], maps.items(), strict=True):
            values = np.asarray(scores, dtype=float)
            first = window / 2 - stride / 2
            extent = (first, first + values.shape[1] * stride, first + values.shape[0] * stride, first)
            axes.imshow(pale, cmap="gray", vmin=0, vmax=1, **whole)
            shown = axes.imshow(values, cmap=heat, vmin=0, vmax=1, extent=extent, interpolation="nearest")
            axes.add_patch(Rectangle((first, first), extent[1] - first, extent[2] - first, fc="none", ec=GREY, ls=":"))
            axes.set_title(title, loc="center", fontsize=9)
            if marks and title in marks:
                row, column = marks[title]
                axes.plot(column, row, "+", color="white", ms=13, mew=3.5)
                axes.plot(column, row, "+", color=BLACK, ms=11, mew=1.6)
        for axes in panels:
            axes.set(xlim=(0, width), ylim=(height, 0), xticks=[], yticks=[])
            axes.grid(visible=False)
        bar = figure.colorbar(shown, ax=list(panels), shrink=0.8, pad=0.01, aspect=30)
        bar.set_label("probability", fontsize=8)
        bar.outline.set_edgecolor(PALE)
        settle(figure)
    return figure


def _picture(image: Any) -> np.ndarray:
    """uint8 (3, H, W), tensor or array, as (H, W, 3)."""
    array = np.asarray(image.detach().cpu() if hasattr(image, "detach") else image)
    if array.ndim != 3 or array.shape[0] != 3 or array.dtype != np.uint8:
        raise InputError(f"the image is {array.dtype} of shape {array.shape}; give uint8 of shape (3, H, W).")
    return array.transpose(1, 2, 0)
