"""Concentration: its extremes, what does not change it, and values by hand."""

import numpy as np
import pytest

from fctransfer_utils.analysis.concentration import concentration, gini, spatial_entropy, top_mass
from fctransfer_utils.errors import InputError

FLAT = np.ones((1, 8, 8))
POINT = np.zeros((1, 8, 8))
POINT[0, 3, 5] = 2.0


def test_a_flat_map_and_a_single_place_are_the_extremes():
    assert (spatial_entropy(FLAT)[0], gini(FLAT)[0], top_mass(FLAT)[0]) == pytest.approx((1, 0, 0.1))
    assert (spatial_entropy(POINT)[0], gini(POINT)[0], top_mass(POINT)[0]) == pytest.approx((0, 1 - 1 / 64, 1))


def test_half_of_the_places():
    heat = np.zeros((1, 4, 4))
    heat[0, :2] = 1.0
    assert spatial_entropy(heat)[0] == pytest.approx(np.log(8) / np.log(16))
    assert gini(heat)[0] == pytest.approx(0.5)
    assert top_mass(heat)[0] == pytest.approx(1.6 / 8)
    assert top_mass(heat, 0.5)[0] == pytest.approx(1)


def test_gini_is_the_mean_difference_of_two_places():
    values = np.random.default_rng(0).random((1, 5, 5))
    flat = values.ravel()
    differences = np.abs(flat[:, None] - flat[None]).mean()
    assert gini(values)[0] == pytest.approx(differences / (2 * flat.mean()))


@pytest.mark.parametrize("measure", [spatial_entropy, gini, top_mass])
def test_neither_scale_nor_place_matters(measure):
    rng = np.random.default_rng(1)
    heat = rng.random((4, 8, 8)) ** 3
    moved = rng.permuted(heat.reshape(4, -1), axis=1).reshape(4, 8, 8)
    assert measure(heat * 1e-30) == pytest.approx(measure(heat))
    assert measure(moved) == pytest.approx(measure(heat))


def test_a_sharper_map_is_more_concentrated_by_all_three():
    heat = np.random.default_rng(2).random((20, 8, 8))
    assert (spatial_entropy(heat**4) < spatial_entropy(heat)).all()
    assert (gini(heat**4) > gini(heat)).all()
    assert (top_mass(heat**4) > top_mass(heat)).all()


def test_means_leave_out_maps_of_zeros():
    both = np.concatenate([POINT, FLAT, np.zeros((1, 8, 8))])
    assert concentration(both) == pytest.approx({"entropy": 0.5, "gini": (1 - 1 / 64) / 2, "top10": 0.55})
    assert np.isnan(spatial_entropy(both)[2])
    assert np.isnan(list(concentration(np.zeros((2, 8, 8))).values())).all()


@pytest.mark.parametrize(
    ("heat", "message"),
    [
        (np.ones((8, 8)), "heat maps of shape"),
        (np.ones((3, 1, 1)), "no places to compare"),
        (-FLAT, "negative or not finite"),
        (FLAT * np.inf, "negative or not finite"),
    ],
)
def test_what_has_no_distribution_is_refused(heat, message):
    with pytest.raises(InputError, match=message):
        concentration(heat)


def test_a_share_of_nothing_is_refused():
    with pytest.raises(InputError, match="share 0 is outside"):
        top_mass(FLAT, 0)
