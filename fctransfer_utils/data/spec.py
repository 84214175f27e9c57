"""Which images: the part of a run specification that ``data/`` owns."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError, unknown
from .glyph_classes import CHARACTERS

SETS = ("glyphs", "tiny-imagenet", "cifar10", "cifar100", "folder:PATH")
GLYPH_OPTIONS = ("glyph_classes", "glyphs_per_class", "glyphs_seed")
VIEWS = ("", "grey", "inverted")


@dataclass(frozen=True)
class DataSpec:
    """A data set at one image size, as pure data.

    ``name`` is ``glyphs``, ``tiny-imagenet``, ``cifar10``, ``cifar100`` or ``folder:PATH``; ``image_size`` is in
    pixels; the other three shape the rendered glyphs only and are 0 for every other set. For glyphs 0 means all
    classes, 100 training images per class, seed 0. ``view`` shows any set in another way (``variants.viewed``):
    ``grey`` in one channel, ``inverted`` in one channel with the tones turned round, empty as it is.
    """

    name: str = "glyphs"
    image_size: int = 32
    glyph_classes: int = 0
    glyphs_per_class: int = 0
    glyphs_seed: int = 0
    view: str = ""

    def __post_init__(self) -> None:
        if self.name not in SETS[:-1] and not (self.name.startswith("folder:") and self.name != "folder:"):
            raise unknown("data set", self.name, SETS)
        if not 32 <= self.image_size <= 256:
            raise InputError(f"image_size {self.image_size} is outside 32..256; choose a size in that range.")
        if self.view not in VIEWS:
            raise unknown(
                "view", self.view, [view for view in VIEWS if view], mend="Leave it empty for images as they are."
            )
        for option in GLYPH_OPTIONS:
            value = getattr(self, option)
            if value < 0:
                raise InputError(f"{option} {value} is negative; give 0 for the default or a number.")
            if value and self.name != "glyphs":
                raise InputError(f"{option} {value} is for glyphs only; leave it 0 for {self.name}.")
        if self.glyph_classes == 1 or self.glyph_classes > len(CHARACTERS):
            raise InputError(
                f"glyph_classes {self.glyph_classes} cannot be had: there are {len(CHARACTERS)} characters;"
                f" choose 2..{len(CHARACTERS)}, or 0 for all."
            )
