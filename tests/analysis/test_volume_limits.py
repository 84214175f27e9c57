import math

import numpy as np
import pytest
from made_volume import ALL, volume_table

from fctransfer_utils.analysis import volume_limits as limits
from fctransfer_utils.analysis.volume import volume_rows
from fctransfer_utils.errors import InputError


def rows_of(**options):
    return volume_rows(volume_table(**options), all_images=ALL)


def test_the_gap_takes_each_kind_at_its_best_cut():
    gap = limits.gap_by_images(rows_of(noise=0), "freeze", "fine-tune")
    assert gap["mean"].tolist() == pytest.approx([7, 2, -3, -7])
    assert gap["n"].tolist() == [5, 5, 5, 3]
    gain = limits.gap_by_images(rows_of(noise=0), limits.COPIED, "scratch")
    assert gain["mean"].tolist() == pytest.approx([31, 19, 10, 3])


def test_freezing_stops_paying_where_the_lines_cross():
    found = limits.where_freezing_stops(rows_of(noise=0))
    assert found.images == pytest.approx(2**2.8)
    assert "k = 7.0" in str(found)


def test_transfer_stops_paying_where_scratch_comes_within_the_margin():
    rows = rows_of(noise=0)
    assert limits.where_transfer_stops(rows, margin=5).images == pytest.approx(2 ** (4 + 10 / 7))
    beyond = limits.where_transfer_stops(rows)
    assert beyond.images == limits.BEYOND
    assert "k > 64 (beyond the data)" in str(beyond)


def test_what_never_pays_is_below_the_data():
    found = limits.where_freezing_stops(rows_of(noise=0), margin=8)
    assert found.images == limits.BELOW
    assert "k < 1 (below the data)" in str(found)


def test_seeds_bound_the_crossing_and_one_seed_does_not():
    found = limits.where_freezing_stops(rows_of(noise=0.5, seeds=5))
    assert found.has_interval
    assert found.low < found.images < found.high
    assert 4 < found.low < 2**2.8 < found.high < 16
    single = limits.where_freezing_stops(rows_of(seeds=1))
    assert not single.has_interval
    assert "one split and seed only" in str(single)


def test_noisier_seeds_bound_it_less():
    width = [
        math.log(found.high / found.low)
        for found in (limits.where_freezing_stops(rows_of(noise=noise, seeds=5)) for noise in (0.2, 1.0))
    ]
    assert width[0] < width[1]


@pytest.mark.parametrize(
    ("values", "crossing"),
    [
        ([3, 1, -1], 10**1.5),
        ([-1, -2, -3], limits.BELOW),
        ([1, 2, 3], limits.BEYOND),
        ([-1, 1, -1], 10**1.5),
        ([1, -1, 1], limits.BEYOND),
        ([1, 0, -1], 10),
    ],
)
def test_the_last_crossing_counts(values, crossing):
    assert limits.last_above(np.array([1.0, 10, 100]), np.array(values, dtype=float)) == pytest.approx(crossing)


def test_the_multiplier_is_the_images_that_scratch_needs_for_the_same_accuracy():
    found = limits.data_multiplier(rows_of(noise=0)).set_index(["kind", "images_per_class"])
    few = found.loc[("freeze", 1)]
    assert few["multiplier"] == pytest.approx(2**3.1)
    assert few["scratch_images"] == pytest.approx(2**3.1)
    assert (few["bound"], few["count"], few["n"]) == ("", 3, 5)
    assert few["low"] <= few["multiplier"] * 1.0001
    assert found.loc[("freeze", ALL), "multiplier"] == pytest.approx(2**-0.4)


def test_beyond_the_reach_of_scratch_the_multiplier_is_a_lower_bound_without_interval():
    top = limits.data_multiplier(rows_of(noise=0)).set_index(["kind", "images_per_class"]).loc[("fine-tune", ALL)]
    assert (top["multiplier"], top["bound"]) == (pytest.approx(1), "at least")
    assert math.isnan(top["low"])


def test_below_the_reach_of_scratch_it_is_an_upper_bound():
    rows = rows_of(noise=0)
    worse = rows.assign(top1=rows["top1"].where(rows["kind"] != "freeze", 0.01))
    found = limits.data_multiplier(worse).set_index(["kind", "images_per_class"]).loc["freeze"]
    assert set(found["bound"]) == {"at most"}
    assert found.loc[4, "multiplier"] == pytest.approx(1 / 4)


def test_units_that_disagree_on_the_bound_determine_nothing():
    rows = rows_of(noise=0, seeds=2)
    here = (rows["kind"] == "freeze") & (rows["images_per_class"] == 4)
    rows.loc[here & (rows["seed"] == 0), "top1"] = 0.999
    rows.loc[here & (rows["seed"] == 1), "top1"] = 0.001
    found = limits.data_multiplier(rows).set_index(["kind", "images_per_class"]).loc[("freeze", 4)]
    assert found["bound"] == "not determined"
    assert math.isnan(found["multiplier"])


def test_one_seed_has_a_multiplier_without_interval():
    found = limits.data_multiplier(rows_of(seeds=1, targets=("A", "B")))
    assert found["low"].isna().all()
    assert found["multiplier"].notna().all()


def test_what_is_absent_is_named():
    table = volume_table()
    only = volume_rows(table[table["treatment"] == "base"], all_images=ALL)
    with pytest.raises(InputError, match="freeze or fine-tune - scratch cannot be compared"):
        limits.where_transfer_stops(only)
    with pytest.raises(InputError, match="AnB\\) is absent"):
        limits.data_multiplier(only)
    with pytest.raises(InputError, match="unknown kind of training 'frozen'"):
        limits.gap_by_images(rows_of(), "frozen", "scratch")
