import numpy as np
import pandas as pd
import pytest
from made_studies import made_studies

from fctransfer_utils.analysis.distant import (
    KINDS,
    contents,
    difference,
    directions,
    distance_and_gap,
    extra_loss,
    gap_by_n,
    published_tables,
    rank_correlations,
    relative_lines,
    replicate_points,
    tables_of,
)
from fctransfer_utils.errors import InputError


def test_a_mean_of_distant_halves_needs_both_directions():
    _, distant, _ = made_studies(seeds=2, noise=0)
    assert replicate_points(distant, [7]).to_dict() == pytest.approx(
        {("letters-symbols", 0): -25, ("letters-symbols", 1): -25}
    )
    cut = distant[~((distant["treatment"] == "AnB") & (distant["target"] == "A") & (distant["seed"] == 1))]
    assert list(replicate_points(cut, [7]).index) == [("letters-symbols", 0)]
    assert len(replicate_points(cut, [7], direction="B")) == 2
    found = gap_by_n(cut, [7])
    assert found["count"].tolist() == [1]
    assert any("AnB at n = 7 is absent for target A" in words for words in found.attrs["missing"])


def test_random_halves_are_interchangeable_so_one_direction_serves():
    halves, _, _ = made_studies(seeds=2, noise=0)
    assert len(replicate_points(halves[halves["target"] == "B"], [7])) == 2


def test_directions_stand_beside_their_mean():
    _, distant, _ = made_studies(seeds=3, noise=0, uneven=4)
    found = directions(distant).set_index(["direction", "n"])["mean"]
    assert found["A", 7] == pytest.approx(-21)
    assert found["B", 7] == pytest.approx(-29)
    assert found["both", 7] == pytest.approx(-25)
    selfer = directions(distant, against="BnB")
    assert selfer.loc[(selfer["direction"] == "both") & (selfer["n"] == 7), "mean"].item() == pytest.approx(-24)


def test_an_interval_counts_seeds_and_not_directions():
    _, distant, _ = made_studies(seeds=4)
    found = gap_by_n(distant)
    assert (found["count"] == 4).all()
    assert found[["low", "high"]].notna().all().all()
    assert gap_by_n(distant[distant["seed"] == 0])[["low", "high"]].isna().all().all()


def test_the_lines_of_figure_3_hold_all_four_kinds():
    found = relative_lines(tables_of(*made_studies(seeds=3)))
    assert tuple(dict.fromkeys(found["kind"])) == KINDS
    assert found.attrs["missing"] == ()
    means = found.set_index(["kind", "n"])["mean"]
    assert means["random filters (Gaussian)", 3] == pytest.approx(-58, abs=1)
    assert means["distant halves", 1] == pytest.approx(0, abs=0.3)


def test_what_a_growing_table_lacks_is_said_and_the_rest_is_drawn():
    halves, distant, filters = made_studies(seeds=2)
    filters = filters[~((filters["treatment"] == "random-gaussian") & (filters["n"] > 2))]
    filters = filters[filters["treatment"] != "random"]
    found = relative_lines(tables_of(halves, distant, filters))
    words = " ".join(found.attrs["missing"])
    assert "random filters (He): random is absent." in words
    assert "random filters (Gaussian): random-gaussian at n = 3-7 is absent." in words
    assert found.loc[found["kind"] == "random filters (Gaussian)", "n"].tolist() == [1, 2]
    bases = tables_of(*(table[table["treatment"] == "base"] for table in (halves, distant, filters)))
    with pytest.raises(InputError, match="nothing to compare"):
        relative_lines(bases)


def test_the_control_is_set_apart_and_conditions_are_not_mixed():
    halves, distant, filters = made_studies(seeds=2)
    tables = tables_of(halves, distant, filters)
    assert set(tables.control["net"]) == {"alexnet_mini-24-gaussian"}
    assert not tables.filters["net"].str.endswith("gaussian").any()
    with pytest.raises(InputError, match="differ in epochs: 10 .halves., 8 .distant."):
        tables_of(halves, distant.assign(epochs=8), filters)
    with pytest.raises(InputError, match="unknown distant split 'random0'"):
        tables_of(halves, halves, filters)
    with pytest.raises(InputError, match="pass its networks as the distant ones"):
        tables_of(distant, distant, filters)


def test_a_difference_is_taken_seed_by_seed():
    one = pd.Series([1.0, 3.0, 9.0], index=pd.MultiIndex.from_tuples([("a", 0), ("a", 1), ("a", 2)]))
    other = pd.Series([0.0, 2.0, 1.0], index=pd.MultiIndex.from_tuples([("b", 0), ("c", 0), ("b", 1)]))
    for side in (one, other):
        side.index.names = ["split", "seed"]
    estimate, values = difference(one, other, name="a - b")
    assert values.tolist() == [0.0, 2.0]  # seed 0: 1 minus the mean of 0 and 2; seed 2 has no partner
    assert estimate.count == 2
    assert list(values.index) == [("a - b", 0, "both"), ("a - b", 1, "both")]


def test_extra_loss_is_what_distance_adds():
    found = extra_loss(tables_of(*made_studies(seeds=5))).set_index("n")
    assert found.loc[7, "mean"] == pytest.approx(-16, abs=0.3)
    assert found.loc[7, "high"] < 0
    assert (found["count"] == 5).all()


def test_the_published_networks_are_one_condition():
    tables = published_tables()
    assert set(tables.filters["treatment"]) == {"base", "random-gaussian"}
    assert set(tables.filters["target"]) == {"whole"}
    assert len(tables.control) == 0
    with pytest.raises(InputError, match="not a file"):
        published_tables(path="nowhere.csv")


def test_the_contents_name_every_kind_of_network_with_its_seeds():
    found = contents(tables_of(*made_studies(seeds=2))).set_index(["study", "treatment"])
    assert found.loc[("distant", "AnB"), ["n", "seeds", "networks"]].tolist() == ["1-7", 2, 28]
    assert found.loc[("control", "base"), "networks"] == 4
    assert ("halves", "BnB") not in found.index


def made_distances():
    """A distance that orders the halves at each n (far for distant ones) and one that only counts layers."""
    rows = [
        (split, target, n, far + 0.01 * n, float(n))
        for split, far in (("random0", 0.2), ("letters-symbols", 1.0))
        for target in "AB"
        for n in range(1, 8)
    ]
    return pd.DataFrame(rows, columns=["split", "target", "n", "far", "depth"])


def test_a_rank_correlation_within_n_sees_through_depth():
    halves, distant, _ = made_studies(seeds=2, noise=0)
    joined = distance_and_gap(made_distances(), pd.concat([halves, distant]))
    assert len(joined) == 28
    found = rank_correlations(joined, ["far", "depth"]).set_index(["measure", "over"])
    assert found.loc[("depth", "all points"), "rho"] < -0.8
    assert np.isnan(found.loc[("depth", "within n"), "rho"])  # all points of one n have the same depth
    assert found.loc[("far", "within n"), "rho"] < -0.8
    assert found.loc[("far", "all points"), "count"] == 28
    assert found.loc[("far", "within n"), "count"] == 4


def test_distances_of_other_halves_are_refused():
    halves, _, _ = made_studies(seeds=1)
    with pytest.raises(InputError, match="measure the halves that were trained"):
        distance_and_gap(made_distances().assign(split="random9"), halves)
    joined = distance_and_gap(made_distances(), halves)
    with pytest.raises(InputError, match="unknown measure 'fat'.*Did you mean 'far'"):
        rank_correlations(joined, ["fat"])
