"""The embedded data set: characters of many scripts and symbols, rendered from the fonts of matplotlib.

The bytes depend on the seed, the fonts that matplotlib installs and numpy's Philox generator only: not on the machine,
the number of threads, torch, Pillow or FreeType's rasteriser. They are the same from matplotlib 3.10 to 3.11; one that
brought other fonts would break them, and a test that pins their checksum would say so.
"""

from __future__ import annotations

import unicodedata

import numpy as np
import torch

from .glyph_classes import CHARACTERS, groups
from .glyph_render import DEFAULT, Bank, Difficulty, render_images
from .image_set import ImageSet, Labelled, build
from .spec import DataSpec

PER_CLASS = 100
TEST_PER_CLASS = 50


def render(spec: DataSpec, *, difficulty: Difficulty = DEFAULT) -> ImageSet:
    """The glyphs of ``spec``: the first ``glyph_classes`` characters (0: all), ``glyphs_per_class`` training images of
    each (0: 100) and 50 test images of each from another seed. Other numbers of images give other images, not a part of
    the same ones: a smaller draw of one set is ``ImageSet.select(..., per_class=k)``.
    """
    classes = spec.glyph_classes or len(CHARACTERS)
    characters = CHARACTERS[:classes]
    bank = Bank(characters, spec.image_size)
    train, test = (
        _part(bank, classes, count, seed=spec.glyphs_seed, part=part, difficulty=difficulty)
        for part, count in (("train", spec.glyphs_per_class or PER_CLASS), ("test", TEST_PER_CLASS))
    )
    return build(
        "glyphs",
        train=train,
        test=test,
        class_ids=characters,
        class_names=[unicodedata.name(character).lower() for character in characters],
        flip=False,
        groups=groups(classes),
    )


def _part(bank: Bank, classes: int, per_class: int, *, seed: int, part: str, difficulty: Difficulty) -> Labelled:
    labels = np.tile(np.arange(classes), per_class)
    images = render_images(labels, bank, seed=seed, part=part, difficulty=difficulty)
    return Labelled(torch.from_numpy(images), torch.from_numpy(labels))
