"""Tiny ImageNet: 200 ImageNet classes, 64x64 pixels, 500 training and 50 validation images each.

Read from a folder or straight from the zip archive, in the official layout.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import InputError
from .download import fetch as fetch_file
from .listing import Item, Listing
from .trees import FolderTree, Tree, ZipTree

NAME = "tiny-imagenet"
FOLDER = "tiny-imagenet-200"
URL = "http://cs231n.stanford.edu/tiny-imagenet-200.zip"
SHA256 = "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821"
SIDE = 64
ANNOTATIONS = "val/val_annotations.txt"
LAYOUT = (
    "expected wnids.txt, words.txt, train/<wnid>/images/*.JPEG, val/images/*.JPEG and val/val_annotations.txt, as in"
    f" {URL} (unpacked or not)"
)


def find(root: Path) -> Path | None:
    """The data in ``root``: the folder or zip itself, or ``tiny-imagenet-200``(``.zip``) in it."""
    if root.is_file() or (root / "wnids.txt").exists():
        return root
    for candidate in (root / FOLDER, root / f"{FOLDER}.zip"):
        if candidate.exists():
            return candidate
    return None


def fetch(root: Path, *, download: bool, progress: bool = False) -> Path:
    """The official archive in ``root``, downloaded if that is allowed. Raises InputError."""
    target = root / f"{FOLDER}.zip"
    if not download:
        raise InputError(
            f"{NAME} is not in {root}, and downloading is off; {LAYOUT}. Put it there as {FOLDER} or {target.name},"
            " or name another folder."
        )
    return fetch_file(URL, target, sha256=SHA256, progress=progress)


def listing(where: Path) -> Listing:
    """The files of the data set in ``where``; the test images are the official validation images.

    Classes are in alphabetical order of their wnids. Raises InputError if the layout is another one.
    """
    tree: Tree = ZipTree(where) if where.is_file() else FolderTree(where)
    wnids = _wnids(tree)
    numbers = {wnid: index for index, wnid in enumerate(wnids)}
    words = dict(line.split("\t", 1) for line in _lines(tree, "words.txt") if "\t" in line)
    return Listing(
        name=NAME,
        slug=NAME,
        tree=tree,
        class_ids=tuple(wnids),
        class_names=tuple(words.get(wnid, wnid).split(",")[0].strip() for wnid in wnids),
        train=_train(tree, numbers),
        test=_test(tree, numbers),
    )


def _wnids(tree: Tree) -> list[str]:
    wnids = sorted(_lines(tree, "wnids.txt"))
    for wnid, following in zip(wnids, [*wnids[1:], ""], strict=True):
        if not re.fullmatch(r"[A-Za-z0-9_-]+", wnid):  # a path would lead out of the data set
            raise _wrong(tree, f"wnids.txt names {wnid!r}, which is no wnid")
        if wnid == following:
            raise _wrong(tree, f"wnids.txt names {wnid!r} twice")
    return wnids


def _train(tree: Tree, numbers: dict[str, int]) -> tuple[Item, ...]:
    items: list[Item] = []
    for wnid, label in numbers.items():
        files = tree.files(f"train/{wnid}/images")
        if not files:
            raise _wrong(tree, f"class {wnid} has no images in train/{wnid}/images")
        items += (Item(f"train/{wnid}/images/{name}", label, stamp) for name, stamp in files.items())
    return tuple(items)


def _test(tree: Tree, numbers: dict[str, int]) -> tuple[Item, ...]:
    files = tree.files("val/images")
    rows = [line.split("\t") for line in _lines(tree, ANNOTATIONS)]
    strange = [row for row in rows if len(row) < 2 or row[1] not in numbers]
    if strange:
        raise _wrong(tree, f"{len(strange)} lines of val/val_annotations.txt name no class, such as {strange[0]}")
    missing = [row[0] for row in rows if row[0] not in files]
    if missing:
        raise _wrong(
            tree, f"{len(missing)} images of val/val_annotations.txt are not in val/images, such as {missing[0]}"
        )
    empty = set(numbers) - {row[1] for row in rows}
    if empty:
        raise _wrong(tree, f"{len(empty)} classes have no validation images, such as {min(empty)}")
    items = (Item(f"val/images/{name}", numbers[wnid], files[name]) for name, wnid, *_ in rows)
    return tuple(sorted(items, key=lambda item: (item.label, item.path)))


def boxes(where: Path) -> list[tuple[int, int, int, int]]:
    """The box of the object in each test image, in the order of ``listing``: x0, y0, x1, y1 of SIDE x SIDE pixels.

    The first and the last pixel across and down, both inside the box. Raises InputError for a line without such a box.
    """
    tree: Tree = ZipTree(where) if where.is_file() else FolderTree(where)
    found = {}
    for number, line in enumerate(_lines(tree, ANNOTATIONS), start=1):
        name, *ends = line.split("\t")
        ends = ends[1:]
        if len(ends) != 4 or not all(re.fullmatch(r"[0-9]{1,6}", end) for end in ends):
            raise _no_box(tree, number, line, "4 whole numbers")
        x0, y0, x1, y1 = map(int, ends)
        if not (x0 <= x1 < SIDE and y0 <= y1 < SIDE):
            raise _no_box(tree, number, line, f"x0 <= x1 and y0 <= y1, all in 0..{SIDE - 1}")
        found[f"val/images/{name}"] = (x0, y0, x1, y1)
    return [found[item.path] for item in listing(where).test]


def _no_box(tree: Tree, number: int, line: str, wanted: str) -> InputError:
    return InputError(
        f"line {number} of {ANNOTATIONS} in {tree.where} holds no box: {line!r}; expected name, class, x0, y0, x1, y1"
        f" between tabs, with {wanted}. Take the file of {URL}."
    )


def _lines(tree: Tree, path: str) -> list[str]:
    try:
        text = tree.read(path).decode("utf-8")
    except OSError as error:
        raise _wrong(tree, f"{path} is missing or damaged ({error.strerror or error})") from None
    except UnicodeDecodeError:
        raise _wrong(tree, f"{path} is not a text file") from None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise _wrong(tree, f"{path} is empty")
    return lines


def _wrong(tree: Tree, problem: str) -> InputError:
    return InputError(
        f"{tree.where} is not laid out as Tiny ImageNet: {problem}; {LAYOUT}."
        " Another layout (train/ and val/ with one folder per class) can be read as folder:PATH."
    )
