import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fctransfer_utils.analysis.estimates import (
    Estimate,
    detectable_difference,
    holm,
    interval_texts,
    mean_interval,
    nothing,
    sign_flip_test,
)
from fctransfer_utils.errors import InputError

numbers = st.lists(st.floats(-50, 50), min_size=2, max_size=8)


def test_a_t_interval_is_the_textbook_one():
    found = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    reach = 2.776445 * math.sqrt(2.5 / 5)  # t of 4 degrees of freedom, 97.5 %
    assert found.mean == 3
    assert found.low == pytest.approx(3 - reach, abs=1e-5)
    assert found.high == pytest.approx(3 + reach, abs=1e-5)


def test_an_estimate_reads_as_a_sentence():
    assert str(Estimate(1.2, 0.3, 2.1, 5)) == "+1.2 points [0.3, 2.1], 5 pairs"
    assert str(Estimate(0.238, 0.2, 0.276, 4, unit="nats")) == "+0.24 nats [0.20, 0.28], 4 pairs"
    assert str(mean_interval([-2.04])) == "-2.0 points, 1 pair (no interval)"
    assert str(mean_interval([1.0, 1.0], of="filter")) == "+1.0 points [1.0, 1.0], 2 filters"
    assert str(mean_interval([1.0] * 1250, of="test image")).endswith("1,250 test images")
    assert str(nothing("no pair")) == "no estimate (no pair)"


def test_intervals_of_a_table_are_read_with_their_signs():
    assert interval_texts([-0.52, math.nan], [1.44, math.nan]) == ["[-0.5, +1.4]", "none"]
    assert interval_texts([0.1234], [0.5], digits=2) == ["[+0.12, +0.50]"]


def test_one_value_has_no_interval():
    found = mean_interval([1.5])
    assert found.mean == 1.5
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert not found.has_interval


@given(numbers)
@settings(max_examples=50, deadline=None)
def test_a_higher_level_gives_a_wider_interval_around_the_mean(values):
    narrow, wide = mean_interval(values, level=0.8), mean_interval(values, level=0.99)
    assert wide.low <= narrow.low <= narrow.mean <= narrow.high <= wide.high


def test_t_intervals_of_five_values_cover_the_truth_as_often_as_they_say_and_the_bootstrap_less():
    rng = np.random.default_rng(0)
    samples = rng.normal(1.0, 2.0, (400, 5))
    t = [mean_interval(sample) for sample in samples]
    covered = np.mean([e.low <= 1 <= e.high for e in t])
    assert 0.92 <= covered <= 0.98
    boot = [mean_interval(sample, method="bootstrap") for sample in samples[:60]]
    assert np.mean([e.high - e.low for e in boot]) < np.mean([e.high - e.low for e in t[:60]])


def test_the_bootstrap_repeats_itself():
    values = [0.1, 0.9, 0.4, 0.3]
    assert mean_interval(values, method="bootstrap") == mean_interval(values, method="bootstrap")


@pytest.mark.parametrize(("count", "smallest"), [(2, 0.5), (5, 0.0625), (6, 0.03125), (10, 2 / 1024)])
def test_the_sign_flip_test_is_exact(count, smallest):
    assert sign_flip_test(np.arange(1, count + 1)) == pytest.approx(smallest)


def test_the_sign_flip_test_counts_the_patterns_that_move_the_mean_as_far():
    # of the 8 patterns of +-1, +-2, +-3, |sum| >= 4 for 4: (1,2,3)=6, (-1,2,3)=4 and their negatives
    assert sign_flip_test([-1, 2, 3]) == pytest.approx(4 / 8)


def test_no_difference_gives_p_one():
    assert sign_flip_test([0.0, 0.0, 0.0]) == 1
    assert sign_flip_test([3.0]) == 1


def test_holm_multiplies_the_smallest_most_and_keeps_the_order():
    found = holm([0.04, 0.01, math.nan, 0.03])
    assert found[1] == pytest.approx(0.03)
    assert found[0] == found[3] == pytest.approx(0.06)
    assert math.isnan(found[2])


def test_a_detectable_difference_is_found_as_often_as_asked():
    shift = detectable_difference(1.5, 6, power=0.8)
    rng = np.random.default_rng(1)
    found = [mean_interval(sample) for sample in rng.normal(shift, 1.5, (1000, 6))]
    assert np.mean([e.low > 0 or e.high < 0 for e in found]) == pytest.approx(0.8, abs=0.04)
    assert detectable_difference(1.5, 20) < shift


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: mean_interval([]), "no values"),
        (lambda: mean_interval([1.0, math.nan]), "not finite"),
        (lambda: mean_interval([1, 2], level=95), "level 95"),
        (lambda: mean_interval([1, 2], method="bayes"), "allowed: t, bootstrap"),
        (lambda: detectable_difference(1.0, 1), "at least 2"),
        (lambda: detectable_difference(1.0, 5, power=2), "power 2"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call()
