"""Options beside each other: what is complete, how they rank and how far apart they are."""

import math

import numpy as np
import pandas as pd
import pytest

from fctransfer_utils.analysis.compared import Compared
from fctransfer_utils.analysis.transfer import unit_interval


def rows(*networks):
    """Networks as (split, seed, target set, option, top-1)."""
    return pd.DataFrame(networks, columns=["split", "seed", "target_set", "option", "top1"])


@pytest.fixture
def drawn():
    stream = np.random.default_rng(0)
    units = [(split, seed, name) for split in ("random0", "random1") for seed in (0, 1) for name in ("far", "near")]
    return rows(*((*unit, option, float(stream.uniform())) for unit in units for option in ("b", "a", "c")))


def test_it_is_the_pivot_table_of_its_rows(drawn):
    found = Compared.of(drawn.sample(frac=1.0, random_state=0))
    wide = drawn.pivot_table(index=["split", "seed", "target_set"], columns="option", values="top1")
    assert found.options == tuple(wide.columns)
    assert found.units == tuple(wide.index)
    assert np.array_equal(found.top1, wide.to_numpy())
    assert found.ranked == tuple(wide.mean().sort_values(ascending=False).index)
    gap = found.gap("a", "b")
    expected = unit_interval(100 * (wide["a"] - wide["b"]))
    assert (gap.mean, gap.low, gap.high) == pytest.approx((expected.mean, expected.low, expected.high))


def test_several_networks_in_one_place_count_as_their_mean():
    found = Compared.of(rows(("s", 0, "t", "a", 0.5), ("s", 0, "t", "a", 0.7), ("s", 0, "t", "b", 0.1)))
    assert found.mean("a") == pytest.approx(0.6)


def test_an_option_that_lacks_a_unit_is_left_out():
    found = Compared.of(
        rows(*(("s", seed, "t", option, 0.5) for seed in (0, 1) for option in "ab"), ("s", 0, "t", "c", 0.9))
    )
    assert not found.has("c", "d")
    whole = found.complete()
    assert whole.options == ("a", "b")
    assert len(whole.units) == 2


def test_where_that_leaves_no_comparison_the_unit_is_left_out_instead():
    found = Compared.of(rows(("s", 0, "t", "a", 0.5), ("s", 0, "t", "b", 0.6), ("s", 1, "t", "a", 0.7)))
    whole = found.complete()
    assert whole.options == ("a", "b")
    assert whole.units == (("s", 0, "t"),)
    assert whole.ranked == ("b", "a")


def test_a_gap_is_over_the_units_that_have_both_and_has_an_interval_from_two_seeds_on():
    found = Compared.of(
        rows(
            ("s", 0, "t", "a", 0.5), ("s", 0, "t", "b", 0.4), ("s", 1, "t", "a", 0.9),
            ("s", 2, "t", "a", 0.5), ("s", 2, "t", "b", 0.2),
        )
    )  # fmt: skip
    gap = found.gap("a", "b")
    assert (gap.mean, gap.count) == (pytest.approx(20.0), 2)
    assert gap.has_interval
    one = found.only([True, False, False]).gap("a", "b")
    assert (one.count, one.has_interval) == (1, False)
    two_targets = Compared.of(rows(*(("s", 0, name, option, 0.5) for name in ("far", "near") for option in "ab")))
    assert not two_targets.gap("a", "b").has_interval


def test_options_that_share_no_unit_have_nothing_in_common():
    found = Compared.of(rows(("s", 0, "t", "a", 0.5), ("s", 1, "t", "b", 0.4)))
    assert not found.has("a", "b")
    assert found.has("a")
    assert math.isnan(found.mean("a"))
