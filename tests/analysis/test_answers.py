"""Words follow from intervals, gaps from pairs."""

import numpy as np
import pandas as pd
import pytest

from fctransfer_utils.analysis.answers import UNCLEAR, answer_table, gap, largest, word
from fctransfer_utils.analysis.estimates import Estimate, nothing
from fctransfer_utils.errors import InputError

TABLE = pd.DataFrame(
    {
        "choice": ["flatten"] * 3 + ["gap"] * 3 + ["wild"] * 3,
        "seed": [0, 1, 2] * 3,
        "top1": [0.70, 0.80, 0.90, 0.50, 0.61, 0.69, np.nan, np.nan, np.nan],
    }
)


def test_a_gap_is_paired_by_seed():
    found = gap(TABLE, "flatten", "gap")
    assert found.mean == pytest.approx(20)
    assert found.high - found.low < 6  # the seeds differ by 10 points, the pairs by one
    assert found.count == 3


def test_a_choice_that_always_diverged_has_no_gap():
    assert gap(TABLE, "wild", "gap").count == 0
    with pytest.raises(InputError, match="unknown choice 'max'; allowed: flatten, gap, wild"):
        gap(TABLE, "max", "gap")


@pytest.mark.parametrize(
    ("estimate", "said"),
    [
        (Estimate(2, 1, 3, 4), "helps"),
        (Estimate(-2, -3, -1, 4), "costs"),
        (Estimate(2, -1, 5, 4), UNCLEAR),
        (Estimate(2, float("nan"), float("nan"), 1), "helps, in one pair, which decides nothing"),
        (nothing("no pair"), "not measured"),
    ],
)
def test_words_say_no_more_than_the_interval(estimate, said):
    assert word(estimate, above="helps", below="costs") == said


def test_the_largest_mean_leaves_out_what_diverged():
    assert largest(TABLE, by="choice", value="top1") == ("flatten", pytest.approx(0.8))
    with pytest.raises(InputError, match="no choice has a finite top1"):
        largest(TABLE[TABLE["choice"] == "wild"], by="choice", value="top1")


def test_every_answer_has_words_a_number_and_a_cell():
    table = answer_table([("Flatten or GAP?", "flatten", gap(TABLE, "flatten", "gap"), "pool")])
    assert list(table) == ["question", "short answer", "number", "cell"]
    assert table["number"].item().startswith("+20.0 points [")
    with pytest.raises(InputError, match="lacks its words, its number or its cell"):
        answer_table([("Why?", "", 1, "why")])
