"""Which images: the part of a run specification that ``data/`` owns."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError


@dataclass(frozen=True)
class DataSpec:
    """A data set at one image size, as pure data.

    ``name`` is ``glyphs``, ``tiny-imagenet``, ``cifar10``, ``cifar100`` or ``folder:PATH``; ``image_size`` is in
    pixels; the other three shape the rendered glyphs only and are 0 for every other set.
    """

    name: str = "glyphs"
    image_size: int = 32
    glyph_classes: int = 0
    glyphs_per_class: int = 0
    glyphs_seed: int = 0

    def __post_init__(self) -> None:
        if not 32 <= self.image_size <= 256:
            raise InputError(f"image_size {self.image_size} is outside 32..256; choose a size in that range.")
