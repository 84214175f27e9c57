from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from fctransfer_utils.data import DataSpec, make_split
from fctransfer_utils.data.glyphs import render
from fctransfer_utils.data.image_set import ImageSet, Labelled, build
from fctransfer_utils.data.splits import random_halves
from fctransfer_utils.data.wnids import IMAGENET_WNIDS
from fctransfer_utils.data.wordnet import ORGANISM, PLACED_NATURAL, TINY_LEFTOVERS, is_natural
from fctransfer_utils.errors import InputError

# Tiny ImageNet's classes by their indices among ImageNet's.
TINY = """
1 25 30 32 50 61 69 71 75 76 79 99 105 107 109 113 114 115 122 123 128 145 146 149 151 187 207 208 235 267 281 283 285
286 291 294 301 308 309 311 313 314 315 319 323 325 329 338 341 345 347 349 353 354 365 367 372 386 387 398 400 406
411 414 421 424 425 427 430 435 436 437 438 440 445 447 448 457 458 462 463 466 467 470 471 474 480 485 488 492 496
500 508 509 511 517 525 526 532 542 543 557 562 565 567 568 570 573 576 604 605 612 614 619 621 625 627 635 645 652
655 675 677 678 682 683 687 704 707 716 720 731 733 734 735 737 739 744 747 758 760 761 765 768 774 779 781 786 801
806 808 811 815 817 821 826 837 839 842 845 849 850 853 862 866 873 874 877 879 887 888 890 899 900 909 910 917 923
924 928 929 932 935 938 945 947 950 951 954 957 962 963 964 967 970 972 973 975 978 988
"""


def image_set(class_ids: tuple[str, ...], name: str = "made") -> ImageSet:
    part = Labelled(torch.zeros(1, 3, 32, 32, dtype=torch.uint8), torch.zeros(1, dtype=torch.int64))
    return build(name, train=part, test=part, class_ids=class_ids, class_names=class_ids, flip=True)


@pytest.mark.parametrize(
    ("seed", "first"),
    [
        (0, (0, 1, 2, 5, 9, 10, 15, 16)),
        (1, (1, 5, 7, 9, 15, 16, 17, 19)),
        (2, (0, 2, 4, 5, 8, 9, 10, 13)),
        (3, (0, 5, 6, 7, 8, 10, 12, 14)),
    ],
)
def test_random_halves_of_1000_classes_are_the_published_ones(seed: int, first: tuple[int, ...]) -> None:
    split = make_split(f"random{seed}", image_set(IMAGENET_WNIDS))
    assert split.halves["A"][:8] == first
    assert len(split.halves["A"]) == len(split.halves["B"]) == 500
    assert sorted(split.halves["A"] + split.halves["B"]) == list(range(1000))


def test_an_odd_number_of_classes_gives_the_smaller_half_to_a() -> None:
    halves = random_halves(7, seed=0)
    assert (len(halves["A"]), len(halves["B"])) == (3, 4)
    assert sorted(halves["A"] + halves["B"]) == list(range(7))


def test_the_list_of_wnids_is_imagenets() -> None:
    assert len(IMAGENET_WNIDS) == len(set(IMAGENET_WNIDS)) == 1000
    assert list(IMAGENET_WNIDS) == sorted(IMAGENET_WNIDS)
    known = {0: "n01440764", 1: "n01443537", 398: "n02666196", 999: "n15075141"}
    assert {index: IMAGENET_WNIDS[index] for index in known} == known


def test_natural_classes_of_imagenet_follow_the_published_rule() -> None:
    split = make_split("natural-manmade", image_set(IMAGENET_WNIDS))
    published = {*range(398), *range(936, 959), 970, *range(972, 999)}
    assert set(split.halves["A"]) == published
    assert (len(split.halves["A"]), len(split.halves["B"])) == (449, 551)


def test_what_is_natural_is_an_organism_or_was_placed_by_hand() -> None:
    organisms = sum(last - first + 1 for first, last in ORGANISM)
    placed = sum(last - first + 1 for first, last in PLACED_NATURAL)
    assert (organisms, organisms + placed) == (410, 449)


def tiny() -> ImageSet:
    return image_set(tuple(IMAGENET_WNIDS[int(index)] for index in TINY.split()), "tiny-imagenet")


def test_tiny_imagenet_is_split_like_imagenet() -> None:
    images = tiny()
    split = make_split("natural-manmade", images)
    assert images.classes == 200
    assert (len(split.halves["A"]), len(split.halves["B"])) == (72, 128)
    assert all(is_natural(images.class_ids[index]) for index in split.halves["A"])


def test_every_leftover_of_tiny_imagenet_stands_on_the_side_that_its_reason_gives() -> None:
    ids = set(tiny().class_ids)
    organisms = {IMAGENET_WNIDS[i] for first, last in ORGANISM for i in range(first, last + 1)}
    assert len(TINY_LEFTOVERS) == 23
    for wnid, leftover in TINY_LEFTOVERS.items():
        assert wnid in ids - organisms
        assert leftover.side == ("natural" if is_natural(wnid) else "man-made")
        assert leftover.reason


def test_every_natural_class_of_tiny_imagenet_is_an_organism_or_a_reasoned_leftover() -> None:
    organisms = {IMAGENET_WNIDS[i] for first, last in ORGANISM for i in range(first, last + 1)}
    natural = {wnid for wnid in tiny().class_ids if is_natural(wnid)}
    assert natural - organisms == {wnid for wnid, leftover in TINY_LEFTOVERS.items() if leftover.side == "natural"}


def test_glyphs_split_into_letters_and_symbols() -> None:
    images = render(DataSpec(glyph_classes=50, glyphs_per_class=1))
    split = make_split("letters-symbols", images)
    assert (len(split.halves["A"]), len(split.halves["B"])) == (25, 25)
    assert all(images.class_ids[index].isalpha() for index in split.halves["A"])
    assert not any(images.class_ids[index].isalpha() for index in split.halves["B"])


def test_the_checksum_names_the_classes_in_each_half() -> None:
    ids = tuple("abcdefgh")
    split = make_split("random0", image_set(ids))
    assert split.checksum == make_split("random0", image_set(ids, "other")).checksum
    assert len({split.checksum, make_split("random1", image_set(ids)).checksum}) == 2
    assert split.checksum != make_split("random0", image_set(tuple("abcdefgx"))).checksum


def test_published_splits_keep_their_checksums() -> None:
    found = {name: make_split(name, image_set(IMAGENET_WNIDS)).checksum for name in ("random0", "natural-manmade")}
    assert found == {"random0": "4052889052739439", "natural-manmade": "e88fb4f139387509"}


@pytest.mark.parametrize(
    ("name", "images", "message"),
    [
        ("randomx", image_set(("a", "b")), "unknown split 'randomx'; allowed: random0"),
        ("random-1", image_set(("a", "b")), "unknown split"),
        ("natural", image_set(("a", "b")), "Did you mean 'natural-manmade'"),
        ("natural-manmade", image_set(("ant", "bee")), r"'ant' of made is no wnid \(2 such\).*tiny-imagenet"),
        ("natural-manmade", image_set(("n01440764", "n99999999")), r"'n99999999' of made is no ImageNet class"),
        ("natural-manmade", image_set(IMAGENET_WNIDS[:3]), "half B of split natural-manmade of made is empty"),
        ("letters-symbols", image_set(("a", "b")), "needs the glyphs; made has no letters"),
        ("random0", image_set(("a",)), "1 class cannot be halved"),
    ],
)
def test_a_split_that_cannot_be_made_is_refused(name: str, images: ImageSet, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_split(name, images)


def test_glyphs_without_one_kind_cannot_be_split_by_kind() -> None:
    images = replace(image_set(("a", "b")), groups={"letters": (0, 1)})
    with pytest.raises(InputError, match="letters-symbols"):
        make_split("letters-symbols", images)
