"""``glyph-textures``: patterns that fill the picture, without any object. The class is the kind of the pattern.

Every pattern has a random direction, period, phase, share of ink and pair of colours. All of it is made with the four
basic operations, square roots (which are exact to the last bit everywhere, too) and whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..seeds import derive
from .batches import Draws, in_batches
from .glyph_classes import TEXTURES
from .glyph_render import DEFAULT, GROUND_WORDS, colours, compose, texture
from .glyphs import assemble
from .image_set import ImageSet
from .spec import DataSpec

GROUND = replace(DEFAULT, contrast=(30, 140), noise=40)
PERIOD = (0.14, 0.3)
"""Of a pattern, in shares of the side."""
LATTICE = 8
_WORDS = GROUND_WORDS + 6 + LATTICE**2


@dataclass(frozen=True)
class Frame:
    """Pixels of some images in a pattern's own coordinates: ``u`` and ``v`` in periods, across and along it.

    All are float64: ``u`` and ``v`` ``(count, S, S)``; ``period`` in pixels, ``ink`` in 0..1 and ``bend`` in -1..1 are
    ``(count, 1, 1)``; ``lattice`` ``(count, LATTICE, LATTICE)`` is uniform in 0..1.
    """

    u: np.ndarray
    v: np.ndarray
    period: np.ndarray
    ink: np.ndarray
    bend: np.ndarray
    lattice: np.ndarray

    def of(self, members: np.ndarray) -> Frame:
        """The frame of some of the images."""
        return Frame(*(getattr(self, name)[members] for name in self.__dataclass_fields__))


def render(spec: DataSpec) -> ImageSet:
    """The textures of ``spec``, all 8 classes."""

    def paint(labels: np.ndarray, part: str) -> np.ndarray:
        stream = np.random.Philox(derive(spec.glyphs_seed, spec.name, part))
        return in_batches(
            lambda span, draws: _paint(labels[span], draws, spec.image_size),
            len(labels),
            spec.image_size,
            stream=stream,
            words=_WORDS,
            noise=GROUND.noise,
        )

    return assemble(spec, paint, class_ids=TEXTURES, class_names=TEXTURES)


def _paint(labels: np.ndarray, draws: Draws, size: int) -> np.ndarray:
    light, colour = colours(draws, GROUND)
    canvas = texture(draws, len(labels), size, GROUND) + light[:, :, None, None]
    frame = _frame(draws, len(labels), size)
    coverage = np.empty((len(labels), size, size), dtype=np.int16)
    for index, name in enumerate(TEXTURES):
        members = np.nonzero(labels == index)[0]
        if len(members):
            here = frame.of(members)
            height = _PATTERNS[name](here)  # in pixels above the edge of the ink, which is about one pixel wide
            coverage[members] = np.floor(256 * np.clip(height + 0.5, 0.0, 1.0))
    compose(canvas, coverage, colour)
    return canvas


def _frame(draws: Draws, count: int, size: int) -> Frame:
    half = draws.uniform(-1.0, 1.0)
    cosine, sine = (1 - half * half) / (1 + half * half), 2 * half / (1 + half * half)
    period = draws.uniform(*PERIOD) * size
    right, down, ink, bend = (draws.uniform(-1.0, 1.0) for _ in range(4))
    lattice = np.stack([draws.uniform(0.0, 1.0) for _ in range(LATTICE**2)], 1)
    x = (np.arange(size) + 0.5 - size / 2) / period[:, None]
    x, y = x[:, None, :], x[:, :, None]
    c, s = cosine[:, None, None], sine[:, None, None]
    return Frame(
        u=c * x + s * y + right[:, None, None],
        v=c * y - s * x + down[:, None, None],
        period=period[:, None, None],
        ink=0.5 + 0.5 * ink[:, None, None],
        bend=bend[:, None, None],
        lattice=lattice.reshape(count, LATTICE, LATTICE),
    )


def _ramp(t: np.ndarray) -> np.ndarray:
    """The distance from the nearest whole number, in 0..0.5."""
    return np.abs(t - np.floor(t + 0.5))


def _lines(t: np.ndarray, share: np.ndarray, frame: Frame) -> np.ndarray:
    """Height of lines around the whole numbers of ``t`` that take this share of it, in pixels."""
    return (share / 2 - _ramp(t)) * frame.period


def _stripes(frame: Frame) -> np.ndarray:
    return _lines(frame.u, 0.35 + 0.3 * frame.ink, frame)


def _zigzags(frame: Frame) -> np.ndarray:
    return _lines(frame.u + (0.9 + 0.4 * frame.bend) * _ramp(frame.v / 2) * 2, 0.35 + 0.3 * frame.ink, frame)


def _checks(frame: Frame) -> np.ndarray:
    first, second = ((0.25 - _ramp(t)) * frame.period for t in (frame.u, frame.v))
    return np.where((first > 0) == (second > 0), 1.0, -1.0) * np.minimum(np.abs(first), np.abs(second))


def _dots(frame: Frame) -> np.ndarray:
    across, along = _ramp(frame.u), _ramp(frame.v)
    return (0.25 + 0.12 * frame.ink - np.sqrt(across * across + along * along)) * frame.period


def _rings(frame: Frame) -> np.ndarray:
    u, v = frame.u, frame.v
    return _lines(np.sqrt(u * u + v * v), 0.35 + 0.3 * frame.ink, frame)


def _hatching(frame: Frame) -> np.ndarray:
    other = frame.v + 0.6 * frame.bend * frame.u
    share = 0.22 + 0.16 * frame.ink
    return np.maximum(_lines(frame.u, share, frame), _lines(other, share, frame))


def _bricks(frame: Frame) -> np.ndarray:
    course = np.floor(frame.u)
    shifted = frame.v / 2 + 0.5 * (course - 2 * np.floor(course / 2))
    share = 0.2 + 0.14 * frame.ink
    return np.maximum(_lines(frame.u, share, frame), 2 * _lines(shifted, share / 2, frame))


def _blotches(frame: Frame) -> np.ndarray:
    """Where a random field, smooth between the points of a lattice, is high."""
    u, v = frame.u * 1.1, frame.v * 1.1
    column, row = np.floor(u), np.floor(v)
    a, b = u - column, v - row
    a, b = a * a * (3 - 2 * a), b * b * (3 - 2 * b)
    which = np.arange(len(u))[:, None, None]
    corner = [
        [
            frame.lattice[which, (row + i).astype(np.int64) % LATTICE, (column + j).astype(np.int64) % LATTICE]
            for j in (0, 1)
        ]
        for i in (0, 1)
    ]
    top, bottom = (pair[0] * (1 - a) + pair[1] * a for pair in corner)
    return (top * (1 - b) + bottom * b - 0.6 + 0.2 * frame.ink) * frame.period


_PATTERNS = {
    "stripes": _stripes,
    "zigzags": _zigzags,
    "checks": _checks,
    "dots": _dots,
    "rings": _rings,
    "hatching": _hatching,
    "blotches": _blotches,
    "bricks": _bricks,
}
