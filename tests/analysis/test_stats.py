"""Textbook values of the intervals and tests, and what has no interval."""

import math

import numpy as np
import pytest

from fctransfer_utils.analysis import stats
from fctransfer_utils.errors import InputError


def test_interval_of_students_sleep_data():
    """Student (1908): additional hours of sleep of ten patients with two drugs; R's t.test prints this."""
    hours = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
    found = stats.t_interval(hours)
    assert found.count == 10
    assert found[:3] == pytest.approx((1.58, 0.7001142, 2.4598858), abs=1e-7)
    assert stats.difference_from(hours, 0) == pytest.approx(0.002833, abs=1e-6)


@pytest.mark.parametrize("values", [[], [3.0], [1, 1], [0.1 + 0.2, 0.3]])
def test_values_that_do_not_vary_have_no_interval(values):
    found = stats.t_interval(values)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert found.count == len(values)
    assert math.isnan(stats.difference_from(values, 5)) or not values
    assert math.isnan(stats.tost(values, 1))


def test_a_network_that_diverged_is_not_averaged_silently():
    with pytest.raises(InputError, match="nan"):
        stats.t_interval([0.5, math.nan])


def test_corrected_interval_of_repeated_splits():
    """Nadeau and Bengio (2003): 10 splits that test on a tenth widen the interval by sqrt(1 + 10 / 9)."""
    accuracies = np.linspace(0.80, 0.89, 10)
    plain, corrected = stats.t_interval(accuracies), stats.nadeau_bengio(accuracies, 0.1)
    assert corrected.mean == plain.mean
    ratio = (corrected.high - corrected.low) / (plain.high - plain.low)
    assert ratio == pytest.approx(math.sqrt(1 + 10 / 9))
    with pytest.raises(InputError):
        stats.nadeau_bengio(accuracies, 10)


def test_equivalence_is_that_the_interval_of_90_percent_lies_within():
    values = np.array([0.3, -0.4, 0.1, 0.6, -0.2])
    low, high = stats.t_interval(values, 0.9)[1:3]
    edge = max(-low, high)
    assert stats.tost(values, edge * 1.001) < 0.05 < stats.tost(values, edge * 0.999)


def test_holm_steps_down_and_leaves_out_what_was_not_tested():
    """Holm (1979): p = 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1, and never smaller than the one before."""
    assert stats.holm([0.04, 0.01, math.nan, 0.03, 0.02]) == pytest.approx(
        [0.06, 0.04, math.nan, 0.06, 0.06], nan_ok=True
    )
    assert np.isnan(stats.holm([math.nan])).all()
