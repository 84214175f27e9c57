import math

import numpy as np
import pandas as pd
import pytest

from fctransfer_utils.analysis.estimates import detectable_difference
from fctransfer_utils.analysis.power import (
    BOOSTS,
    by_replicate,
    design_power,
    differences,
    pairs_needed,
    planning_spread,
    power_curve,
    power_of,
    power_words,
    spread_of,
)
from fctransfer_utils.errors import InputError

CUTS = (1, 3, 5, 7)


def test_the_spread_has_the_textbook_interval():
    found = spread_of([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert found.deviation == pytest.approx(math.sqrt(3.5))
    assert found.low == pytest.approx(found.deviation * math.sqrt(5 / 12.8325), rel=1e-4)
    assert found.high == pytest.approx(found.deviation * math.sqrt(5 / 0.8312), rel=1e-4)
    assert found.count == 6


def test_power_at_the_detectable_difference_is_the_power_asked_for():
    for count in (2, 6, 10):
        difference = detectable_difference(1.2, count)
        assert power_of(difference, 1.2, count) == pytest.approx(0.8, abs=1e-3)
        assert power_of(-difference, 1.2, count) == pytest.approx(power_of(difference, 1.2, count))


def test_nothing_is_seen_as_often_as_the_level_says():
    assert power_of(0.0, 1.0, 6) == pytest.approx(0.05)


def test_a_large_difference_is_always_seen():
    found = power_curve(0.5, (3, 6, 20), np.linspace(0, 10, 101))
    assert found["power"].between(0.05 - 1e-9, 1).all()
    assert power_of(10.0, 0.5, 20) == pytest.approx(1)


def test_power_is_how_often_a_simulated_study_sees_the_difference():
    from scipy import stats

    rng = np.random.default_rng(2)
    p = stats.ttest_1samp(rng.normal(1.0, 1.0, (4000, 6)), 0, axis=1).pvalue
    assert np.mean(p < 0.05) == pytest.approx(power_of(1.0, 1.0, 6), abs=0.025)


def test_as_many_pairs_as_needed_and_not_one_less():
    count = pairs_needed(0.5, 1.0)
    assert detectable_difference(1.0, count) <= 0.5 < detectable_difference(1.0, count - 1)
    assert pairs_needed(-0.5, 1.0) == count


def test_the_directions_of_a_seed_are_averaged_into_one_value(made):
    points = differences(made(seeds=3, noise=0.3), "AnB+", "BnB+", CUTS)
    found = by_replicate(points)
    assert len(points) == 6
    assert len(found) == 3
    assert found.iloc[0] == pytest.approx(points.iloc[:2].mean())


def test_differences_are_those_of_the_table(made):
    table = made(seeds=2, noise=0)
    assert np.allclose(differences(table, "AnB+", "twice", CUTS), 1)
    assert np.allclose(differences(table, "twice", "base", CUTS), 1)


def test_a_design_tells_what_it_could_have_seen_and_what_more_seeds_would(made):
    found = design_power(made(seeds=4, noise=0.5), cuts=CUTS, planned=(4, 10, 20))
    for name, rows in found.groupby("comparison"):
        assert list(rows["planned"]) == [False, True, True]
        assert list(rows["pairs"]) == [8, 10, 20], name
        assert rows["detectable"].is_monotonic_decreasing
        assert (rows["detectable_high"] > rows["detectable"]).all()
        first = rows.iloc[0]
        assert first["detectable"] == pytest.approx(detectable_difference(first["deviation"], 8))
    assert set(found["comparison"]) == {f"{a} - {b}" for a, b in BOOSTS}
    assert found.attrs["missing"] == ()


def test_over_seeds_there_are_half_as_many_values(made):
    found = design_power(made(seeds=4), cuts=CUTS, planned=(), independent="seeds")
    assert (found["pairs"] == 4).all()


def test_one_seed_has_no_spread_and_says_so(made):
    found = design_power(made(seeds=1), cuts=CUTS)
    assert found["detectable"].isna().all()
    assert "AnB+ - BnB+ has 2 pair of one split and seed" in found.attrs["missing"][0]


def test_an_absent_treatment_has_no_spread_and_is_named(made):
    found = design_power(made(seeds=3).query("treatment != 'twice'"), cuts=CUTS)
    assert found.set_index("comparison")["detectable"].isna()["AnB+ - twice"]
    assert "twice is absent." in found.attrs["missing"]


def test_a_curve_holds_every_count_and_difference():
    found = power_curve(1.0, (3, 6), (0.0, 1.0, 2.0))
    assert len(found) == 6
    assert found.query("pairs == 6")["power"].is_monotonic_increasing
    by_count = found.pivot(index="difference", columns="pairs", values="power")
    assert (by_count[6] >= by_count[3] - 1e-12).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: spread_of([1.0]), "at least 2"),
        (lambda: power_of(1.0, 0.0, 5), "not positive"),
        (lambda: power_of(1.0, 1.0, 1), "at least 2"),
        (lambda: pairs_needed(0.0, 1.0), "never shown"),
        (lambda: pairs_needed(0.001, 5.0, most=50), "more than 50 pairs"),
        (lambda: design_power(pd.DataFrame(), cuts=CUTS, independent="nets"), "unknown independent values 'nets'"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_one_plans_with_the_spread_there_is_or_with_a_stated_one(made):
    found = design_power(made(seeds=3), cuts=CUTS)
    deviation, count = planning_spread(found, "AnB+ - BnB+")
    assert count == 6
    assert deviation == found.iloc[0]["deviation"]
    assert planning_spread(design_power(made(seeds=1), cuts=CUTS), "AnB+ - BnB+", otherwise=(2.0, 4)) == (2.0, 4)
    with pytest.raises(InputError, match="unknown comparison 'AnB - BnB'"):
        planning_spread(found, "AnB - BnB")


def test_the_power_is_said_in_a_sentence(made):
    found = design_power(made(seeds=3), cuts=CUTS)
    row = found.iloc[0]
    words = power_words(found, "AnB+ - BnB+")
    assert words.startswith(f"With 6 pairs a true difference of {row['detectable']:.1f} points")
    by_seeds = design_power(made(seeds=2), cuts=CUTS, independent="seeds")
    assert power_words(by_seeds, "AnB+ - BnB+").endswith("if so few could tell the spread.")
    assert "too few seeds" in power_words(design_power(made(seeds=1), cuts=CUTS), "AnB+ - BnB+")
