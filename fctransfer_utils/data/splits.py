"""Class splits as data: the two halves of a set's classes, with a checksum that every record carries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import InputError, unknown
from ..files import checksum
from .image_set import ImageSet
from .outline import Outline

NAMES = ("random0", "random1", "random2", "random3", "natural-manmade", "letters-symbols")


@dataclass(frozen=True)
class Split:
    """Two disjoint halves of a set's classes by their indices; ``checksum`` depends on the class ids in each half."""

    name: str
    halves: Mapping[str, tuple[int, ...]]
    checksum: str


def make_split(name: str, image_set: ImageSet | Outline) -> Split:
    """The split ``name`` of ``image_set``, or of what is known of it before it is loaded.

    ``random<s>``: the halves of Yosinski et al. 2014 for seed s. ``natural-manmade``: A natural, B man-made (their
    section 4.2), for classes with wnids. ``letters-symbols``: A letters, B symbols, for glyphs. Raises InputError for
    another name and for a set without what the split needs.
    """
    if match := re.fullmatch(r"random(0|[1-9]\d{0,8})", name):
        halves = random_halves(image_set.classes, seed=int(match[1]))
    elif name == "natural-manmade":
        from .wordnet import natural_manmade

        halves = natural_manmade(image_set)
    elif name == "letters-symbols":
        halves = _letters_symbols(image_set)
    else:
        raise unknown("split", name, NAMES, mend="Any random<s> with a whole number s is a split too.")
    for half, members in halves.items():
        if not members:
            raise InputError(f"half {half} of split {name} of {image_set.name} is empty; choose another split.")
    ids = {half: [image_set.class_ids[index] for index in members] for half, members in halves.items()}
    return Split(name, halves, checksum({"name": name, "halves": ids}))


def random_halves(classes: int, *, seed: int) -> dict[str, tuple[int, ...]]:
    """Two random halves of ``classes`` by the recipe of Yosinski et al. 2014 (the published split files).

    The old generator and its list seed are the recipe: ``RandomState(seed)`` would give other halves.
    """
    if classes < 2:
        raise InputError(f"{classes} class cannot be halved; use a set with at least 2 classes.")
    stream = np.random.RandomState([seed])
    first = sorted(int(index) for index in stream.choice(np.arange(classes), classes // 2, replace=False))
    return {"A": tuple(first), "B": tuple(sorted(set(range(classes)) - set(first)))}


def _letters_symbols(image_set: ImageSet | Outline) -> dict[str, tuple[int, ...]]:
    if not {"letters", "symbols"} <= set(image_set.groups):
        raise InputError(f"split letters-symbols needs the glyphs; {image_set.name} has no letters. Try random0.")
    return {"A": tuple(image_set.groups["letters"]), "B": tuple(image_set.groups["symbols"])}
