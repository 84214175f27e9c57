from __future__ import annotations

import numpy as np
import pytest
import torch

from fctransfer_utils.data.image_set import ImageSet, Labelled, build
from fctransfer_utils.errors import InputError


def labelled(labels: list[int], start: int = 0) -> Labelled:
    values = torch.arange(start, start + len(labels), dtype=torch.uint8)
    return Labelled(values[:, None, None, None].expand(-1, 3, 32, 32).contiguous(), torch.tensor(labels))


@pytest.fixture
def images() -> ImageSet:
    """Image i is filled with the value i; class 2 has no test images."""
    return build(
        "made",
        train=labelled([0, 1, 2] * 8),
        test=labelled([0, 1, 0, 1], start=100),
        class_ids=("a", "b", "c"),
        class_names=("ay", "bee", "see"),
        flip=True,
    )


def values(part: Labelled) -> list[int]:
    return part.images[:, 0, 0, 0].tolist()


def test_selected_classes_are_renumbered_in_the_order_asked(images: ImageSet) -> None:
    part = images.select([2, 0])
    assert part.labels.tolist() == [0] * 8 + [1] * 8
    assert values(part) == [*range(2, 24, 3), *range(0, 24, 3)]
    assert images.select([1, 0], part="test").labels.tolist() == [0, 0, 1, 1]


def test_the_draw_of_two_images_per_class_is_part_of_the_draw_of_five(images: ImageSet) -> None:
    few, many = (set(values(images.select([0, 1], per_class=count, seed=3))) for count in (2, 5))
    assert (len(few), len(many)) == (4, 10)
    assert few < many


def test_the_draw_depends_on_the_seed_and_the_class_only(images: ImageSet) -> None:
    alone = values(images.select([1], per_class=3, seed=0))
    assert alone == values(images.select([2, 1], per_class=3, seed=0))[3:]
    assert any(alone != values(images.select([1], per_class=3, seed=seed)) for seed in range(1, 5))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"classes": []}, "no class selected"),
        ({"classes": [0, 3]}, r"class 3 does not exist.*3 classes, numbered 0\.\.2"),
        ({"classes": [-1]}, "class -1 does not exist"),
        ({"classes": [0, 0]}, "class 0 is selected twice"),
        ({"classes": [2], "part": "test"}, r"class 2 \(see\).*has no test images"),
        ({"classes": [0], "per_class": 9}, "9 train images per class asked.*has 8"),
        ({"classes": [0], "per_class": -1}, "per_class -1 is negative"),
        ({"classes": [0], "part": "tst"}, "unknown part 'tst'.*Did you mean 'test'"),
    ],
)
def test_a_selection_that_cannot_be_made_is_refused(images: ImageSet, arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        images.select(**arguments)


def test_mean_and_deviation_are_those_of_the_training_pixels() -> None:
    pixels = torch.from_numpy(np.random.Generator(np.random.PCG64(0)).integers(0, 256, (50, 3, 32, 32), dtype=np.uint8))
    images = build(
        "made",
        train=Labelled(pixels, torch.zeros(50, dtype=torch.int64)),
        test=labelled([0]),
        class_ids=("a",),
        class_names=("a",),
        flip=False,
    )
    scaled = pixels.double() / 255
    assert images.mean == pytest.approx(scaled.mean((0, 2, 3)).tolist(), abs=1e-12)
    assert images.std == pytest.approx(scaled.std((0, 2, 3), correction=0).tolist(), abs=1e-12)


def test_the_fingerprint_changes_with_a_pixel_a_label_and_a_name(images: ImageSet) -> None:
    def made(**changes):
        parts = {"train": labelled([0, 1, 2] * 8), "test": labelled([0, 1, 0, 1], start=100), "class_ids": "abc"}
        return build("made", class_names="abc", flip=True, **(parts | changes)).fingerprint

    assert made() == images.fingerprint
    pixel = labelled([0, 1, 2] * 8)
    pixel.images[5, 1, 7, 7] += 1
    others = {made(train=pixel), made(test=labelled([0, 1, 1, 1], start=100)), made(class_ids="abd")}
    assert len(others | {images.fingerprint}) == 4


def test_few_labels_are_nested_and_apart_from_the_images_that_judge(images: ImageSet) -> None:
    parts = {count: images.few([0, 2], labels=count, validation=3, seed=1) for count in (2, 5, 0)}
    learnt = {count: set(values(learn)) for count, (learn, _) in parts.items()}
    judging = {count: values(judge) for count, (_, judge) in parts.items()}
    assert [len(learnt[count]) for count in (2, 5, 0)] == [4, 10, 10]
    assert learnt[2] < learnt[5] == learnt[0]
    assert judging[2] == judging[5] == judging[0]
    assert len(judging[2]) == 6
    assert not learnt[0] & set(judging[0])
    assert parts[2][0].labels.tolist() == [0, 0, 1, 1]
    assert parts[2][1].labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_class_with_too_few_labels_is_named_with_what_it_has(images: ImageSet) -> None:
    with pytest.raises(InputError, match=r"6 labels per class and 3 images.*class 0 \(ay\).*has 8.*at most 5 labels"):
        images.few([0, 1], labels=6, validation=3)
    with pytest.raises(InputError, match="some labels per class and 8 images"):
        images.few([1], labels=0, validation=8)
