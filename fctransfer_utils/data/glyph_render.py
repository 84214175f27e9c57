"""Glyph masks warped, coloured and composed into images, in batches.

Only integers and the four basic operations follow the raw bits of ``batches``. So the same seed gives the same bytes on
every machine, with any number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..seeds import derive
from .batches import Draws, in_batches
from .glyph_fonts import fonts_with, mask

FRACTION = 16
"""Bits after the binary point of mask coordinates."""


@dataclass(frozen=True)
class Difficulty:
    """How far the images stray from clean black on white. Lengths are shares of the image side.

    ``scale``: side of the glyph's box. ``stretch``: width to height, 1 +- this. ``shear``: slant, +- this. ``turn``:
    tangent of half the largest angle. ``shift``: of the centre, +- this; None: anywhere, but wholly in the image.
    ``contrast``: of luminance, 0..255. ``texture`` and ``noise``: largest amplitude, 0..255. ``fragments``: pieces of
    other glyphs at the border.
    """

    scale: tuple[float, float] = (0.5, 0.85)
    stretch: float = 0.15
    shear: float = 0.2
    turn: float = 0.14
    shift: float | None = 0.09
    contrast: tuple[int, int] = (70, 190)
    texture: int = 24
    noise: int = 24
    fragments: int = 2


DEFAULT = Difficulty()


class Bank:
    """The masks of every class, with an empty border, one after the other, for images of side ``size``.

    A class is one of ``characters`` in every font that has it; or, where ``fonts`` (indices in FONTS) are given, one of
    these fonts with all the characters. ``detail`` is the side of a mask, ``size`` if 0: a mask of about the size at
    which it is drawn keeps thin strokes.
    """

    def __init__(self, characters: Sequence[str], size: int, *, detail: int = 0, fonts: Sequence[int] = ()) -> None:
        if fonts:
            classes = [[(font, character) for character in characters] for font in fonts]
        else:
            classes = [[(font, character) for font in fonts_with(character)] for character in characters]
        self.size, self.detail = size, detail or size
        self.counts = np.array([len(looks) for looks in classes])
        self.firsts = np.cumsum(self.counts) - self.counts
        self.masks = np.zeros((int(self.counts.sum()), self.detail + 2, self.detail + 2), dtype=np.uint8)
        for place, look in enumerate(look for looks in classes for look in looks):
            self.masks[place, 1:-1, 1:-1] = mask(*look, self.detail)


def render_images(
    labels: np.ndarray,
    bank: Bank,
    *,
    seed: int,
    part: str,
    name: str = "glyphs",
    difficulty: Difficulty = DEFAULT,
    places: np.ndarray | None = None,
    boxes: np.ndarray | None = None,
) -> np.ndarray:
    """Images uint8 ``(N, 3, S, S)`` of the classes ``labels`` (numbers of the bank's classes).

    ``seed``, ``part`` and the ``name`` of the set choose the random stream. ``places``, float64 ``(N, 6)``, is filled
    with where each glyph lies: the map from image to glyph (2 x 2, row by row) and the centre, in shares of the side.
    ``boxes``, float64 ``(N, 4)``, is filled with ``box_of`` its coverage.
    """

    def paint(span: slice, draws: Draws) -> np.ndarray:
        canvas, (inverse, centre), coverage = _paint(labels[span], draws, bank, difficulty)
        if places is not None:
            places[span] = np.concatenate([inverse.reshape(-1, 4), centre], axis=1)
        if boxes is not None:
            boxes[span] = box_of(coverage)
        return canvas

    stream = np.random.Philox(derive(seed, name, part))
    return in_batches(paint, len(labels), bank.size, stream=stream, words=words_for(difficulty), noise=difficulty.noise)


GRID = 5
_PLACE, _COLOURS = 6, 8
GROUND_WORDS = 2 + _COLOURS + 3 * GRID**2
"""Draws for the colours, the texture and the noise of an image."""
GLYPH_WORDS = 1 + _PLACE


def words_for(difficulty: Difficulty) -> int:
    """How many draws an image of one glyph takes."""
    return GROUND_WORDS + GLYPH_WORDS + difficulty.fragments * (GLYPH_WORDS + 3 + 4)


def _paint(
    labels: np.ndarray, draws: Draws, bank: Bank, wanted: Difficulty
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], np.ndarray]:
    """The images without noise, where the glyphs lie in them as ``drawn_place`` has it, and their coverage."""
    count = len(labels)
    light, colour = colours(draws, wanted)
    canvas = texture(draws, count, bank.size, wanted) + light[:, :, None, None]
    for _ in range(wanted.fragments):
        compose(canvas, fragment(draws, bank, count, wanted), fragment_colour(draws, light))
    place = drawn_place(draws, wanted.shift, wanted, scale=wanted.scale)
    font = bank.firsts[labels] + draws.below(bank.counts[labels])
    coverage = warp(bank, font, *place)
    compose(canvas, coverage, colour)
    return canvas, place, coverage


def box_of(coverage: np.ndarray) -> np.ndarray:
    """Left, top, right, bottom of what is covered, float64 ``(N, 4)`` in shares of the side.

    ``coverage`` is ``(N, S, S)``; a pixel counts where it has at least a quarter of the image's largest coverage: thin
    ends belong to the glyph, and the thinnest glyph has a box too.
    """
    size = coverage.shape[-1]
    covered = 4 * coverage >= coverage.max((1, 2), keepdims=True)
    sides = [covered.any(axis) for axis in (1, 2)]  # columns, rows
    low = [side.argmax(1) for side in sides]
    high = [size - side[:, ::-1].argmax(1) for side in sides]
    return np.stack([*low, *high], 1) / size


def colours(draws: Draws, wanted: Difficulty) -> tuple[np.ndarray, np.ndarray]:
    """Background and glyph colours int16 ``(count, 3)`` that differ in luminance by the wanted contrast."""
    low, high = wanted.contrast
    contrast = draws.below(high - low + 1) + low
    darker = draws.below(256 - contrast)
    swap = draws.below(2).astype(bool)
    background, glyph = np.where(swap, darker + contrast, darker), np.where(swap, darker, darker + contrast)
    return _tinted(draws, background), _tinted(draws, glyph)


def _tinted(draws: Draws, luminance: np.ndarray) -> np.ndarray:
    """A colour of about this luminance: green moves against red and blue."""
    red, blue = draws.below(97) - 48, draws.below(97) - 48
    green = -(77 * red + 28 * blue) // 151
    return np.stack([luminance + red, luminance + green, luminance + blue], 1).astype(np.int16)


def fragment_colour(draws: Draws, background: np.ndarray) -> np.ndarray:
    offset = np.stack([draws.below(161) - 80 for _ in range(3)], 1)
    return (background + offset).astype(np.int16)


def texture(draws: Draws, count: int, size: int, wanted: Difficulty) -> np.ndarray:
    """A smooth random field int16 ``(count, 3, size, size)``, bilinear between GRID x GRID points."""
    strength = draws.below(wanted.texture + 1)
    points = np.stack([draws.below(2 * strength + 1) - strength for _ in range(3 * GRID**2)], 1)
    points = points.reshape(count * 3, GRID, GRID).astype(np.float32)
    position = np.arange(size) * 16 * (GRID - 1) // size
    weights = np.zeros((size, GRID), dtype=np.float32)
    weights[np.arange(size), position // 16] = 16 - position % 16
    weights[np.arange(size), position // 16 + 1] += position % 16
    field = weights @ points @ weights.T  # whole numbers below 2**24: exact in float32, in any order of summation
    return (field / 256).astype(np.int16).reshape(count, 3, size, size)


def fragment(draws: Draws, bank: Bank, count: int, wanted: Difficulty) -> np.ndarray:
    """Coverage of a random glyph whose centre lies outside or near the border, so that a piece of it shows."""
    along, side, away = draws.uniform(-0.5, 0.5), draws.below(4), draws.uniform(0.45, 0.6)
    x = np.choose(side, [along, along, away, -away])
    y = np.choose(side, [away, -away, along, along])
    inverse, centre = drawn_place(draws, 0.0, wanted, scale=wanted.scale)
    font = draws.below(len(bank.masks))
    return warp(bank, font, inverse, centre + np.stack([x, y], 1))


def drawn_place(
    draws: Draws, shift: float | None, wanted: Difficulty, *, scale: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """The inverse of a random turn, slant and scale ``(count, 2, 2)``, and the centre ``(count, 2)``, in shares.

    The centre is at most ``shift`` from the middle, or anywhere where the whole glyph is inside if that is None.
    """
    side = draws.uniform(*scale)
    stretch = draws.uniform(1 - wanted.stretch, 1 + wanted.stretch)
    shear, half = draws.uniform(-wanted.shear, wanted.shear), draws.uniform(-wanted.turn, wanted.turn)
    cosine, sine = (1 - half * half) / (1 + half * half), 2 * half / (1 + half * half)
    # forward: scale, then slant, then turn; so the inverse turns back first
    first = np.stack([(cosine + shear * sine) / stretch, (sine - shear * cosine) / stretch], 1)
    second = np.stack([-sine, cosine], 1)
    inverse = np.stack([first, second], 1) / side[:, None, None]
    reach = (shift, shift)
    if shift is None:
        across = stretch * np.abs(cosine) + np.abs(shear * cosine - sine)
        upright = stretch * np.abs(sine) + np.abs(shear * sine + cosine)
        reach = tuple(np.maximum(0.5 - side / 2 * extent, 0.0) for extent in (across, upright))
    return inverse, np.stack([draws.uniform(-limit, limit) for limit in reach], 1)


def warp(bank: Bank, which: np.ndarray, inverse: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Masks ``which`` moved by the given maps, bilinear, int16 ``(count, S, S)`` in 0..256."""
    size, detail, row = bank.size, bank.detail, bank.detail + 2
    one = 1 << FRACTION
    step = np.rint(inverse * (detail / size) * one).astype(np.int32)  # mask pixels per image pixel
    pixels = (2 * np.arange(size, dtype=np.int32) + 1 - size) * (one // 2)  # centres, from the middle
    origin = np.rint(centre * size * one).astype(np.int64)
    start = -((step.astype(np.int64) * origin[:, None, :]).sum(2) >> FRACTION) + (detail + 1) * (one // 2)
    moved = [
        (
            (step[:, axis, 0, None].astype(np.int64) * pixels >> FRACTION)[:, None, :]
            + (step[:, axis, 1, None].astype(np.int64) * pixels >> FRACTION)[:, :, None]
            + start[:, axis, None, None]
        )
        for axis in (0, 1)
    ]
    x, y = (np.clip(values, 0, (detail + 1) * one - 1).astype(np.int32) for values in moved)
    place = (y >> FRACTION) * row + (x >> FRACTION) + (which * row * row)[:, None, None]
    right, down = (x & (one - 1)) >> 8, (y & (one - 1)) >> 8
    flat = bank.masks.reshape(-1)
    top = _between(flat.take(place), flat.take(place + 1), right)
    bottom = _between(flat.take(place + row), flat.take(place + row + 1), right)
    value = (top * (256 - down) + bottom * down) >> 16
    return (value + (value >> 7)).astype(np.int16)


def _between(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    return first.astype(np.int32) * (256 - share) + second.astype(np.int32) * share


def compose(canvas: np.ndarray, coverage: np.ndarray, colour: np.ndarray) -> None:
    """Lay ``colour`` over ``canvas`` where ``coverage`` (0..256) says, in place."""
    difference = colour[:, :, None, None] - canvas
    canvas += ((difference.astype(np.int32) * coverage[:, None]) >> 8).astype(np.int16)
