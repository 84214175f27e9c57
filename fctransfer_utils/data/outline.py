"""What a set of images consists of, told without decoding a single one: classes and how many images each has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputError
from .glyph_classes import groups_of
from .spec import OF_CHARACTERS, RENDERED, DataSpec
from .wnids import IMAGENET_WNIDS

PUBLIC = {"tiny-imagenet": (200, 500, 50), "cifar10": (10, 5000, 1000), "cifar100": (100, 500, 100)}
"""Classes, and training and test images of each: known before they are downloaded."""


@dataclass(frozen=True, eq=False)
class Outline:
    """A data set as numbers: ``train`` and ``test`` images of each class, in the order of ``class_ids``.

    It can be split into halves like the images themselves (``splits.make_split``).
    """

    name: str
    class_ids: tuple[str, ...]
    train: tuple[int, ...]
    test: tuple[int, ...]
    flip: bool = True
    groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_ids)

    @property
    def images(self) -> int:
        """All images, those for training and those for testing."""
        return sum(self.train) + sum(self.test)

    def count(self, classes: Sequence[int], *, part: str = "train", per_class: int = 0) -> int:
        """How many images ``ImageSet.select`` would take."""
        counts = self.train if part == "train" else self.test
        return sum(min(counts[index], per_class) if per_class else counts[index] for index in classes)


def _evenly(images: int, classes: int) -> tuple[int, ...]:
    share, rest = divmod(images, classes)
    return tuple(share + (index < rest) for index in range(classes))


IMAGENET = Outline("ImageNet", IMAGENET_WNIDS, _evenly(1_281_167, 1000), _evenly(50_000, 1000))
"""ILSVRC 2012. Its classes have 732 to 1300 training images; here each has the average."""


def outline(spec: DataSpec, *, root: Path | str | None = None) -> Outline:
    """The numbers of the set that ``spec`` names, from its files where they are, which are listed and not opened.

    Public sets that are not downloaded yet are known too; their classes then have numbers for names. Raises InputError
    for a folder that is not there or has another layout.
    """
    if spec.name in RENDERED:
        return _rendered(spec)
    from .sources import listed

    try:
        found = listed(spec, root)
    except InputError:
        if spec.name not in PUBLIC:
            raise
        classes, train, test = PUBLIC[spec.name]
        return Outline(spec.name, tuple(map(str, range(classes))), (train,) * classes, (test,) * classes)
    train, test = (Counter(item.label for item in part) for part in (found.train, found.test))
    labels = range(len(found.class_ids))
    return Outline(
        spec.name, found.class_ids, tuple(train[label] for label in labels), tuple(test[label] for label in labels)
    )


def _rendered(spec: DataSpec) -> Outline:
    from .glyphs import PER_CLASS, TEST_PER_CLASS, characters_of

    classes = spec.rendered_classes
    of_characters = spec.name in OF_CHARACTERS
    ids = characters_of(spec) if of_characters else tuple(map(str, range(classes)))
    groups = groups_of(ids) if of_characters else {}
    per_class = spec.glyphs_per_class or PER_CLASS
    return Outline(spec.name, ids, (per_class,) * classes, (TEST_PER_CLASS,) * classes, flip=False, groups=groups)
