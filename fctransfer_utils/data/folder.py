"""Any set of pictures in the usual layout: ``train/<class>/*`` and ``val/<class>/*`` (ImageNet's layout included)."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import InputError
from ..files import exists
from .listing import Item, Listing
from .trees import FolderTree, Tree, ZipTree

HELD_OUT = ("val", "validation", "valid", "test")
"""The first of these folders is taken as the held-out images (those of ImageNet in test have no labels)."""

LAYOUT = (
    "expected train/<class>/<image files> and val/<class>/<image files> (test/ will do too), the same classes in both"
)


def listing(where: Path) -> Listing:
    """The files of the folder (or zip) ``where``; classes are the folder names in alphabetical order.

    In a class folder every file counts as an image, so that a damaged or foreign one is named and not overlooked;
    hidden files are ignored. If a class folder has a folder ``images``, only the files in there count (the layout of
    Tiny ImageNet's training images). Raises InputError if the layout is another one or a class is empty.
    """
    if not exists(where):
        raise InputError(f"folder {where} does not exist; {LAYOUT}.")
    tree: Tree = ZipTree(where) if where.is_file() else FolderTree(where)
    parts = tree.folders("")
    if "train" not in parts:
        raise _wrong(tree, f"it has no folder train (found: {', '.join(parts[:5]) or 'no folders'})")
    held_out = next((name for name in HELD_OUT if name in parts), None)
    if held_out is None:
        raise _wrong(tree, "it has no folder val or test with held-out images")
    classes = tree.folders("train")
    if len(classes) < 2:
        raise _wrong(tree, f"train has {len(classes)} class folders; at least 2 are needed")
    _require_same_classes(tree, classes, held_out)
    return Listing(
        name=f"folder:{where}",
        slug=f"folder-{re.sub(r'[^A-Za-z0-9._-]+', '_', where.resolve().stem) or 'root'}",
        tree=tree,
        class_ids=tuple(classes),
        class_names=tuple(classes),
        train=_items(tree, "train", classes),
        test=_items(tree, held_out, classes),
    )


def _require_same_classes(tree: Tree, classes: list[str], held_out: str) -> None:
    found = tree.folders(held_out)
    if not found and tree.files(held_out):
        raise _wrong(
            tree, f"{held_out} holds image files and no class folders: sort them into {held_out}/<class>/ first"
        )
    for names, others, first, second in ((classes, found, held_out, "train"), (found, classes, "train", held_out)):
        missing = sorted(set(names) - set(others))
        if missing:
            raise _wrong(tree, f"{len(missing)} classes of {second} are not in {first}, such as {missing[0]!r}")


def _items(tree: Tree, part: str, classes: list[str]) -> tuple[Item, ...]:
    items: list[Item] = []
    for label, name in enumerate(classes):
        path = f"{part}/{name}"
        inner = tree.folders(path)
        if "images" in inner:
            path = f"{path}/images"
        elif inner:
            raise _wrong(tree, f"{path} holds folders ({', '.join(inner[:3])}); classes cannot be nested")
        files = tree.files(path)
        if not files:
            raise _wrong(tree, f"class {name!r} is empty: no files in {path}; add images or remove the class")
        items += (Item(f"{path}/{file}", label, stamp) for file, stamp in files.items())
    return tuple(items)


def _wrong(tree: Tree, problem: str) -> InputError:
    return InputError(f"{tree.where} cannot be used as an image folder: {problem}; {LAYOUT}.")
