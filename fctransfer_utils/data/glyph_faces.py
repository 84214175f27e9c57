"""``glyph-fonts``: the class is the font in which one of a few letters is set. A fine-grained task."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .glyph_classes import FACE_LETTERS, FACES
from .glyph_fonts import FONTS
from .glyph_render import DEFAULT, Bank, render_images
from .glyphs import assemble
from .image_set import ImageSet
from .spec import DataSpec

FINE = replace(DEFAULT, contrast=(40, 150), noise=40, fragments=1)
"""Fainter than the glyphs, since the letters are few and known."""


def render(spec: DataSpec) -> ImageSet:
    """The fonts of ``spec`` as classes; every class has the same letters, in equal shares on average."""
    bank = Bank(FACE_LETTERS, spec.image_size, fonts=[FONTS.index(name) for name in FACES])

    def paint(labels: np.ndarray, part: str) -> np.ndarray:
        return render_images(labels, bank, seed=spec.glyphs_seed, part=part, name=spec.name, difficulty=FINE)

    return assemble(spec, paint, class_ids=FACES, class_names=FACES)
