"""Which files make up a data set, before any of them is decoded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from .image_files import DECODER
from .trees import Tree


class Item(NamedTuple):
    """One image file: its path in the tree, the index of its class, and a stamp that changes when the file does."""

    path: str
    label: int
    stamp: str


@dataclass(frozen=True)
class Listing:
    """The files of a data set in their order. ``slug`` names the set in file names."""

    name: str
    slug: str
    tree: Tree
    class_ids: tuple[str, ...]
    class_names: tuple[str, ...]
    train: tuple[Item, ...]
    test: tuple[Item, ...]

    def key(self, image_size: int) -> str:
        """What the decoded copy of exactly these files at this size is called."""
        digest = hashlib.sha256(f"decoder {DECODER}, {image_size} px\n".encode())
        for part in (self.train, self.test):
            for item in part:
                digest.update(f"{item.path}\t{item.label}\t{item.stamp}\n".encode(errors="surrogateescape"))
            digest.update(b"\n")
        digest.update("\n".join(self.class_ids + self.class_names).encode(errors="surrogateescape"))
        return f"{self.slug}-{image_size}px-{digest.hexdigest()[:16]}"
