"""Tiny ImageNet and CIFAR as their makers publish them, and which of their classes are natural.

Tiny ImageNet (http://cs231n.stanford.edu/tiny-imagenet-200.zip): 200 classes of ImageNet, 64 x 64 pixels, 500 training
and 50 validation images each. CIFAR (https://www.cs.toronto.edu/~kriz/cifar.html): 60,000 images of 32 x 32 pixels. Its
"python version" is pickles, which can run any program when they are read: only the binary version is.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from ..errors import InputError, unknown
from ..files import sha256_of
from .decoded import decoded, keep
from .images import Images
from .pictures import ENDINGS, Unscaled, printable, resized
from .splits import Halves, complementary

TINY = "tiny-imagenet-200"
WNID = r"\bn\d{8}\b"
CIFAR_SIDE = 32


class Cifar(NamedTuple):
    """How a set lies on disk: its files with their images (training, test, names), and the bytes before an image."""

    archive: str
    folder: str
    files: dict[str, int]
    before: int


CIFAR = {
    "cifar10": Cifar(
        "cifar-10-binary.tar.gz", "cifar-10-batches-bin",
        {**{f"data_batch_{n}.bin": 10_000 for n in range(1, 6)}, "test_batch.bin": 10_000, "batches.meta.txt": 0}, 1,
    ),
    "cifar100": Cifar(
        "cifar-100-binary.tar.gz", "cifar-100-binary",
        {"train.bin": 50_000, "test.bin": 10_000, "fine_label_names.txt": 0}, 2,
    ),
}  # fmt: skip

# Yosinski et al. 2014 (section 4.2) call the classes of ImageNet under WordNet's *organism* natural, those under
# *artifact* man-made, and placed 68 by hand; ``splits.NATURAL`` has their natural half by index. A wnid is a place in
# WordNet 3.0's list of nouns, which goes by kind: animals, artifacts, people, plants. What lies between, food and land
# above all, is listed.
ORGANISMS = (("01440764", "02655020"), ("09835506", "10565667"), ("11879895", "13133613"))
ARTIFACTS = ("02666196", "04613696")
NATURAL_TOO = """
07714571 07714990 07715103 07716358 07716906 07717410 07717556 07718472 07718747 07720875 07730033 07734744 07742313
07745940 07747607 07749582 07753113 07753275 07753592 07754684 07760859 07768694 07802026 09193705 09246464 09256479
09288635 09332890 09399592 09421951 09428293 09468604 09472597
"""
MANMADE_TOO = """
06359193 06596364 06785654 06794110 06874185 07248320 07565083 07579787 07583066 07584110 07590611 07613480 07614500
07615774 07684084 07693725 07695742 07697313 07697537 07711569 07831146 07836838 07860988 07871810 07873807 07875152
07880968 07892512 07920052 07930864 07932039 09229709 15075141
"""
# CIFAR has no wnids; by the same rule these are made, and animals, plants, fruit, people and landscapes are not.
MANMADE_CIFAR = """
airplane automobile ship truck
bottle bowl can cup plate clock keyboard lamp telephone television bed chair couch table wardrobe bridge castle house
road skyscraper bicycle bus motorcycle pickup_truck train lawn_mower rocket streetcar tank tractor
"""


def read_public(name: str, root: Path | str, *, size: int, progress: bool = False) -> tuple[Images, Images]:
    """The training and test images of "tiny-imagenet", "cifar10" or "cifar100" in ``root`` or in its folder there.

    Tiny ImageNet's test images are its validation images; its classes are called "goldfish (n01443537)" and stand in
    the order of their wnids. Both parts are normalised by train's mean and deviation. Raises InputError that names
    what is missing.
    """
    if name == "tiny-imagenet":
        train, test = _tiny_imagenet(_folder(root, TINY, "wnids.txt"), size, progress)
    elif name in CIFAR:
        train, test = _cifar(name, _folder(root, CIFAR[name].folder, [*CIFAR[name].files][-1]), size, progress)
    else:
        raise unknown("public set of images", name, ("tiny-imagenet", *CIFAR))
    train = train.measured()
    return train, test.normalised_like(train)


def halves_of(name: str, images: Images) -> dict[str, Halves]:
    """The halves of classes that mean something: "natural-manmade" of CIFAR and of classes named by wnids, else {}."""
    known = MANMADE_CIFAR.split()
    made = [each in known if name in CIFAR else _manmade(each) for each in images.classes]
    if set(made) != {False, True}:
        return {}
    return {"natural-manmade": complementary(len(made), [place for place, each in enumerate(made) if not each])}


def _manmade(name: str) -> bool | None:
    """Whether a class with a wnid in its name is man-made; None if that is not known."""
    found = re.search(WNID, name)
    if not found:
        return None
    number = found[0][1:]
    if number in NATURAL_TOO or any(first <= number <= last for first, last in ORGANISMS):
        return False
    return True if number in MANMADE_TOO or ARTIFACTS[0] <= number <= ARTIFACTS[1] else None


def _folder(root: Path | str, name: str, sign: str) -> Path:
    """The folder ``name`` in ``root``, or ``root`` itself if it is that folder."""
    root = Path(root).expanduser()
    return root if (root / sign).exists() or not (root / name).is_dir() else root / name


def _wrong(folder: Path, what: str, mend: str) -> InputError:
    return InputError(f"{printable(folder)} does not hold the set as published: {what}. {mend}")


def _tiny_imagenet(folder: Path, size: int, progress: bool) -> tuple[Images, Images]:
    def wrong(what: str) -> InputError:
        return _wrong(folder, what, f"Unpack {TINY}.zip anew and name its folder.")

    def lines(file: str) -> list[str]:
        try:
            return [line.strip() for line in (folder / file).read_text(encoding="utf-8").splitlines() if line.strip()]
        except (OSError, UnicodeDecodeError):
            raise wrong(f"{file} is missing, or is no text") from None

    def files(place: str) -> list[str]:
        inside = (folder / place).iterdir() if (folder / place).is_dir() else []
        found = sorted(each.name for each in inside if each.name[0] != "." and each.suffix.lower() in ENDINGS)
        if not found:
            raise wrong(f"{place} has no images")
        return found

    wnids, rows = sorted(lines("wnids.txt")), [line.split("\t") for line in lines("val/val_annotations.txt")]
    words = dict(line.split("\t", 1) for line in lines("words.txt") if "\t" in line)
    number = {wnid: label for label, wnid in enumerate(wnids)}
    if odd := [wnid for wnid in wnids if not re.fullmatch(WNID, wnid) or wnids.count(wnid) > 1]:
        raise wrong(f"wnids.txt names {odd[0]!r}, which is no wnid or stands there twice")
    if odd := [row for row in rows if len(row) < 2 or row[1] not in number]:
        raise wrong(f"{len(odd)} lines of val/val_annotations.txt name no class of wnids.txt, such as {odd[0]}")
    named = Counter(row[0] for row in rows)
    if odd := sorted(set(named) ^ set(files("val/images"))) or [file for file, times in named.items() if times > 1]:
        raise wrong(f"{len(odd)} images are not both in val/images and once in its annotations, such as {odd[0]}")
    if odd := sorted(set(wnids) - {row[1] for row in rows}):
        raise wrong(f"{len(odd)} classes have no validation images, such as {odd[0]}")
    learnt = [
        (number[wnid], ("train", wnid, "images", file)) for wnid in wnids for file in files(f"train/{wnid}/images")
    ]
    tested = sorted((number[row[1]], ("val", "images", row[0])) for row in rows)
    both = learnt + tested
    found = decoded(folder, [path for _, path in both], size=size, progress=progress)
    if found.bad:
        position, reason = next(iter(found.bad.items()))
        raise wrong(f"{len(found.bad)} images cannot be read, such as {'/'.join(both[position][1])} ({reason})")
    names = tuple(f"{words.get(wnid, wnid).split(',')[0].strip()} ({wnid})" for wnid in wnids)
    images = Images(found.pixels, torch.tensor([label for label, _ in both]), names)
    return images.at(slice(len(learnt))), images.at(slice(len(learnt), None))


def _cifar(name: str, folder: Path, size: int, progress: bool) -> tuple[Images, Images]:
    about = CIFAR[name]
    record = about.before + 3 * CIFAR_SIDE**2
    mend = f"Unpack {about.archive} and name its folder; the python version is not read, as pickles can run programs."
    for file, count in about.files.items():
        path = folder / file
        if not path.is_file():
            raise _wrong(folder, f"{file} is missing", mend)
        if count and path.stat().st_size != count * record:
            raise _wrong(folder, f"{file} has {path.stat().st_size} bytes instead of {count * record}", mend)
    *batches, names = (folder / file for file in about.files)
    classes = tuple(names.read_text(encoding="utf-8").split())
    records = np.concatenate([np.fromfile(file, np.uint8).reshape(-1, record) for file in batches])
    labels = torch.from_numpy(records[:, about.before - 1].astype(np.int64))
    if int(labels.max()) >= len(classes):
        raise _wrong(folder, f"label {int(labels.max())} is not among the {len(classes)} names of {names.name}", mend)
    pixels = np.ascontiguousarray(records[:, about.before :]).reshape(-1, 3, CIFAR_SIDE, CIFAR_SIDE)

    def make(position: int) -> Unscaled:
        return Unscaled(np.array(resized(Image.fromarray(pixels[position].transpose(1, 2, 0)), size)))

    if size == CIFAR_SIDE:
        found = torch.from_numpy(pixels)
    else:
        found = keep([*map(sha256_of, batches)], len(pixels), make, size=size, progress=progress).pixels
    images, cut = Images(found, labels, classes), len(labels) - [*about.files.values()][-2]
    return images.at(slice(cut)), images.at(slice(cut, None))
