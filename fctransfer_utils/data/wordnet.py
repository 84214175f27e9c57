"""Natural and man-made classes by WordNet, for classes that are named by wnids.

Yosinski et al. 2014 (section 4.2) call everything under *artifact* man-made (522 of ImageNet's 1000 classes) and
everything under *organism* natural (410), and placed the other 68 by hand. As indices of the classes in alphabetical
order of their wnids, the natural ones are 0-397, 936-958, 970 and 972-998. Tiny ImageNet's 200 classes all are
ImageNet classes, so each is placed as there: 72 natural, 128 man-made.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import InputError
from .image_set import ImageSet
from .outline import Outline
from .wnids import IMAGENET_WNIDS

# First and last index of each run of classes, from the hypernyms of WordNet 3.0.
ORGANISM = ((0, 397), (981, 983), (985, 986), (991, 997))
PLACED_NATURAL = ((936, 958), (970, 970), (972, 980), (984, 984), (987, 990), (998, 998))


class Leftover(NamedTuple):
    """A class under neither artifact nor organism: its name, its side and why it is there."""

    name: str
    side: str
    reason: str


_PREPARED = "prepared food or drink: made by people from a recipe"
_GROWN = "fruit, vegetable or mushroom: WordNet files it under food, but it is grown, not made"
_LAND = "part of a landscape: a natural object that is no organism"

TINY_LEFTOVERS = {
    "n07579787": Leftover("plate", "man-made", _PREPARED),
    "n07583066": Leftover("guacamole", "man-made", _PREPARED),
    "n07614500": Leftover("ice cream", "man-made", _PREPARED),
    "n07615774": Leftover("ice lolly", "man-made", _PREPARED),
    "n07695742": Leftover("pretzel", "man-made", _PREPARED),
    "n07711569": Leftover("mashed potato", "man-made", _PREPARED),
    "n07715103": Leftover("cauliflower", "natural", _GROWN),
    "n07720875": Leftover("bell pepper", "natural", _GROWN),
    "n07734744": Leftover("mushroom", "natural", _GROWN),
    "n07747607": Leftover("orange", "natural", _GROWN),
    "n07749582": Leftover("lemon", "natural", _GROWN),
    "n07753592": Leftover("banana", "natural", _GROWN),
    "n07768694": Leftover("pomegranate", "natural", _GROWN),
    "n07871810": Leftover("meat loaf", "man-made", _PREPARED),
    "n07873807": Leftover("pizza", "man-made", _PREPARED),
    "n07875152": Leftover("potpie", "man-made", _PREPARED),
    "n07920052": Leftover("espresso", "man-made", _PREPARED),
    "n09193705": Leftover("alp", "natural", _LAND),
    "n09246464": Leftover("cliff", "natural", _LAND),
    "n09256479": Leftover("coral reef", "natural", _LAND),
    "n09332890": Leftover("lakeside", "natural", _LAND),
    "n09428293": Leftover("seashore", "natural", _LAND),
    "n12267677": Leftover("acorn", "natural", "part of a plant: WordNet knows plant parts apart from organisms"),
}
"""Tiny ImageNet's classes that were placed by hand, each on the side where the published split has it."""


def is_natural(wnid: str) -> bool:
    """Whether an ImageNet class is natural. Raises KeyError for a wnid that is none of the 1000."""
    index = _INDEX[wnid]
    return any(first <= index <= last for first, last in ORGANISM + PLACED_NATURAL)


def natural_manmade(image_set: ImageSet | Outline) -> dict[str, tuple[int, ...]]:
    """``A``: the natural classes of ``image_set``, ``B``: the man-made ones. Raises InputError without wnids."""
    unknown = [wnid for wnid in image_set.class_ids if wnid not in _INDEX]
    if unknown:
        kind = "is no ImageNet class" if re.fullmatch(r"n\d{8}", unknown[0]) else "is no wnid"
        raise InputError(
            f"split natural-manmade needs classes named by ImageNet's wnids (such as n01440764); {unknown[0]!r} of"
            f" {image_set.name} {kind} ({len(unknown)} such). Use tiny-imagenet or a folder of ImageNet classes."
        )
    natural = tuple(index for index, wnid in enumerate(image_set.class_ids) if is_natural(wnid))
    return {"A": natural, "B": tuple(sorted(set(range(image_set.classes)) - set(natural)))}


_INDEX = {wnid: index for index, wnid in enumerate(IMAGENET_WNIDS)}
