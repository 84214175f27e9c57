"""Any tree of class folders as labelled images, with a summary of what came in and what did not."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch

from ..errors import InputError, unknown
from ..seeds import generator
from .decoded import Names, decoded
from .images import Images
from .pictures import ENDINGS, printable

if TYPE_CHECKING:
    from pandas import DataFrame

SYSTEM = ("@eadir", "__macosx", "#recycle", "$recycle.bin", "system volume information", "lost+found")
TRAIN, TEST, VAL = ("train", "training"), ("test", "testing"), ("val", "valid", "validation")
SHOWN = 3  # names that a message spells out of many
TEST_SHARE = 0.25  # of each class of a folder that has no parts


class File(NamedTuple):
    """A file by its part ("train", "test", or "all" where there are no parts), class and path below the root.

    The class is -1 where it lies in none. ``reason``: why it is left out; ``unreadable``: as a picture that is damaged.
    """

    part: str
    label: int
    path: Names
    reason: str = ""
    unreadable: bool = False


class Listing(NamedTuple):
    """What lies below ``root``; the pictures are sorted by part (train first), label and path."""

    root: Path
    layout: str
    parts: tuple[str, ...]
    classes: tuple[str, ...]
    pictures: list[File]
    left_out: list[File]


@dataclass(frozen=True)
class Summary:
    """What came in, by decoded pixels at ``size``; parts are "train" and "test", or "all".

    ``counts`` and ``constant`` (images of one colour): of each part, by class. ``copies``: of each part, images that
    equal one before them. ``leaked``: test images that are in train too. ``contradicting``: different images that
    stand in more than one class.
    """

    layout: str
    size: int
    classes: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    constant: dict[str, tuple[int, ...]]
    copies: dict[str, int]
    leaked: int
    contradicting: int
    left_out: tuple[File, ...]

    def table(self) -> DataFrame:
        """A row for each class: images of each part, files left out (unreadable; no pictures), images of one colour."""
        import pandas as pd

        table = pd.DataFrame(self.counts, index=pd.Index(self.classes, name="class"))
        for column, unreadable in (("unreadable", True), ("no_pictures", False)):
            found = Counter(each.label for each in self.left_out if each.unreadable == unreadable)
            table[column] = [found[label] for label in range(len(self.classes))]
        return table.assign(constant=pd.DataFrame(self.constant, index=table.index).sum(axis=1))

    def __str__(self) -> str:
        images = " and ".join(f"{sum(numbers)} {part}".removesuffix(" all") for part, numbers in self.counts.items())
        size = f"{self.size} x {self.size} pixels"
        lines = [f"{len(self.classes)} classes, {images} images at {size}, from {self.layout}"]
        if self.leaked:
            lines.append(
                f"LEAK: {self.leaked} of {sum(self.counts['test'])} test images are in train too, pixel for pixel; "
                "accuracy on these says nothing about new images"
            )
        lost = defaultdict(list)
        for each in self.left_out:
            if each.unreadable:
                lost[each.part, each.label].append(each)
        most = sorted(lost.items(), key=lambda item: -len(item[1]))
        for (part, label), its in most[:SHOWN]:
            there = [part] if part in self.counts else list(self.counts)
            total = len(its) + sum(self.counts[each][label] for each in there)
            lines.append(
                f"left out: {len(its)} of {total} pictures of {self.classes[label]!r} ({part}): {_reasons(its)}"
            )
        if rest := sum(len(its) for _, its in most[SHOWN:]):
            lines.append(f"left out: {rest} more of {len(most) - SHOWN} other classes; see table()")
        if others := _reasons(each for each in self.left_out if not each.unreadable):
            lines.append(f"not read: {others}")
        by_class = zip(self.classes, *self.constant.values(), strict=True)
        if flat := [f"{sum(counts)} of {name!r}" for name, *counts in by_class if any(counts)]:
            lines.append(f"of one colour: {_few(flat)}")
        if any(self.copies.values()):
            lines.append("copies: " + ", ".join(f"{count} within {part}" for part, count in self.copies.items()))
        if self.contradicting:
            lines.append(f"different images that stand in more than one class: {self.contradicting}")
        return "\n".join(lines)


class Folder(NamedTuple):
    """The images of a folder, and what came in: print it wherever they are used."""

    train: Images
    test: Images
    summary: Summary


def read_folder(root: Path | str, *, size: int, seed: int = 0, on_bad: str = "stop", progress: bool = False) -> Folder:
    """The images of a folder with train and test (or val) in it, or of one folder of classes, which ``seed`` splits.

    Classes are the folders of pictures in alphabetical order; pictures may lie deeper in them. The split takes
    ``TEST_SHARE`` of each class's different images; copies of one stay together. ``on_bad``: "stop" raises for files
    that cannot be read, "skip" leaves them out, and the summary says so. Both parts are normalised by train's mean and
    deviation. Raises InputError for a folder without two classes, with an empty one, or with images all alike.
    """
    listing, kept, whole, digests = _read(root, size=size, on_bad=on_bad, progress=progress)
    parts = [picture.part for picture in kept]
    if "train" in parts:
        middle = parts.index("test")
        train, test = whole.at(slice(middle)), whole.at(slice(middle, None))  # of a slice both stay on disk
    else:
        parts = _split(listing, whole, digests, seed=seed)
        tested = torch.tensor([part == "test" for part in parts])
        train, test = whole.at(~tested), whole.at(tested)
        listing = listing._replace(layout=f"{listing.layout}, {TEST_SHARE:g} of each class for test by seed {seed}")
    train = train.measured()
    return Folder(train, test.normalised_like(train), _summary(listing, whole, digests, parts))


def read_all(
    root: Path | str, *, size: int, on_bad: str = "stop", flip: bool = True, progress: bool = False
) -> tuple[Images, list[Path], Summary]:
    """All images of a folder as one set, measured, and the file of each; parts that it has are put together."""
    listing, kept, images, digests = _read(root, size=size, on_bad=on_bad, flip=flip, progress=progress)
    paths = [listing.root.joinpath(*picture.path) for picture in kept]
    return images.measured(), paths, _summary(listing, images, digests, ["all"] * len(kept))


def files_of(root: Path | str) -> Listing:
    """Which files of a folder are pictures of which class; none is opened. Raises InputError for another layout."""
    if not str(root).strip():
        raise InputError("the name of the folder is empty; name the folder that holds a folder for each class.")
    root = Path(root).expanduser()
    if not root.is_dir():
        what = "is a file; unpack it and name the folder" if root.exists() else "does not exist; check its name"
        raise InputError(f"folder {printable(root)} {what}.")
    others, folders = _walk(root)
    paths = [path for path, reason in others if not reason]
    places, layout = _layout(root, paths, folders)
    parts, classes = tuple(places), sorted(set().union(*(_children(folders, place) for place in places.values())))
    if not classes:
        raise InputError(
            f"{printable(root)} has no class folders, and {len(paths)} pictures. Put those of each class into a folder "
            f"of its own; pictures end in {', '.join(sorted(ENDINGS))}."
        )
    if len(classes) == 1:
        raise InputError(
            f"{printable(root)} has one class, {_few(classes)}, and nothing to tell it from; give 2 classes or more, "
            "or name the folder deeper down in which they lie."
        )
    labels, files = {name: label for label, name in enumerate(classes)}, []
    for path, reason in others:
        part, name = _place(path, places)
        if not name:
            reason = reason or ("picture in no class folder" if part else "picture beside the folders that are read")
        files.append(File(part, labels.get(name, -1), path, reason))
    pictures = sorted((file for file in files if not file.reason), key=lambda file: (parts.index(file.part), *file[1:]))
    left_out = [file for file in files if file.reason]
    return Listing(root, layout, parts, tuple(map(printable, classes)), pictures, left_out)


def _walk(root: Path) -> tuple[list[tuple[Names, str]], set[Names]]:
    """The files below ``root``, each with the reason why it is not read ("" for pictures), and the folders."""

    def stop(error: OSError) -> None:
        raise InputError(f"folder {printable(error.filename)} cannot be read: {error.strerror}; check its rights.")

    found, folders = [], set()
    for here, below, files in os.walk(root, followlinks=True, onerror=stop):
        path = Path(here).relative_to(root).parts
        for name in [*below]:
            inner = Path(here, name)
            circle = inner.is_symlink() and any(
                above.resolve().is_relative_to(inner.resolve()) for above in inner.parents
            )
            if reason := _foreign(name) or ("link in a circle" if circle else ""):
                below.remove(name)
                inside = 0 if circle else sum(len(names) for *_, names in os.walk(inner))
                found += [((*path, name), reason)] * max(inside, 1)
        folders.update((*path, name) for name in below)
        for name in files:
            ending = Path(name).suffix.lower()
            reason = "" if ending in ENDINGS else f"ending {ending}" if ending else "no ending"
            found.append(((*path, name), _foreign(name) or reason))
    return found, folders


def _foreign(name: str) -> str:
    """Why a name is no class's and no picture's; empty where it may be."""
    return "hidden" if name.startswith(".") else name if name.lower() in SYSTEM else ""


def _layout(root: Path, pictures: list[Names], folders: set[Names]) -> tuple[dict[str, Names], str]:
    """The folder in which the class folders of each part lie, and the layout in words."""
    filled = {path[0] for path in pictures if len(path) > 1}
    deep = sorted({path[0] for path in pictures if len(path) > 2})  # with pictures in folders of their own
    trains, tests = _named(deep, TRAIN), [*_named(deep, TEST), *_named(deep, VAL)]
    if not trains:
        if len([name for name in tests if name.lower() in (*TEST, *VAL)]) > 1:
            raise InputError(
                f"{printable(root)} has {_few(tests)} and no train beside them; name one of these folders to have it "
                "split, or call that of the images to learn from 'train'."
            )
        return {"all": ()}, "one folder of classes"
    train, own = trains[0], _children(folders, (trains[0],))
    if tests:  # ImageNet's test has no class folders: then val is meant
        test = next((name for name in tests if own & _children(folders, (name,))), tests[0])
        return {"train": (train,), "test": (test,)}, f"folders {printable(train)} and {printable(test)}"
    if filled == {train}:
        return {"all": (train,)}, f"folder {printable(train)} alone"
    if len(own) < 2:
        return {"all": ()}, "one folder of classes"  # one of which is called train
    raise InputError(
        f"{printable(root)} has class folders in {printable(train)}, pictures beside it in "
        f"{_few(sorted(filled - {train}))}, and no test or val with class folders: name {printable(root / train)} to "
        "have it split, or sort the others into class folders."
    )


def _named(names: list[str], words: Sequence[str]) -> list[str]:
    """Those of ``names`` that are one of ``words``, or else have one: "seg_train" and "train2017" mean train."""
    exact = [name for name in names if name.lower() in words]
    return exact or [name for name in names if set(re.findall("[a-z]+", name.lower())) & set(words)]


def _children(folders: set[Names], place: Names) -> set[str]:
    return {_composed(path[-1]) for path in folders if path[:-1] == place}


def _composed(name: str) -> str:
    """A name in the one form of Unicode that is compared: Macs write an accent as a character of its own."""
    return unicodedata.normalize("NFC", name)


def _place(path: Names, places: dict[str, Names]) -> tuple[str, str]:
    """The part and the class that a file lies in; empty where it lies in none."""
    for part, place in places.items():
        depth = len(place)
        if path[:depth] == place and len(path) > depth:
            return part, _composed(path[depth]) if len(path) > depth + 1 else ""
    return "", ""


def _refuse_empty(listing: Listing, pictures: Iterable[File]) -> None:
    """Raise InputError unless every class has one of ``pictures`` in every part."""
    found = {picture[:2] for picture in pictures}
    for part in listing.parts:
        empty = [name for label, name in enumerate(listing.classes) if (part, label) not in found]
        if empty:
            raise InputError(
                f"classes of {printable(listing.root)} ({listing.layout}: {part}) without a readable picture: "
                f"{_few(empty)}; put some there, ending in {', '.join(sorted(ENDINGS))}, or move the folders away."
            )


def _read(
    root: Path | str, *, size: int, on_bad: str, progress: bool, flip: bool = True
) -> tuple[Listing, list[File], Images, list[bytes]]:
    """The listing, and of what can be read the pictures, images and digests; what cannot joins ``left_out``."""
    if on_bad not in ("stop", "skip"):
        raise unknown("choice for on_bad", on_bad, ("stop", "skip"))
    listing = files_of(root)
    _refuse_empty(listing, listing.pictures)
    whose = printable(listing.root)
    found = decoded(listing.root, [picture.path for picture in listing.pictures], size=size, progress=progress)
    lost = [listing.pictures[at]._replace(reason=reason, unreadable=True) for at, reason in found.bad.items()]
    listing.left_out.extend(lost)
    if lost and on_bad == "stop":
        classes = Counter(f"{listing.classes[each.label]!r} ({each.part})" for each in lost).most_common()
        raise InputError(
            f"{len(lost)} of {len(listing.pictures)} pictures of {whose} cannot be read: {_reasons(lost)}; by class: "
            f"{_few(f'{count} of {name}' for name, count in classes)}. Mend or remove them, or leave them out by "
            'on_bad="skip".'
        )
    kept = [picture for position, picture in enumerate(listing.pictures) if position not in found.bad]
    _refuse_empty(listing, kept)
    if len(set(found.digests)) == 1:
        raise InputError(
            f"all {len(kept)} pictures of {whose} are alike at {size} pixels: nothing can be learnt from them. Look at "
            "the files."
        )
    labels = torch.tensor([picture.label for picture in kept])
    return listing, kept, Images(found.pixels, labels, listing.classes, flip=flip), found.digests


def _split(listing: Listing, images: Images, digests: list[bytes], *, seed: int) -> list[str]:
    """The part of each image: ``TEST_SHARE`` of each class's different images, drawn by ``seed``, are for test."""
    labelled = list(zip(images.labels.tolist(), digests, strict=True))
    different, tested = defaultdict(list), set()
    for each in dict.fromkeys(labelled):
        different[each[0]].append(each)
    for label, its in different.items():
        name = images.classes[label]
        if len(its) == 1:
            raise InputError(
                f"class {name!r} of {printable(listing.root)} has one image, and none for test; add pictures or move "
                "its folder away."
            )
        order = torch.randperm(len(its), generator=generator(seed, "test", name)).tolist()
        tested |= {its[number] for number in order[: max(round(TEST_SHARE * len(its)), 1)]}
    return ["test" if each in tested else "train" for each in labelled]


def _summary(listing: Listing, images: Images, digests: list[bytes], parts: list[str]) -> Summary:
    names = [part for part in ("all", "train", "test") if part in parts]
    counts, constant = ({part: [0] * len(listing.classes) for part in names} for _ in range(2))
    seen, classes = {part: Counter() for part in names}, defaultdict(set)
    flats = torch.cat([(some == some[:, :, :1, :1]).flatten(1).all(1) for some in images.pixels.split(2000)]).tolist()
    for part, label, digest, flat in zip(parts, images.labels.tolist(), digests, flats, strict=True):
        counts[part][label] += 1
        constant[part][label] += flat
        seen[part][digest] += 1
        classes[digest].add(label)
    return Summary(
        layout=listing.layout,
        size=images.size,
        classes=images.classes,
        counts={part: tuple(numbers) for part, numbers in counts.items()},
        constant={part: tuple(numbers) for part, numbers in constant.items()},
        copies={part: its.total() - len(its) for part, its in seen.items()},
        leaked=sum(count for digest, count in seen.get("test", {}).items() if digest in seen["train"]),
        contradicting=sum(len(each) > 1 for each in classes.values()),
        left_out=tuple(listing.left_out),
    )


def _reasons(left_out: Iterable[File]) -> str:
    """Each reason with its number of files and the first of them."""
    files = defaultdict(list)
    for each in left_out:
        files[each.reason].append("/".join(each.path))
    most = sorted(files.items(), key=lambda item: -len(item[1]))
    return "; ".join(f"{len(names)} {reason} ({_few(dict.fromkeys(names))})" for reason, names in most)


def _few(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    names = [printable(name) for name in names]
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
