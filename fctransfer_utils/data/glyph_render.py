"""Glyph masks warped, coloured and composed into images, in batches.

All randomness is raw bits of one Philox generator, and from there on only integers and the four basic operations are
used. So the same seed gives the same bytes on every machine, with any number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..seeds import derive
from .glyph_fonts import fonts_with, mask

BATCH = 64
FRACTION = 16
"""Bits after the binary point of mask coordinates."""


@dataclass(frozen=True)
class Difficulty:
    """How far the images stray from clean black on white. Lengths are shares of the image side.

    ``scale``: side of the glyph's box. ``stretch``: width to height, 1 +- this. ``shear``: slant, +- this. ``turn``:
    tangent of half the largest angle. ``shift``: of the centre, +- this. ``contrast``: of luminance, 0..255.
    ``texture`` and ``noise``: largest amplitude, 0..255. ``fragments``: pieces of other glyphs at the border.
    """

    scale: tuple[float, float] = (0.5, 0.85)
    stretch: float = 0.15
    shear: float = 0.2
    turn: float = 0.14
    shift: float = 0.09
    contrast: tuple[int, int] = (70, 190)
    texture: int = 24
    noise: int = 24
    fragments: int = 2


DEFAULT = Difficulty()


class Bank:
    """The masks of ``characters`` in every font that has them, with an empty border, one after the other."""

    def __init__(self, characters: Sequence[str], size: int) -> None:
        fonts = [fonts_with(character) for character in characters]
        self.size = size
        self.counts = np.array([len(found) for found in fonts])
        self.firsts = np.cumsum(self.counts) - self.counts
        self.masks = np.zeros((int(self.counts.sum()), size + 2, size + 2), dtype=np.uint8)
        pairs = ((font, character) for found, character in zip(fonts, characters, strict=True) for font in found)
        for place, (font, character) in enumerate(pairs):
            self.masks[place, 1:-1, 1:-1] = mask(font, character, size)


class Draws:
    """Uniform draws for a batch of ``count`` images from a block of raw 64-bit words."""

    def __init__(self, words: np.ndarray) -> None:
        self._columns = iter(words.T)

    def uniform(self, low: float, high: float) -> np.ndarray:
        """Float64 ``(count,)`` in [low, high)."""
        return low + (high - low) * ((next(self._columns) >> np.uint64(11)).astype(np.float64) / 2.0**53)

    def below(self, limit: np.ndarray | int) -> np.ndarray:
        """Integers ``(count,)`` in [0, limit)."""
        return ((next(self._columns) >> np.uint64(32)).astype(np.int64) * limit) >> 32


def render_images(
    labels: np.ndarray,
    bank: Bank,
    *,
    seed: int,
    part: str,
    difficulty: Difficulty = DEFAULT,
    places: np.ndarray | None = None,
) -> np.ndarray:
    """Images uint8 ``(N, 3, S, S)`` of the classes ``labels`` (indices into the bank's characters).

    ``places``, float64 ``(N, 6)``, is filled with where each glyph lies: the map from image to glyph (2 x 2, row by
    row) and the centre, in shares of the side.
    """
    size = bank.size
    images = np.empty((len(labels), 3, size, size), dtype=np.uint8)
    stream = np.random.Philox(derive(seed, "glyphs", part))

    def blocks() -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        for start in range(0, len(labels), BATCH):
            span = slice(start, min(start + BATCH, len(labels)))
            count = span.stop - span.start
            words = stream.random_raw(count * _words(difficulty)).reshape(count, -1)
            noise = stream.random_raw(-(-count * 3 * size**2 // 8)).astype("<u8", copy=False).view(np.int8)
            yield span, words, noise[: count * 3 * size**2].reshape(count, 3, size, size)

    def work(block: tuple[slice, np.ndarray, np.ndarray]) -> None:
        span, words, noise = block
        images[span], (inverse, centre) = _render(labels[span], Draws(words), noise, bank, difficulty)
        if places is not None:
            places[span] = np.concatenate([inverse.reshape(-1, 4), centre], axis=1)

    threads = max(1, min(4, os.cpu_count() or 1))
    with ThreadPoolExecutor(threads) as pool:
        pending = []
        for block in blocks():
            pending.append(pool.submit(work, block))
            if len(pending) > 4 * threads:
                pending.pop(0).result()
        for job in pending:
            job.result()
    return images


GRID = 5
_PLACE, _COLOURS = 6, 8


def _words(difficulty: Difficulty) -> int:
    per_glyph = 1 + _PLACE
    return 2 + _COLOURS + 3 * GRID**2 + per_glyph + difficulty.fragments * (per_glyph + 3 + 4)


def _render(
    labels: np.ndarray, draws: Draws, noise: np.ndarray, bank: Bank, wanted: Difficulty
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """The images, and where the glyphs lie in them as ``_place`` has it."""
    count, size = len(labels), bank.size
    light, colour = _colours(draws, wanted)
    canvas = _texture(draws, count, size, wanted) + light[:, :, None, None]
    for _ in range(wanted.fragments):
        _compose(canvas, _fragment(draws, bank, count, wanted), _fragment_colour(draws, light))
    place = _place(draws, wanted.shift, wanted, scale=wanted.scale)
    font = bank.firsts[labels] + draws.below(bank.counts[labels])
    _compose(canvas, _warp(bank, font, *place), colour)
    strength = draws.below(wanted.noise + 1).astype(np.int16)[:, None, None, None]
    canvas += (noise.astype(np.int16) * strength) >> 7
    return np.clip(canvas, 0, 255).astype(np.uint8), place


def _colours(draws: Draws, wanted: Difficulty) -> tuple[np.ndarray, np.ndarray]:
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


def _fragment_colour(draws: Draws, background: np.ndarray) -> np.ndarray:
    offset = np.stack([draws.below(161) - 80 for _ in range(3)], 1)
    return (background + offset).astype(np.int16)


def _texture(draws: Draws, count: int, size: int, wanted: Difficulty) -> np.ndarray:
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


def _fragment(draws: Draws, bank: Bank, count: int, wanted: Difficulty) -> np.ndarray:
    """Coverage of a random glyph whose centre lies outside or near the border, so that a piece of it shows."""
    along, side, away = draws.uniform(-0.5, 0.5), draws.below(4), draws.uniform(0.45, 0.6)
    x = np.choose(side, [along, along, away, -away])
    y = np.choose(side, [away, -away, along, along])
    inverse, centre = _place(draws, 0.0, wanted, scale=wanted.scale)
    font = draws.below(len(bank.masks))
    return _warp(bank, font, inverse, centre + np.stack([x, y], 1))


def _place(
    draws: Draws, shift: float, wanted: Difficulty, *, scale: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """The inverse of a random turn, slant and scale ``(count, 2, 2)``, and the centre ``(count, 2)``, in shares."""
    side = draws.uniform(*scale)
    stretch = draws.uniform(1 - wanted.stretch, 1 + wanted.stretch)
    shear, half = draws.uniform(-wanted.shear, wanted.shear), draws.uniform(-wanted.turn, wanted.turn)
    cosine, sine = (1 - half * half) / (1 + half * half), 2 * half / (1 + half * half)
    # forward: scale, then slant, then turn; so the inverse turns back first
    first = np.stack([(cosine + shear * sine) / stretch, (sine - shear * cosine) / stretch], 1)
    second = np.stack([-sine, cosine], 1)
    inverse = np.stack([first, second], 1) / side[:, None, None]
    return inverse, np.stack([draws.uniform(-shift, shift), draws.uniform(-shift, shift)], 1)


def _warp(bank: Bank, which: np.ndarray, inverse: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Masks ``which`` moved by the given maps, bilinear, int16 ``(count, S, S)`` in 0..256."""
    size, row = bank.size, bank.size + 2
    one = 1 << FRACTION
    step = np.rint(inverse * one).astype(np.int32)  # mask pixels per image pixel
    pixels = (2 * np.arange(size, dtype=np.int32) + 1 - size) * (one // 2)  # centres, from the middle
    origin = np.rint(centre * size * one).astype(np.int64)
    start = -((step.astype(np.int64) * origin[:, None, :]).sum(2) >> FRACTION) + (size + 1) * (one // 2)
    moved = [
        (
            (step[:, axis, 0, None].astype(np.int64) * pixels >> FRACTION)[:, None, :]
            + (step[:, axis, 1, None].astype(np.int64) * pixels >> FRACTION)[:, :, None]
            + start[:, axis, None, None]
        )
        for axis in (0, 1)
    ]
    x, y = (np.clip(values, 0, (size + 1) * one - 1).astype(np.int32) for values in moved)
    place = (y >> FRACTION) * row + (x >> FRACTION) + (which * row * row)[:, None, None]
    right, down = (x & (one - 1)) >> 8, (y & (one - 1)) >> 8
    flat = bank.masks.reshape(-1)
    top = _between(flat.take(place), flat.take(place + 1), right)
    bottom = _between(flat.take(place + row), flat.take(place + row + 1), right)
    value = (top * (256 - down) + bottom * down) >> 16
    return (value + (value >> 7)).astype(np.int16)


def _between(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    return first.astype(np.int32) * (256 - share) + second.astype(np.int32) * share


def _compose(canvas: np.ndarray, coverage: np.ndarray, colour: np.ndarray) -> None:
    """Lay ``colour`` over ``canvas`` where ``coverage`` (0..256) says, in place."""
    difference = colour[:, :, None, None] - canvas
    canvas += ((difference.astype(np.int32) * coverage[:, None]) >> 8).astype(np.int16)
