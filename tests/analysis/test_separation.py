"""Spread of features: extremes, invariances, and agreement with the definitions written out."""

import numpy as np
import pytest

from fctransfer_utils.analysis.separation import (
    class_separation,
    effective_rank,
    scatter_ratio,
    separation,
    within_share,
)
from fctransfer_utils.errors import InputError

RNG = np.random.default_rng(0)
LABELS = np.repeat([0, 1, 2], [5, 9, 4])
FEATURES = RNG.normal(size=(18, 6)) + 2 * np.eye(3, 6)[LABELS]
APART = np.eye(3)[LABELS]
ALIKE = np.tile(RNG.normal(size=(6, 4)), (2, 1))


def test_classes_that_are_directions_of_their_own_are_wholly_separated():
    assert class_separation(APART, LABELS) == pytest.approx(1)
    assert within_share(APART, LABELS) == pytest.approx(0)
    assert scatter_ratio(APART, LABELS) > 1e9


def test_two_classes_with_the_same_images_are_not_separated():
    labels = np.repeat([0, 1], 6)
    assert class_separation(ALIKE, labels) == pytest.approx(0, abs=1e-12)
    assert within_share(ALIKE, labels) == pytest.approx(1)
    assert scatter_ratio(ALIKE, labels) == pytest.approx(0, abs=1e-12)


def test_class_separation_is_that_of_kornblith_et_al_written_out():
    unit = FEATURES / np.linalg.norm(FEATURES, axis=1, keepdims=True)
    distance = 1 - unit @ unit.T
    classes = [np.flatnonzero(c == LABELS) for c in range(3)]
    within = np.mean([distance[np.ix_(c, c)].mean() for c in classes])
    overall = np.mean([[distance[np.ix_(c, d)].mean() for c in classes] for d in classes])
    assert class_separation(FEATURES, LABELS) == pytest.approx(1 - within / overall)


def test_scatter_by_hand():
    features, labels = np.array([[0.0], [2.0], [10.0], [12.0]]), [0, 0, 1, 1]
    assert scatter_ratio(features, labels) == pytest.approx(25 / 1)
    assert within_share(features, labels) == pytest.approx(1 / 26)


def test_neither_scale_nor_rotation_nor_names_of_classes_matter():
    turned = 3 * FEATURES @ np.linalg.qr(RNG.normal(size=(6, 6)))[0]
    assert separation(turned, 7 - LABELS) == pytest.approx(separation(FEATURES, LABELS))
    shifted = separation(FEATURES + 5, LABELS)
    for name in ("scatter_ratio", "within", "effective_rank"):
        assert shifted[name] == pytest.approx(separation(FEATURES, LABELS)[name])


def test_effective_rank_counts_directions():
    square = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]], dtype=float)
    assert effective_rank(square) == pytest.approx(2)
    assert effective_rank(square * [1, 0]) == pytest.approx(1)
    assert effective_rank(np.pad(square, ((0, 0), (0, 9)))) == pytest.approx(2)
    assert effective_rank(square * 1e-20) == pytest.approx(2)
    sizes = np.array([3, 1]) / 4
    assert effective_rank(square * [3, 1]) == pytest.approx(np.exp(-(sizes * np.log(sizes)).sum()))


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        (FEATURES, LABELS[:-1], "do not fit"),
        (FEATURES[0], LABELS, "do not fit"),
        (FEATURES, 0 * LABELS, "one class"),
        (FEATURES * np.nan, LABELS, "not finite"),
        (np.ones((18, 2)), LABELS, "point the same way"),
    ],
)
def test_what_has_no_spread_is_refused(features, labels, message):
    with pytest.raises(InputError, match=message):
        separation(features, labels)


@pytest.mark.parametrize("measure", [within_share, scatter_ratio, lambda features, labels: effective_rank(features)])
def test_features_that_are_all_the_same_are_refused(measure):
    with pytest.raises(InputError, match="the same for every image"):
        measure(np.ones((18, 2)), LABELS)


def test_a_rank_needs_two_finite_images():
    with pytest.raises(InputError, match="at least 2 images"):
        effective_rank(np.ones((1, 4)))
    with pytest.raises(InputError, match="not finite"):
        effective_rank(np.full((3, 2), np.inf))
