"""Characters of the fonts that matplotlib installs, as small masks.

Only outlines in font units (integers) are taken from the font files; they are filled here, in plain arithmetic. So a
mask does not depend on the version of FreeType or Pillow, nor on the machine.
"""

from __future__ import annotations

import itertools
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError

TEXT_FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSans-BoldOblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "DejaVuSansMono-Oblique",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-Italic",
    "DejaVuSerif-BoldItalic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralItalic",
    "STIXGeneralBolIta",
)
"""Every weight and style counts as a font of its own."""

ASCII_FONTS = ("cmr10", "cmb10", "cmss10", "cmtt10")
"""Computer Modern: has its own order of characters, which agrees with Unicode for letters and digits only."""

FONTS = TEXT_FONTS + ASCII_FONTS
SUPERSAMPLING = 4
CURVE_STEPS = 4


def fonts_with(character: str) -> tuple[int, ...]:
    """The indices in FONTS of the fonts that really have ``character`` (in their character map, with an outline)."""
    return tuple(index for index in range(len(FONTS)) if _has(index, character))


def _has(font: int, character: str) -> bool:
    if FONTS[font] in ASCII_FONTS and not (character.isascii() and character.isalnum()):
        return False
    face = _face(font)
    return face.get_char_index(ord(character)) != 0 and len(_outline(font, character)) > 0


@cache
def _face(font: int) -> Any:
    import matplotlib
    from matplotlib.ft2font import FT2Font

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{FONTS[font]}.ttf"
    if not path.exists():
        raise InputError(f"font {path} is missing; the glyphs need the fonts of a whole matplotlib: reinstall it.")
    # Before 3.11 outlines were squeezed by a "hinting factor" and rounded; from 3.11 on there is neither.
    options = {"hinting_factor": 1} if matplotlib.__version_info__ < (3, 11) else {}
    return FT2Font(str(path), **options)


@cache
def _outline(font: int, character: str) -> np.ndarray:
    """The edges of a character ``(E, 2 ends, 2)`` in font units, curves as short straight pieces."""
    from matplotlib.ft2font import LoadFlags

    face = _face(font)
    face.load_char(ord(character), flags=LoadFlags.NO_SCALE | LoadFlags.NO_BITMAP)
    vertices, codes = (array.tolist() for array in face.get_path())
    contours: list[list[tuple[float, float]]] = []
    index = 0
    while index < len(codes):
        width = _POINTS.get(codes[index], 1)
        points = [tuple(point) for point in vertices[index : index + width]]
        if codes[index] == _MOVE:
            contours.append(points)
        elif codes[index] == _CLOSE:
            contours[-1].append(contours[-1][0])
        else:
            contours[-1] += _curve((contours[-1][-1], *points))
        index += width
    ends = [np.array((*contour, contour[0])) for contour in contours]
    return np.concatenate([np.stack((points[:-1], points[1:]), 1) for points in ends] or [np.zeros((0, 2, 2))])


_MOVE, _CLOSE = 1, 79
_POINTS = {3: 2, 4: 3}
"""matplotlib's path codes: points that follow a quadratic or cubic curve's code; 1 for the others."""


def _curve(points: tuple[tuple[float, float], ...]) -> list[tuple[float, float]]:
    """Points along a line or a Bezier curve without its first, by de Casteljau's rule."""
    if len(points) == 2:
        return [points[1]]
    found = []
    for step in range(1, CURVE_STEPS + 1):
        t = step / CURVE_STEPS
        level = points
        while len(level) > 1:
            level = tuple(
                (x0 * (1 - t) + x1 * t, y0 * (1 - t) + y1 * t) for (x0, y0), (x1, y1) in itertools.pairwise(level)
            )
        found.append(level[0])
    return found


@lru_cache(maxsize=16384)
def mask(font: int, character: str, size: int) -> np.ndarray:
    """Coverage of ``character``, uint8 ``(size, size)``: its longer side fills the square, it stands in the middle."""
    edges = _outline(font, character)
    low, high = edges.min((0, 1)), edges.max((0, 1))
    grid = size * SUPERSAMPLING
    scale = grid / max(float((high - low).max()), 1e-9)
    points = (edges - (low + high) / 2) * scale + grid / 2
    x, y = points[..., 0], grid - points[..., 1]
    rows = np.arange(grid) + 0.5
    above, below = y[:, :1] <= rows, y[:, 1:] <= rows  # (E, rows)
    edge, row = np.nonzero(above != below)
    x0, x1, y0, y1 = x[edge, 0], x[edge, 1], y[edge, 0], y[edge, 1]
    crossing = x0 + (rows[row] - y0) * (x1 - x0) / (y1 - y0)
    column = np.clip(np.ceil(crossing - 0.5), 0, grid).astype(np.int64)
    winding = np.zeros((grid, grid + 1), dtype=np.int32)
    np.add.at(winding, (row, column), np.where(y1 > y0, 1, -1))
    filled = np.cumsum(winding, axis=1)[:, :grid] != 0
    count = filled.reshape(size, SUPERSAMPLING, size, SUPERSAMPLING).sum((1, 3))
    return (count * 255 // SUPERSAMPLING**2).astype(np.uint8)
