"""Where heads end, and which is the best of them: chosen by validation, judged on test images."""

import pandas as pd
import pytest

from fctransfer_utils.analysis.heads import best_heads, head_table
from fctransfer_utils.errors import InputError


def curves(*heads, condition="frozen"):
    """Two epochs of heads given as (name, parameters, train, validation, test)."""
    rows = []
    for name, parameters, train, validation, test in heads:
        for epoch, part in ((1, 0.5), (2, 1.0)):
            start = (condition, name, int(name != "linear"), 8, parameters, epoch, 0.1 * epoch)
            rows.append((*start, 1 / epoch, train * part, 1 / epoch, validation * part, test, 1000))
    names = ["condition", "head", "hidden", "width", "parameters", "epoch", "seconds", "train_loss", "train_top1"]
    return pd.DataFrame(rows, columns=[*names, "validation_loss", "validation_top1", "test_top1", "test_images"])


def test_a_row_per_head_has_its_end_and_its_reading():
    table = head_table(pd.concat([curves(("linear", 50, 0.99, 0.95, 0.9), ("1 x 8", 80, 0.6, 0.55, 0.5)),
                                  curves(("linear", 50, 1.0, 0.6, 0.6), condition="learning")]))  # fmt: skip
    assert list(table["condition"]) == ["frozen", "frozen", "learning"]
    assert list(table["reading"]) == ["fits", "underfits", "overfits"]
    assert list(table["seconds"]) == [0.2] * 3
    assert table["test_top1"].iloc[1] == 0.5


def test_the_best_is_chosen_by_validation_and_not_by_the_test():
    table = head_table(curves(("linear", 50, 1, 0.80, 0.70), ("a", 80, 1, 0.85, 0.80), ("b", 90, 1, 0.84, 0.95)))
    (best,) = best_heads(table)
    assert (best.head, best.parameters, best.linear_parameters) == ("a", 80, 50)
    assert best.gain.mean == pytest.approx(10)
    assert best.words == "clearly better than linear"


@pytest.mark.parametrize(("test", "words"), [(0.705, "not to be told apart"), (0.60, "clearly worse")])
def test_a_gain_within_its_interval_is_no_finding(test, words):
    (best,) = best_heads(head_table(curves(("linear", 50, 1, 0.80, 0.70), ("a", 80, 1, 0.85, test))))
    assert words in best.words


def test_among_equals_the_smaller_head_wins_and_linear_is_not_compared_with_itself():
    (best,) = best_heads(head_table(curves(("a", 80, 1, 0.8, 0.7), ("linear", 50, 1, 0.8, 0.7))))
    assert best.gain is None
    assert best.words == "itself the linear one"
    (best,) = best_heads(head_table(curves(("a", 80, 1, 0.8, 0.7))))
    assert "no linear head" in best.words


def test_a_table_without_test_results_is_refused():
    with pytest.raises(InputError, match="lacks test_top1"):
        head_table(curves(("linear", 50, 1, 0.8, 0.7)).drop(columns="test_top1"))
