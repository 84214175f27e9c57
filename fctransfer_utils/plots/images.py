"""What the images look like: grids with class names per half, and what the halves hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..errors import InputError
from .pictures import picture_blocks
from .style import BLUE, GREY, VERMILLION, WIDTH, settle, styled

HALF_COLOURS = (VERMILLION, BLUE)
HATCHES = ("", "////")


def image_grid(groups: Mapping[str, tuple[Any, Sequence[str]]], *, columns: int = 10) -> Figure:
    """A block of images per group, each image with its name above it.

    ``groups`` maps a heading ("Half A: 25 classes") to images (N, 3, H, W) uint8, tensor or array, and N names.
    """
    blocks = {heading: (_as_pictures(images, heading), list(names)) for heading, (images, names) in groups.items()}
    for heading, (pictures, names) in blocks.items():
        if len(pictures) != len(names):
            raise InputError(f"{heading!r} has {len(pictures)} images and {len(names)} names; give one name per image.")
    if not blocks:
        raise InputError("no images to show; name at least one group.")
    titles = {heading: [_short(name, columns) for name in names] for heading, (_, names) in blocks.items()}
    pictures = {heading: block for heading, (block, _) in blocks.items()}
    return picture_blocks(pictures, titles, columns=columns, space=0.12, head=0.42)


def class_histogram(table: pd.DataFrame, *, label: str = "Classes") -> Figure:
    """How many of each category every half holds: columns ``half, category, count``; ``label`` names the count.

    For the groups of classes in a split, or for the images per class.
    """
    if not len(table):
        raise InputError("nothing to count; the table of the split is empty.")
    wide = table.pivot_table(index="category", columns="half", values="count", aggfunc="sum", fill_value=0, sort=False)
    halves = list(wide.columns)
    with styled():
        figure = Figure(figsize=(WIDTH, 1.1 + 0.16 * len(wide) * (len(halves) + 0.6)))
        axes = figure.subplots()
        height = 0.8 / len(halves)
        for index, half in enumerate(halves):
            places = np.arange(len(wide)) + (index - (len(halves) - 1) / 2) * height
            bars = axes.barh(
                places, wide[half], height, label=f"half {half}: {wide[half].sum():,}", ec="white", lw=0.5,
                color=HALF_COLOURS[index % 2], hatch=HATCHES[index % 2],
            )  # fmt: skip
            axes.bar_label(bars, padding=3, fontsize=8, color=GREY)
        axes.set_yticks(np.arange(len(wide)), wide.index)
        axes.set_ylim(len(wide) - 0.4, -0.6)
        axes.grid(axis="x")
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(label)
        figure.legend(loc="outside upper left", ncols=len(halves))
        settle(figure)
    return figure


def _as_pictures(images: Any, heading: str) -> np.ndarray:
    """uint8 (N, 3, H, W), tensor or array, as (N, H, W, 3)."""
    array = np.asarray(images.detach().cpu() if hasattr(images, "detach") else images)
    if array.ndim != 4 or array.shape[1] != 3 or array.dtype != np.uint8 or not len(array):
        raise InputError(
            f"images of {heading!r} are {array.dtype} of shape {array.shape}; give uint8 of shape (N, 3, H, W), N > 0."
        )
    return array.transpose(0, 2, 3, 1)


def _short(name: str, columns: int) -> str:
    """A name that fits above an image: cut at a word's end where it can be."""
    most = max(4, 150 // columns)
    return name if len(name) <= most else name[: most - 1].rstrip() + "…"
