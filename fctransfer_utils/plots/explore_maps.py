"""Heat maps of every arm on one picture, for a seed and a way to ask the last convolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from ..analysis.localise import enlarged, iou, scda_boxes
from ..errors import InputError, unknown
from .fc import ARM_STYLE
from .firewall import HEAT, ORDER, UNTRAINED
from .quick import Words, draw_lines, page
from .style import BLACK, GREY, ORANGE, WIDTH, styled

WAYS = {"scda": "sum of all channels", "gradcam": "for the class that the network has chosen"}
HEAD, FOOT, GAP, EDGE = 1.0, 0.5, 0.12, 0.1  # inches
DARK_SIDE = 64  # pixels a side of an enlarged map


def maps_figure(
    maps: pd.DataFrame, pictures: pd.DataFrame, pixels: Mapping[int, np.ndarray], *, place: int, seed: int, way: str
) -> Figure:
    """The picture number ``place`` (from 1) with its known box, and the map of each arm with the box that follows.

    ``maps`` has ``seed, arm, image, method, row, c0, c1, ...`` and ``pictures`` a row per picture, as
    ``course.firewall`` makes them; ``pixels`` are the pictures (h, w, 3) by image number; ``way`` is one of WAYS. Every
    map is scaled by its own range. Raises InputError for a place, seed or way that is not there.
    """
    row, found = _found(maps, pictures, place=place, seed=seed, way=way)
    known = (row.left, row.top, row.right, row.bottom)
    side = (WIDTH - 2 * EDGE - 6 * GAP) / 7
    height = HEAD + side + FOOT
    with styled():
        figure, axes = page(height)
        words = Words(axes)
        words.write(EDGE, height - 0.18, f"Picture {place} ({row['class']}), seed {seed}: {WAYS[way]}", size=11,
                    bold=True)  # fmt: skip
        _legend(axes, words, height - 0.45)
        _tile(axes, pixels.get(row.image), EDGE, FOOT, side, known)
        words.write(EDGE + side / 2, FOOT + side + 0.12, "picture", size=9, align="center")
        heats = np.stack([cells for _, cells in found])
        for number, (arm, box, share, large) in enumerate(_judged(found, heats, known), start=1):
            x = EDGE + number * (side + GAP)
            _tile(axes, _coloured(large), x, FOOT, side, known)
            _outline(axes, box, x, FOOT, side, colour=ORANGE, dashes=(0, (3, 1.2)))
            name = arm if arm == UNTRAINED else f"arm {arm}"
            words.write(x + side / 2, FOOT + side + 0.12, name, size=9, bold=arm != UNTRAINED, align="center")
            words.write(x + side / 2, FOOT - 0.12, f"IoU {share:.2f}", align="center")
        words.write(EDGE, 0.12, "One picture and one network each: no number here has an interval.", colour=GREY)
        axes.set(xlim=(0, WIDTH), ylim=(0, height))
        words.draw()
    return figure


def told_maps(maps: pd.DataFrame, pictures: pd.DataFrame, *, place: int, seed: int, way: str) -> str:
    """How well each arm's box fits on this picture, in words. Raises InputError as ``maps_figure``."""
    row, found = _found(maps, pictures, place=place, seed=seed, way=way)
    heats = np.stack([cells for _, cells in found])
    known = (row.left, row.top, row.right, row.bottom)
    shares = "; ".join(f"{arm} {share:.2f}" for arm, _, share, _ in _judged(found, heats, known))
    return (
        f"Picture {place} ({row['class']}), seed {seed}, {WAYS[way]}. IoU of the box with the known one, by arm:"
        f" {shares} (one picture and one network each, no interval)."
    )


def _found(
    maps: pd.DataFrame, pictures: pd.DataFrame, *, place: int, seed: int, way: str
) -> tuple[pd.Series, list[tuple[str, np.ndarray]]]:
    """The picture's row, and its map (h, w) by arm."""
    if way not in WAYS:
        raise unknown("way to ask", way, WAYS)
    if isinstance(place, bool) or not 1 <= place <= len(pictures):
        raise InputError(f"picture {place} is outside 1..{len(pictures)}; choose one of those.")
    if seed not in set(maps["seed"]):
        raise unknown("seed", seed, sorted(set(maps["seed"])))
    row = pictures.iloc[place - 1]
    rows = maps[(maps["method"] == way) & (maps["seed"] == seed) & (maps["image"] == row.image)]
    cells = [name for name in maps.columns if name[0] == "c" and name[1:].isdecimal()]
    arms = {arm: part.sort_values("row")[cells].to_numpy(dtype=float) for arm, part in rows.groupby("arm")}
    return row, [(arm, arms[arm]) for arm in ORDER if arm in arms]


def _judged(
    found: Sequence[tuple[str, np.ndarray]], heats: np.ndarray, known: Sequence[float]
) -> list[tuple[str, np.ndarray, float, np.ndarray]]:
    """Arm, the box that follows from its map, its IoU with the known one, and the map enlarged."""
    boxes = scda_boxes(heats)
    shares = iou(boxes, np.tile(known, (len(boxes), 1)))
    arms = [arm for arm, _ in found]
    return list(zip(arms, boxes, shares, enlarged(heats, DARK_SIDE), strict=True))


def _coloured(heat: np.ndarray) -> np.ndarray:
    """A map (h, w) as colours uint8 (h, w, 3), scaled by its own range."""
    low, high = heat.min(), heat.max()
    shade = (heat - low) / (high - low) if high > low else np.zeros_like(heat)
    return mpl.colormaps[HEAT](shade, bytes=True)[..., :3]


def _tile(axes: Axes, picture: np.ndarray | None, x: float, y: float, side: float, known: Sequence[float]) -> None:
    if picture is None:
        axes.add_artist(Rectangle((x, y), side, side, fc="#DDDDDD", ec=GREY))
    else:
        axes.imshow(picture, extent=(x, x + side, y, y + side), aspect="auto", interpolation="nearest", zorder=1)
    _outline(axes, known, x, y, side, colour="white", dashes="-")


def _outline(
    axes: Axes, box: Sequence[float], x: float, y: float, side: float, *, colour: str, dashes: str | tuple
) -> None:
    """A box of shares of the side, counted from the upper left corner, on the tile at (x, y)."""
    left, top, right, bottom = box
    frame = Rectangle(
        (x + left * side, y + (1 - bottom) * side), (right - left) * side, (bottom - top) * side, fill=False, ec=colour,
        lw=1.8, ls=dashes, zorder=4 if colour == ORANGE else 3,
    )  # fmt: skip
    if colour == "white":
        frame.set_path_effects([withStroke(linewidth=3.2, foreground=BLACK)])
    axes.add_artist(frame)


def _legend(axes: Axes, words: Words, y: float) -> None:
    draw_lines(axes, [(EDGE, y, EDGE + 0.35, y)], width=3.4)
    draw_lines(axes, [(EDGE, y, EDGE + 0.35, y)], colour="white", width=1.8, order=3)
    words.write(EDGE + 0.43, y, "known box")
    draw_lines(axes, [(1.5, y, 1.85, y)], colour=ORANGE, width=1.8, dashes=(0, (3, 1.2)))
    words.write(1.93, y, "box that follows from the map; IoU: area shared over area covered by either")
    words.write(EDGE, y - 0.22, "   ".join(look.label for look in ARM_STYLE.values()), size=8, colour=GREY)
