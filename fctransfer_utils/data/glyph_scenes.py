"""``glyph-scenes``: several small glyphs, and the class is how they are arranged. The characters tell nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..seeds import derive
from .batches import Draws, in_batches
from .glyph_classes import OTHERS, SCENES
from .glyph_render import DEFAULT, GLYPH_WORDS, GROUND_WORDS, Bank, colours, compose, drawn_place, texture, warp
from .glyphs import assemble
from .image_set import ImageSet
from .spec import DataSpec

FEWEST, MOST = 4, 6
STRAYS = 1
MANY = replace(DEFAULT, scale=(0.16, 0.23), shift=0.045, contrast=(40, 150))
TILT = 0.2
"""Largest slope of a row or a column."""
CELLS = 9
TURNS = ((0.0, 1.0), (0.309017, 0.951057), (0.5, 0.866025))
"""Cosine and sine of a quarter, a fifth and a sixth of a turn: from one glyph of a ring to the next."""
_WORDS = GROUND_WORDS + 6 + CELLS + (MOST + STRAYS) * GLYPH_WORDS


def render(spec: DataSpec) -> ImageSet:
    """4 to 6 glyphs in each image, of the characters of ``glyph-others``, and STRAYS more that stand anywhere."""
    bank = Bank(OTHERS, spec.image_size, detail=spec.image_size * 3 // 8)

    def paint(labels: np.ndarray, part: str) -> np.ndarray:
        stream = np.random.Philox(derive(spec.glyphs_seed, spec.name, part))
        return in_batches(
            lambda span, draws: _paint(labels[span], draws, bank),
            len(labels),
            spec.image_size,
            stream=stream,
            words=_WORDS,
            noise=MANY.noise,
        )

    return assemble(spec, paint, class_ids=SCENES, class_names=SCENES)


def _paint(labels: np.ndarray, draws: Draws, bank: Bank) -> np.ndarray:
    light, colour = colours(draws, MANY)
    canvas = texture(draws, len(labels), bank.size, MANY) + light[:, :, None, None]
    number = draws.below(MOST - FEWEST + 1) + FEWEST
    middles = arranged(labels, number, draws)
    for which in range(MOST):
        inverse, jitter = drawn_place(draws, MANY.shift, MANY, scale=MANY.scale)
        coverage = warp(bank, draws.below(len(bank.masks)), inverse, middles[:, which] + jitter)
        compose(canvas, coverage * (which < number)[:, None, None], colour)
    for _ in range(STRAYS):
        place = drawn_place(draws, None, MANY, scale=MANY.scale)
        compose(canvas, warp(bank, draws.below(len(bank.masks)), *place), colour)
    return canvas


def arranged(labels: np.ndarray, number: np.ndarray, draws: Draws) -> np.ndarray:
    """Where the glyphs stand before they are jittered, float64 ``(count, MOST, 2)`` from the middle, in shares.

    Only the first ``number`` of each image count. The middle and the spread of every arrangement vary.
    """
    right, down, spread, half, slope = (draws.uniform(-1.0, 1.0) for _ in range(5))
    order = np.argsort(np.stack([draws.uniform(0.0, 1.0) for _ in range(CELLS)], 1), axis=1, kind="stable")
    wide = 1 + 0.15 * spread
    along = (2 * np.arange(MOST) / (number - 1)[:, None] - 1) * wide[:, None]  # -1 .. 1 for those that count
    aside = along * TILT * slope[:, None]
    lattice = np.stack([np.arange(CELLS) % 3 - 1, np.arange(CELLS) // 3 - 1], 1)
    cells = lattice[order[:, :MOST]]
    found = {
        "row": 0.32 * np.stack([along, aside], 2),
        "column": 0.32 * np.stack([aside, along], 2),
        "falling line": 0.29 * np.stack([along, along], 2),
        "rising line": 0.29 * np.stack([along, -along], 2),
        "ring": 0.27 * wide[:, None, None] * _ring(number, half),
        "corners": 0.3 * wide[:, None, None] * CORNERS,
        "cluster": 0.12 * wide[:, None, None] * cells,
        "scattered": 0.29 * wide[:, None, None] * cells,
    }
    free = np.array([FREE[name] for name in SCENES])[labels]
    middle = np.stack([right, down], 1) * free
    chosen = np.stack([found[name] for name in SCENES])[labels, np.arange(len(labels))]
    return chosen + middle[:, None]


CORNERS = np.array([(-1, -1), (1, 1), (1, -1), (-1, 1), (-0.4, -1), (0.4, 1)])
FREE = {
    "row": (0.04, 0.3),
    "column": (0.3, 0.04),
    "falling line": (0.08, 0.08),
    "rising line": (0.08, 0.08),
    "ring": (0.07, 0.07),
    "corners": (0.05, 0.05),
    "cluster": (0.22, 0.22),
    "scattered": (0.05, 0.05),
}
"""How far the middle of an arrangement may lie from that of the image, to the right and down."""


def _ring(number: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Points at equal distances on the unit circle from a random one on, ``(count, MOST, 2)``."""
    x, y = (1 - half * half) / (1 + half * half), 2 * half / (1 + half * half)
    cosine, sine = np.array(TURNS)[number - FEWEST].T
    points = []
    for _ in range(MOST):
        points.append(np.stack([x, y], 1))
        x, y = x * cosine - y * sine, x * sine + y * cosine
    return np.stack(points, 1)
