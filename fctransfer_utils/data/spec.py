"""Which images: the part of a run specification that ``data/`` owns."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError, unknown
from ..fields import settle_fields
from .glyph_classes import CHARACTERS, FACES, OTHERS, SCENES, TEXTURES

RENDERED = {
    "glyphs": len(CHARACTERS),
    "glyph-others": len(OTHERS),
    "glyph-textures": len(TEXTURES),
    "glyph-scenes": len(SCENES),
    "glyph-fonts": len(FACES),
    "glyph-places": len(OTHERS),
}
"""The sets that are made on the spot, and how many classes each has."""
OF_CHARACTERS = ("glyphs", "glyph-others", "glyph-places")
"""Those whose classes are characters, of which fewer can be taken."""
SETS = ("glyphs", "tiny-imagenet", "cifar10", "cifar100", *[*RENDERED][1:], "folder:PATH")
GLYPH_OPTIONS = ("glyph_classes", "glyphs_per_class", "glyphs_seed")
VIEWS = ("", "grey", "inverted")
MOST_PER_CLASS = 100_000


@dataclass(frozen=True)
class DataSpec:
    """A data set at one image size, as pure data.

    ``name`` is one of SETS: ``tiny-imagenet``, ``cifar10``, ``cifar100``, ``folder:PATH`` or a rendered set. Rendered
    are ``glyphs`` (characters, the source of the course), ``glyph-others`` (characters that no source has),
    ``glyph-textures`` (no object at all), ``glyph-scenes`` (the class is how several characters are arranged),
    ``glyph-fonts`` (the class is the font) and ``glyph-places`` (a small character anywhere, with a known box).

    ``image_size`` is in pixels. The three options that follow it shape the rendered sets only and are 0 for every other
    one; 0 means all classes, 100 training images per class, seed 0. ``glyph_classes`` takes the first so many
    characters and is for OF_CHARACTERS only. ``view`` shows any set in another way (``variants.viewed``): ``grey`` in
    one channel, ``inverted`` in one channel with the tones turned round, empty as it is.
    """

    name: str = "glyphs"
    image_size: int = 32
    glyph_classes: int = 0
    glyphs_per_class: int = 0
    glyphs_seed: int = 0
    view: str = ""

    def __post_init__(self) -> None:
        settle_fields(self)
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
            takers = OF_CHARACTERS if option == "glyph_classes" else tuple(RENDERED)
            if value and self.name not in takers:
                raise InputError(f"{option} {value} is for {', '.join(takers)} only; leave it 0 for {self.name}.")
        if self.glyphs_per_class > MOST_PER_CLASS:
            raise InputError(
                f"glyphs_per_class {self.glyphs_per_class} is more than can be rendered; give at most {MOST_PER_CLASS}."
            )
        most = RENDERED.get(self.name, 0)
        if self.glyph_classes == 1 or self.glyph_classes > most:
            raise InputError(
                f"glyph_classes {self.glyph_classes} cannot be had: there are {most} characters in {self.name};"
                f" choose 2..{most}, or 0 for all."
            )

    @property
    def rendered_classes(self) -> int:
        """How many classes a rendered set has by this specification; 0 for sets that are read from files."""
        return self.glyph_classes or RENDERED.get(self.name, 0)
