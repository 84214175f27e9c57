"""Nearest neighbours by angle, and the table that a picture board is drawn from."""

import numpy as np
import pytest

from fctransfer_utils.analysis.neighbours import layer_report, nearest, neighbour_table, spread_queries
from fctransfer_utils.errors import InputError

GALLERY = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0], [-1.0, 0.0]])


def test_the_smallest_angle_comes_first_whatever_the_length():
    order, likeness = nearest(np.array([[10.0, 1.0]]), GALLERY, count=3)
    assert order.tolist() == [[0, 2, 1]]
    assert (np.diff(likeness) < 0).all()
    assert likeness[0, 0] == pytest.approx(10 / np.sqrt(101))


def test_an_image_is_its_own_nearest_neighbour():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(20, 6))
    order, likeness = nearest(features, features, count=1)
    assert order.ravel().tolist() == list(range(20))
    assert likeness == pytest.approx(1)


def test_a_feature_of_zeros_is_like_nothing_and_breaks_nothing():
    order, likeness = nearest(np.zeros((1, 2)), GALLERY, count=2)
    assert order.tolist() == [[0, 1]]
    assert not likeness.any()


def test_the_table_has_a_row_per_layer_query_and_rank():
    queries = np.array([[1.0, 0.1], [0.1, 1.0]])
    table = neighbour_table(
        {"fc6": (queries, GALLERY), "fc7": (queries[:, ::-1], GALLERY)},
        labels=np.array([7, 8]), gallery_labels=np.array([7, 8, 8, 9]), count=2,
    )  # fmt: skip
    assert len(table) == 8
    first = table[(table["layer"] == "fc6") & (table["query"] == 0)]
    assert first["neighbour"].tolist() == [0, 2]
    assert first["same"].tolist() == [True, False]
    assert table[(table["layer"] == "fc7") & (table["query"] == 0)]["neighbour"].tolist() == [1, 2]


def test_a_layer_that_gathers_classes_is_told_from_one_that_does_not():
    rng = np.random.default_rng(1)
    labels, known = np.repeat(np.arange(4), 10), np.repeat(np.arange(4), 15)
    gathered = [4 * np.eye(4)[which] + rng.normal(size=(len(which), 4)) * 0.3 for which in (labels, known)]
    noise = [rng.normal(size=(len(which), 4)) for which in (labels, known)]
    report = layer_report(
        {"fc7": gathered[1], "conv1": noise[1]}, {"fc7": gathered[0], "conv1": noise[0]},
        labels=labels, gallery_labels=known,
    ).set_index("layer")  # fmt: skip
    assert report.loc["fc7", "probe"] == report.loc["fc7", "neighbours"] == 1
    assert report.loc["conv1", "probe"] < 0.6
    assert report.loc["conv1", "neighbours"] < 0.6
    assert report.loc["fc7", ["features", "images", "chance"]].tolist() == [4, 40, 0.25]


def test_queries_are_spread_over_the_classes_and_are_their_first_images():
    assert spread_queries(np.repeat(np.arange(8), 3), count=4) == [0, 6, 12, 18]
    with pytest.raises(InputError, match="5 queries of 4 classes"):
        spread_queries(np.arange(4), count=5)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: nearest(np.ones((1, 3)), GALLERY), "3 features and the gallery 2"),
        (lambda: nearest(np.ones((1, 2)), GALLERY, count=5), "5 neighbours of 4"),
        (lambda: nearest(np.full((1, 2), np.nan), GALLERY, count=1), "not finite"),
        (lambda: neighbour_table({"fc6": (np.ones((1, 2)), GALLERY)}, labels=np.ones(2), gallery_labels=np.ones(4)),
         "fc6 has 1 queries"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()
