"""The embedded data set: characters of many scripts and symbols, rendered from the fonts of matplotlib.

The bytes depend on the seed, the fonts that matplotlib installs and numpy's Philox generator only: not on the machine,
the number of threads, torch, Pillow or FreeType's rasteriser. They are the same from matplotlib 3.10 to 3.11; one that
brought other fonts would break them, and a test that pins their checksum would say so.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from .glyph_classes import CHARACTERS, OTHERS, groups_of
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
    characters = characters_of(spec)
    bank = Bank(characters, spec.image_size)

    def paint(labels: np.ndarray, part: str) -> np.ndarray:
        return render_images(labels, bank, seed=spec.glyphs_seed, part=part, name=spec.name, difficulty=difficulty)

    return assemble(spec, paint, class_ids=characters, class_names=names_of(characters), groups=groups_of(characters))


def characters_of(spec: DataSpec) -> tuple[str, ...]:
    """The characters that are the classes of ``glyphs``, ``glyph-others`` or ``glyph-places``."""
    return (CHARACTERS if spec.name == "glyphs" else OTHERS)[: spec.rendered_classes]


def names_of(characters: Sequence[str]) -> list[str]:
    """What Unicode calls the characters, in small letters."""
    return [unicodedata.name(character).lower() for character in characters]


def labels_of(spec: DataSpec, part: str) -> np.ndarray:
    """The labels of the ``part`` "train" or "test" of a rendered set, int64 ``(N,)``: the classes in turn."""
    per_class = TEST_PER_CLASS if part == "test" else spec.glyphs_per_class or PER_CLASS
    return np.tile(np.arange(spec.rendered_classes), per_class)


def assemble(
    spec: DataSpec,
    paint: Callable[[np.ndarray, str], np.ndarray],
    *,
    class_ids: Sequence[str],
    class_names: Sequence[str],
    groups: Mapping[str, Sequence[int]] | None = None,
) -> ImageSet:
    """The rendered set ``spec``; ``paint(labels, part)`` makes the images uint8 ``(N, 3, S, S)`` of a part."""
    parts = {}
    for part in ("train", "test"):
        labels = labels_of(spec, part)
        parts[part] = Labelled(torch.from_numpy(paint(labels, part)), torch.from_numpy(labels))
    return build(spec.name, **parts, class_ids=class_ids, class_names=class_names, flip=False, groups=groups)
