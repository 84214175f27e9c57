"""The published logs give the published numbers, and what they do not say."""

import pytest

from fctransfer_utils.analysis import effects, published
from fctransfer_utils.errors import InputError


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


def test_figure_2_against_the_base_of_the_own_half(logs):
    found = published.curves(logs).pivot(index="n", columns="treatment", values="gain")
    assert found["BnB"].iloc[1:].tolist() == pytest.approx([0.35, 0.03, -0.21, -1.85, -2.97, -0.45, 0.00], abs=5e-3)
    assert found["AnB"].iloc[1:].tolist() == pytest.approx([0.31, -0.12, -0.62, -2.53, -4.71, -4.45, -8.26], abs=5e-3)
    assert found["BnB+"].iloc[1:].tolist() == pytest.approx([0.26, 0.64, 1.21, 1.36, 1.10, 0.85, 1.15], abs=5e-3)
    assert found["AnB+"].iloc[1:].tolist() == pytest.approx([0.32, 0.63, 1.30, 1.03, 1.05, 1.20, 1.24], abs=6e-3)


def test_table_1_as_printed_and_against_own_bases(logs):
    found = published.table1(logs)
    assert found["over_base"].round(1).tolist() == [1.6, 1.8, 2.1]
    assert found["over_selffer"].round(1).tolist() == [1.4, 1.4, 1.7]
    everything = found.iloc[0]
    assert everything["transfer_own"] == pytest.approx(0.973, abs=5e-4)
    assert everything["selffer_own"] == pytest.approx(0.973, abs=5e-4)
    assert everything["bases"] == pytest.approx(1.383, abs=5e-4)
    gap = found["transfer_own"] - found["selffer_own"] + found["bases"]
    assert gap.tolist() == pytest.approx(found["over_selffer"].tolist())
    by_last = published.table1(published.networks("final")).iloc[0]
    assert by_last[["selffer_own", "transfer_own"]].tolist() == pytest.approx([0.958, 0.978], abs=5e-4)


def test_fine_tuned_networks_never_share_a_half(logs):
    counts = published.who_learnt_what(logs)
    assert counts.to_numpy().sum() == len(logs[logs["experiment"] == "random_split"])
    assert not (counts.loc["BnB+"] * counts.loc["AnB+"]).any()
    assert counts.loc["AnB+", ["0B", "1B"]].tolist() == counts.loc["BnB+", ["0A", "1A"]].tolist() == [7, 3]


def test_figure_3_far_tasks_and_untrained_layers(logs):
    found = published.distant(logs).set_index(["treatment", "n"])["gain"]
    assert found["AnB", 7] == pytest.approx(-25.0, abs=0.05)
    assert found["random", 1] == pytest.approx(-8.5, abs=0.05)
    assert found["random", 2] == pytest.approx(-17.4, abs=0.05)
    assert found["random", 3] < -57


def test_both_directions_of_a_split_give_anb_an_interval_and_bnb_none(logs):
    rows = logs[logs["experiment"] == "random_split"]
    transfer, selffer = (effects.effect(rows, name, "base").set_index("n") for name in ("AnB", "BnB"))
    assert transfer.loc[7, "mean"] == pytest.approx(-8.26, abs=5e-3)
    assert transfer.loc[7, "count"] == 4
    assert transfer.loc[7, "high"] < -7
    assert selffer["count"].tolist() == [0] * 7


def test_another_file_is_refused(tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    for path in (other, tmp_path / "absent.csv", tmp_path):
        with pytest.raises(InputError):
            published.networks(path=path)
    with pytest.raises(InputError, match="best10"):
        published.networks("best")
