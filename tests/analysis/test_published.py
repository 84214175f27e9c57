"""The published logs give the published numbers, and what they do not say."""

import pytest

from fctransfer_utils.analysis import effects, published


@pytest.fixture(scope="module")
def logs():
    return published.networks()


def test_there_are_148_networks_of_450_000_or_200_000_iterations(logs):
    assert len(logs) == 148
    assert set(logs["iterations"]) == {450_000, 200_000}
    assert logs["top1"].between(0, 1).all()
    bases = logs[(logs["experiment"] == "random_split") & (logs["treatment"] == "base")]
    assert len(bases) == 8
    assert bases["top1"].mean() == pytest.approx(0.6251, abs=5e-5)


def test_what_is_copied_comes_from_the_named_half(logs):
    rows = logs[logs["experiment"].isin(["random_split", "natural_manmade"])]
    for treatment, own in (("BnB", True), ("BnB+", True), ("AnB", False), ("AnB+", False)):
        its = rows[rows["treatment"] == treatment]
        assert ((its["source"] == its["target"]) == own).all()


@pytest.fixture(scope="module")
def figure_2(logs):
    return published.gains(logs[logs["experiment"] == "random_split"])


def test_figure_2_against_the_base_of_the_own_half(figure_2):
    found = figure_2.pivot_table("gain", "n", "treatment")
    assert found["BnB"].dropna().tolist() == pytest.approx([0.35, 0.03, -0.21, -1.85, -2.97, -0.45, 0.00], abs=5e-3)
    assert found["AnB"].dropna().tolist() == pytest.approx([0.31, -0.12, -0.62, -2.53, -4.71, -4.45, -8.26], abs=5e-3)
    assert found["BnB+"].dropna().tolist() == pytest.approx([0.26, 0.64, 1.21, 1.36, 1.10, 0.85, 1.15], abs=5e-3)
    assert found["AnB+"].dropna().tolist() == pytest.approx([0.32, 0.63, 1.30, 1.03, 1.05, 1.20, 1.24], abs=6e-3)


@pytest.mark.parametrize(("lowest", "boosts"), [(1, (1.6, 1.4)), (3, (1.8, 1.4)), (5, (2.1, 1.7))])
def test_table_1_as_printed(figure_2, lowest, boosts):
    means = 100 * figure_2[figure_2["n"] >= lowest].groupby("treatment")["top1"].mean()
    over_base = means["AnB+"] - 100 * figure_2.loc[figure_2["treatment"] == "base", "top1"].mean()
    assert (round(over_base, 1), round(means["AnB+"] - means["BnB+"], 1)) == boosts


def test_the_boost_over_the_selffer_is_the_difference_of_single_bases(figure_2):
    means = figure_2.groupby("treatment")[["top1", "base", "gain"]].mean()
    assert means.loc[["AnB+", "BnB+"], "gain"].tolist() == pytest.approx([0.973, 0.973], abs=5e-4)
    apart = 100 * (means.loc["AnB+"] - means.loc["BnB+"])
    assert apart[["base", "top1"]].tolist() == pytest.approx([1.383, 1.383], abs=5e-4)


def test_fine_tuned_networks_never_share_a_half(figure_2):
    halves = figure_2["replicate"].astype(str) + figure_2["target"]
    counts = halves.groupby(figure_2["treatment"]).value_counts()
    assert counts["AnB+"].to_dict() == {"0B": 7, "1B": 3}
    assert counts["BnB+"].to_dict() == {"0A": 7, "1A": 3}


def test_every_network_has_one_gain_and_those_of_few_images_have_no_base_of_all(logs):
    found = published.gains(logs)
    assert len(found) == len(logs)
    assert (found["gain"].isna() == (found["experiment"] == "reduced_data")).all()


def test_figure_3_far_tasks_and_untrained_layers(logs):
    found = published.gains(logs).groupby(["experiment", "treatment", "n"])["gain"].mean()
    assert found["natural_manmade", "AnB", 7] == pytest.approx(-25.0, abs=0.05)
    assert found["random_filters", "random"][[1, 2]].tolist() == pytest.approx([-8.5, -17.4], abs=0.05)
    assert found["random_filters", "random", 3] < -57


def test_both_directions_of_a_split_give_anb_an_interval_and_bnb_none(logs):
    rows = logs[logs["experiment"] == "random_split"]
    transfer, selffer = (effects.effect(rows, name, "base").set_index("n") for name in ("AnB", "BnB"))
    assert transfer.loc[7, "mean"] == pytest.approx(-8.26, abs=5e-3)
    assert transfer.loc[7, "count"] == 4
    assert transfer.loc[7, "high"] < -7
    assert selffer["count"].tolist() == [0] * 7
