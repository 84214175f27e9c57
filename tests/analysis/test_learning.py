"""How curves end, and what a difference of two accuracies is worth."""

import math

import pandas as pd
import pytest

from fctransfer_utils.analysis.learning import accuracy_difference, endings
from fctransfer_utils.errors import InputError


def curve(name, top1, loss):
    rows = [
        (name, epoch, value, value + 0.1, share)
        for epoch, (share, value) in enumerate(zip(top1, loss, strict=True), start=1)
    ]
    return pd.DataFrame(rows, columns=["network", "epoch", "train_loss", "test_loss", "test_top1"])


def test_the_end_of_a_curve_is_compared_with_the_epochs_before_it():
    table = pd.concat([curve("A", [0.1, 0.5, 0.60, 0.61], [3, 2, 1, 0.5]), curve("B", [0.2, 0.4], [3, 2])])
    found = endings(table.sample(frac=1, random_state=0).sort_values("network"), last=2).set_index("network")
    assert found.loc["A", "epochs"] == 4
    assert found.loc["A", "change_top1"] == pytest.approx(11)
    assert found.loc["A", "change_train_loss"] == pytest.approx(-1.5)
    assert math.isnan(found.loc["B", "change_top1"])
    assert found.loc["B", "test_loss"] == pytest.approx(2.1)


@pytest.mark.parametrize("last", [0, -1])
def test_looking_back_no_epochs_is_refused(last):
    with pytest.raises(InputError, match=f"last = {last}"):
        endings(curve("A", [0.1], [3]), last=last)


def test_a_table_without_curves_is_refused():
    with pytest.raises(InputError, match="test_top1"):
        endings(pd.DataFrame({"network": ["A"], "epoch": [1], "train_loss": [1.0], "test_loss": [1.0]}))


def test_the_interval_is_that_of_two_coins():
    found = accuracy_difference(0.6, 0.5, images=(1000, 1000))
    assert found.mean == pytest.approx(10)
    assert found.high - found.mean == pytest.approx(100 * 1.959964 * math.sqrt(0.24 / 1000 + 0.25 / 1000), rel=1e-6)
    assert accuracy_difference(0.6, 0.5, images=(10, 1000)).high > found.high


def test_accuracies_are_fractions_over_some_images():
    with pytest.raises(InputError, match="60"):
        accuracy_difference(60, 0.5, images=(10, 10))
    with pytest.raises(InputError, match="at least 1"):
        accuracy_difference(0.6, 0.5, images=(10, 0))
