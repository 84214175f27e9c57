"""Which splits a set of images has, and what is in their halves."""

from __future__ import annotations

from typing import Any

from ..errors import InputError
from .image_set import ImageSet
from .splits import NAMES, Split, make_split


def splits_of(images: ImageSet) -> dict[str, Split]:
    """Every split of ``splits.NAMES`` that ``images`` has: glyphs have no wnids, photographs no letters."""
    found = {}
    for name in NAMES:
        try:
            found[name] = make_split(name, images)
        except InputError:
            continue
    return found


def halves_table(images: ImageSet) -> list[dict[str, Any]]:
    """One row per split and half: ``split, half, classes, checksum``."""
    return [
        {"split": name, "half": half, "classes": len(members), "checksum": split.checksum}
        for name, split in splits_of(images).items()
        for half, members in split.halves.items()
    ]


def group_counts(images: ImageSet, split: Split) -> list[dict[str, Any]]:
    """How many classes of each smallest group every half has: ``half, category, count``; empty without groups."""
    groups = {name: set(members) for name, members in images.groups.items() if name not in ("letters", "symbols")}
    return [
        {"half": half, "category": name, "count": len(members & set(classes))}
        for name, members in groups.items()
        for half, classes in split.halves.items()
    ]
