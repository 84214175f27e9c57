"""``glyph-places``: a small glyph anywhere in the picture, with a known box. For localisation and retrieval."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .glyph_classes import groups_of
from .glyph_render import DEFAULT, Bank, render_images
from .glyphs import assemble, characters_of, labels_of, names_of
from .image_set import ImageSet
from .spec import DataSpec

SMALL = replace(DEFAULT, scale=(0.3, 0.6), shift=None)


def render(spec: DataSpec) -> ImageSet:
    """The characters of ``glyph-others``, small and wholly inside on the ground of the glyphs,."""
    characters, bank = characters_of(spec), _bank(spec)

    def paint(labels: np.ndarray, part: str) -> np.ndarray:
        return _painted(spec, bank, labels, part)

    return assemble(spec, paint, class_ids=characters, class_names=names_of(characters), groups=groups_of(characters))


def boxes(spec: DataSpec) -> np.ndarray:
    """``glyph_render.box_of`` the glyph of every test image, float64 ``(N, 4)``, found while painting them again."""
    labels = labels_of(spec, "test")
    found = np.empty((len(labels), 4))
    _painted(spec, _bank(spec), labels, "test", found)
    return found


def _bank(spec: DataSpec) -> Bank:
    return Bank(characters_of(spec), spec.image_size, detail=spec.image_size // 2)


def _painted(spec: DataSpec, bank: Bank, labels: np.ndarray, part: str, found: np.ndarray | None = None) -> np.ndarray:
    seed, name = spec.glyphs_seed, spec.name
    return render_images(labels, bank, seed=seed, part=part, name=name, difficulty=SMALL, boxes=found)
