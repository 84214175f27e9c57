"""One glyph image made step by step, with the very draws that the data set is made with."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..seeds import derive
from . import batches
from . import glyph_render as render
from .glyph_classes import CHARACTERS
from .glyphs import PER_CLASS, TEST_PER_CLASS
from .spec import DataSpec

STEPS = ("mask", "warped", "background", "with pieces", "with glyph", "with noise")


def steps(spec: DataSpec, *, part: str = "train") -> dict[str, np.ndarray]:
    """The first images of ``part`` of the glyphs of ``spec`` after every step, each uint8 ``(N, 3, S, S)``.

    N is the number of classes, at most one batch of the renderer, and image i is of class i. The last step is the image
    of the data set, byte for byte. Raises InputError for another data set than glyphs.
    """
    if spec.name != "glyphs":
        raise InputError(f"steps can be shown for the data set glyphs only, not for {spec.name!r}.")
    classes = spec.glyph_classes or len(CHARACTERS)
    bank, wanted = render.Bank(CHARACTERS[:classes], spec.image_size), render.DEFAULT
    labels, size = np.arange(min(classes, batches.BATCH)), spec.image_size
    # the first whole batch is drawn as in the data set, whose labels go round: 0, 1, ..., classes - 1, 0, 1, ...
    per_class = TEST_PER_CLASS if part == "test" else spec.glyphs_per_class or PER_CLASS
    whole = np.arange(min(batches.BATCH, classes * per_class)) % classes
    stream = np.random.Philox(derive(spec.glyphs_seed, "glyphs", part))
    words = stream.random_raw(len(whole) * render.words_for(wanted)).reshape(len(whole), -1)
    raw = stream.random_raw(-(-len(whole) * 3 * size**2 // 8)).astype("<u8", copy=False).view(np.int8)
    noise = raw[: len(whole) * 3 * size**2].reshape(len(whole), 3, size, size)
    return {name: image[labels] for name, image in _stages(whole, batches.Draws(words), noise, bank, wanted).items()}


def _stages(
    labels: np.ndarray, draws: batches.Draws, noise: np.ndarray, bank: render.Bank, wanted: render.Difficulty
) -> dict[str, np.ndarray]:
    """``glyph_render._paint`` with a picture taken after every step; the order of the draws must be the same."""
    light, colour = render.colours(draws, wanted)
    canvas = render.texture(draws, len(labels), bank.size, wanted) + light[:, :, None, None]
    background = _picture(canvas)
    for _ in range(wanted.fragments):
        render.compose(canvas, render.fragment(draws, bank, len(labels), wanted), render.fragment_colour(draws, light))
    pieces = _picture(canvas)
    place = render.drawn_place(draws, wanted.shift, wanted, scale=wanted.scale)
    font = bank.firsts[labels] + draws.below(bank.counts[labels])
    warped = render.warp(bank, font, *place)
    render.compose(canvas, warped, colour)
    glyph = _picture(canvas)
    strength = draws.below(wanted.noise + 1).astype(np.int16)[:, None, None, None]
    canvas += (noise.astype(np.int16) * strength) >> 7
    pictures = (_grey(bank.masks[font, 1:-1, 1:-1]), _grey(warped), background, pieces, glyph, _picture(canvas))
    return dict(zip(STEPS, pictures, strict=True))


def _picture(canvas: np.ndarray) -> np.ndarray:
    return np.clip(canvas, 0, 255).astype(np.uint8)


def _grey(coverage: np.ndarray) -> np.ndarray:
    """Coverage (N, S, S) as black on white (N, 3, S, S)."""
    inverted = 255 - np.clip(coverage, 0, 255).astype(np.uint8)
    return np.repeat(inverted[:, None], 3, axis=1)
