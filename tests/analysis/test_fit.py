"""Underfits, fits, overfits: the stated rule on curves whose reading is known."""

import numpy as np
import pandas as pd
import pytest

from fctransfer_utils.analysis.fit import MARGIN, READINGS, read_curve, readings
from fctransfer_utils.errors import InputError


def curve(train, validation, *, losses=(1.0, 0.5, 0.4), head="one"):
    """Three epochs that end with these top-1 (fractions)."""
    return pd.DataFrame(
        {
            "head": head,
            "epoch": [1, 2, 3],
            "train_loss": [1.0, 0.5, 0.2],
            "train_top1": np.linspace(0.1, train, 3),
            "validation_loss": losses,
            "validation_top1": np.linspace(0.1, validation, 3),
        }
    )


@pytest.mark.parametrize(
    ("train", "validation", "word"),
    [
        (0.99, 0.95, "fits"), (0.92, 0.85, "fits"),
        (0.50, 0.48, "underfits"), (0.60, 0.45, "underfits"),
        (1.00, 0.70, "overfits"), (0.85, 0.60, "overfits"),
        (0.901, 0.80, "overfits"), (0.95, 0.97, "fits"),
    ],
)  # fmt: skip
def test_the_larger_of_two_distances_gives_the_word(train, validation, word):
    found = read_curve(curve(train, validation))
    assert found.word == word
    assert found.shortfall == pytest.approx(100 * (1 - train))
    assert found.gap == pytest.approx(100 * (train - validation))
    assert word in READINGS


def test_a_validation_loss_that_rises_again_is_overfitting_even_with_a_small_gap():
    assert read_curve(curve(0.99, 0.95, losses=(1.0, 0.4, 0.5))).word == "overfits"
    assert read_curve(curve(0.99, 0.95, losses=(1.0, 0.4, 0.43))).word == "fits"
    assert read_curve(curve(0.50, 0.48, losses=(1.0, 0.4, 0.5))).word == "underfits"


def test_the_margin_and_what_is_reachable_can_be_changed():
    assert read_curve(curve(0.93, 0.88), margin=4).word == "underfits"
    assert read_curve(curve(0.93, 0.88), margin=4, reachable=0.95).word == "overfits"
    assert MARGIN == 10


def test_a_curve_in_any_order_is_read_by_its_epochs():
    assert read_curve(curve(0.99, 0.5).sample(frac=1, random_state=0)).word == "overfits"


def test_a_network_that_diverged_is_named_so():
    broken = curve(0.2, 0.2, losses=(1.0, 5.0, np.nan))
    assert read_curve(broken).word == "diverged"


def test_a_table_of_several_networks_gives_a_row_for_each():
    table = pd.concat([curve(0.99, 0.95, head="a"), curve(1.0, 0.6, head="b")])
    found = readings(table)
    assert list(found["head"]) == ["a", "b"]
    assert list(found["reading"]) == ["fits", "overfits"]
    assert "40 points" in found["reason"].iloc[1]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: read_curve(curve(1, 1).drop(columns="train_loss")), "lacks train_loss"),
        (lambda: read_curve(curve(1, 1).iloc[:0]), "lacks rows"),
        (lambda: read_curve(curve(99, 95)), "99.0 is outside|outside 0..1"),
        (lambda: read_curve(curve(1, 1), margin=0), "margin 0"),
        (lambda: readings(curve(1, 1), by="network"), "no column 'network'"),
    ],
)
def test_tables_that_cannot_be_read_are_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()
