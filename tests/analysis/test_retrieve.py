"""Retrieval: what a descriptor holds, and what mAP says about answers that are known."""

import numpy as np
import pytest

from fctransfer_utils.analysis.retrieve import descriptors, mean_average_precision
from fctransfer_utils.errors import InputError


def at(*degrees):
    """Vectors of length 1 at these angles (N, 2)."""
    angles = np.deg2rad(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_descriptors_pool_the_kept_places_only():
    maps = np.zeros((1, 2, 4, 4))
    maps[0, :, 0, 0], maps[0, :, 0, 1], maps[0, :, 3, 3] = (6, 0), (0, 8), (100, 100)
    masks = np.zeros((1, 4, 4), dtype=bool)
    masks[0, 0, :2] = True
    assert descriptors(maps, masks, pooling="avg")[0] == pytest.approx([0.6, 0.8])
    assert descriptors(maps, masks)[0] == pytest.approx([0.6, 0.8, 0.6, 0.8])
    masks[0, 3, 3] = True
    assert descriptors(maps, masks)[0, 2:] == pytest.approx([2**-0.5, 2**-0.5])  # the strongest place decides


def test_each_part_has_length_one_whatever_the_scale():
    maps = np.random.default_rng(0).random((5, 3, 4, 4))
    masks = np.ones((5, 4, 4), dtype=bool)
    found = descriptors(maps, masks)
    assert np.linalg.norm(found[:, :3], axis=1) == pytest.approx(np.ones(5))
    assert np.linalg.norm(found[:, 3:], axis=1) == pytest.approx(np.ones(5))
    assert descriptors(7 * maps, masks) == pytest.approx(found)
    assert not descriptors(0 * maps, masks).any()


def test_classes_that_lie_apart_are_found_perfectly():
    assert mean_average_precision(at(0, 5, 9, 90, 95, 99), [0, 0, 0, 1, 1, 1]) == {1: 1.0, 5: 1.0}


def test_average_precision_by_hand():
    vectors, labels = at(0, 10, 25, 45), [0, 1, 0, 1]
    found = mean_average_precision(vectors, labels, ranks=(1, 2, 5))
    # answers to 0: 10 25 45 (class 1 0 1); to 10: 0 25 45 (0 0 1); to 25: 10 45 0 (1 1 0); to 45: 25 10 0 (0 1 0)
    assert found[1] == 0
    # one other image of each class, so AP = 1 / its rank where that is among the first k
    assert found[2] == pytest.approx((1 / 2 + 0 + 0 + 1 / 2) / 4)
    assert found[5] == pytest.approx((1 / 2 + 1 / 3 + 1 / 3 + 1 / 2) / 4)


def test_five_answers_of_which_the_first_and_third_are_right():
    # the query at 0 has three others of its class; 2 of the first 5 answers are right, at ranks 1 and 3
    vectors, labels = at(0, 1, 2.1, 3.3, 4.6, 6, 120, 121.7), np.array([0, 0, 1, 0, 1, 1, 0, 1])
    expected = (1 / 1 + 2 / 3) / 3
    alone = [mean_average_precision(vectors, labels, ranks=(5,))[5]]
    likeness = vectors @ vectors.T
    np.fill_diagonal(likeness, -2)
    by_hand = []
    for query in range(8):
        right = labels[np.argsort(-likeness[query])[:5]] == labels[query]
        hits = [right[: i + 1].sum() / (i + 1) for i in range(5) if right[i]]
        by_hand.append(sum(hits) / min(5, (labels == labels[query]).sum() - 1))
    assert by_hand[0] == pytest.approx(expected)
    assert alone == pytest.approx([np.mean(by_hand)])


def test_neither_scale_nor_rotation_nor_order_changes_it():
    rng = np.random.default_rng(3)
    vectors, labels = rng.normal(size=(60, 4)), rng.integers(0, 3, 60)
    turned = vectors @ np.linalg.qr(rng.normal(size=(4, 4)))[0] * rng.uniform(1, 9, (60, 1))
    order = rng.permutation(60)
    found = mean_average_precision(vectors, labels)
    assert mean_average_precision(turned, labels) == pytest.approx(found)
    assert mean_average_precision(vectors[order], labels[order]) == pytest.approx(found)


def test_vectors_without_meaning_find_their_class_as_often_as_chance():
    rng = np.random.default_rng(4)
    found = mean_average_precision(rng.normal(size=(1200, 8)), np.arange(1200) % 4)
    assert found[1] == pytest.approx(0.25, abs=0.04)


def test_more_queries_than_a_block_are_answered_as_one_by_one():
    rng = np.random.default_rng(5)
    vectors, labels = rng.normal(size=(600, 5)), rng.integers(0, 6, 600)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    nearest = [max((j for j in range(600) if j != i), key=lambda j, i=i: unit[i] @ unit[j]) for i in range(600)]
    assert mean_average_precision(vectors, labels, ranks=(1,))[1] == pytest.approx((labels[nearest] == labels).mean())


@pytest.mark.parametrize(
    ("vectors", "labels", "ranks", "message"),
    [
        (at(0, 1, 2), [1, 1, 1], (1,), "all images are of one class"),
        (at(0, 1, 2), [0, 0, 4], (1,), "class 4 has a single image"),
        (at(0, 1, 2), [0, 0], (1,), "do not fit"),
        (at(0, 1, 2, 3), [0, 0, 1, 1], (0,), "rank 0 is below 1"),
        (at(0, 1, 2, 3) * np.nan, [0, 0, 1, 1], (1,), "not finite"),
    ],
)
def test_what_cannot_be_asked_is_refused(vectors, labels, ranks, message):
    with pytest.raises(InputError, match=message):
        mean_average_precision(vectors, labels, ranks=ranks)


def test_poolings_and_masks_that_do_not_fit_are_refused():
    maps, masks = np.ones((2, 3, 4, 4)), np.ones((2, 4, 4), dtype=bool)
    with pytest.raises(InputError, match="unknown pooling 'max'"):
        descriptors(maps, masks, pooling="max")
    with pytest.raises(InputError, match="do not fit"):
        descriptors(maps, masks[:1])
    with pytest.raises(InputError, match="keeps no place"):
        descriptors(maps, ~masks)
