"""The map of the best treatment: who leads, by how much, and that a tie is open."""

import pandas as pd
import pytest
from made_networks import study

from fctransfer_utils.analysis.volumes import best_treatment
from fctransfer_utils.errors import InputError


def networks(volume, scratch, frozen, tuned, **options):
    rows = study({"scratch": scratch, "frozen": frozen, "fine-tuned": tuned}, per_class=volume, cuts=(2, 6), **options)
    once = (rows["treatment"] != "scratch") | (rows["n"] == 2)  # nothing is copied: one network for all n
    return rows[once].assign(n=rows["n"].where(rows["treatment"] != "scratch", 0))


def test_the_best_leads_the_second_and_not_the_last():
    few = networks(1, 0.2, lambda n: 0.5 if n == 6 else 0.1, 0.4)
    found = best_treatment(pd.concat([few, networks(40, 0.9, 0.6, 0.8)])).set_index(["per_class", "n"])
    assert found["best"].to_dict() == {
        (1, 2): "fine-tuned", (1, 6): "frozen", (40, 2): "scratch", (40, 6): "scratch",
    }  # fmt: skip
    assert found["second"].to_dict() == {
        (1, 2): "scratch", (1, 6): "fine-tuned", (40, 2): "fine-tuned", (40, 6): "fine-tuned",
    }  # fmt: skip
    assert found["mean"].tolist() == pytest.approx([20, 10, 10, 10])
    assert found["gain"].tolist() == pytest.approx([20, 30, 0, 0])
    assert not found["open"].any()


def test_a_lead_within_the_spread_is_open_and_so_is_one_of_a_single_replicate():
    near = best_treatment(networks(1, 0.3, 0.501, 0.5, spread=0.01))
    assert near["open"].all()
    assert (near["low"] < 0).all()
    assert best_treatment(networks(1, 0.2, 0.6, 0.5, replicates=1))["open"].all()


def test_a_treatment_that_was_not_trained_is_named():
    table = networks(1, 0.2, 0.6, 0.5)
    with pytest.raises(InputError, match="frozen"):
        best_treatment(table[table["treatment"] != "frozen"])


def test_a_network_that_diverged_takes_its_replicate_along():
    """In the easiest replicate frozen is lost: its mean over the others is no reason to prefer what it beats there."""
    table = networks(1, 0.2, 0.6, 0.5, replicates=5)
    easy = table["replicate"] == 4
    table.loc[easy & (table["treatment"] == "fine-tuned"), "top1"] = 0.99
    table["diverged"] = easy & (table["treatment"] == "frozen")
    found = best_treatment(table)
    assert set(found["best"]) == {"frozen"}
    assert set(found["count"]) == {4}
