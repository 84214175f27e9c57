"""The treatments of Figure 1, and that each box says where its layer comes from."""

import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Arc, Rectangle

from fctransfer_utils.errors import InputError
from fctransfer_utils.plots import schemes


@pytest.mark.parametrize("n", [1, 4, 7])
def test_treatments_are_those_of_the_paper(n):
    table = schemes.treatments(n).assign(number=lambda t: t.groupby("network").cumcount() + 1)
    below, above = table[table["number"] <= n], table[table["number"] > n]
    assert set(above["source"]) == {"random"}
    assert not above["frozen"].any()
    for name, rows in below.groupby("network"):
        if name.startswith("base"):
            assert set(rows["source"]) == {"random"}
        else:
            assert set(rows["source"]) == {name[0]}
            assert rows["frozen"].all() != name.endswith("+")
            assert set(rows["learns"]) == {"B"}
    assert table["network"].nunique() == 6


def test_a_box_for_each_layer_in_the_colour_of_its_source_and_a_lock_if_it_is_frozen():
    table = schemes.treatments(3)
    axes = schemes.scheme(table).axes[0]
    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_width() > 0.5]
    assert [to_hex(box.get_facecolor()).upper() for box in boxes] == list(table["source"].map(schemes.SOURCES))
    locks = [patch for patch in axes.patches if isinstance(patch, Arc)]
    assert len(locks) == table["frozen"].sum() + 1  # one explains the others
    assert sum(text.get_text() in schemes.LAYERS for text in axes.texts) == len(table)


def test_networks_of_different_lengths_and_layers_of_ones_own():
    table = schemes.treatments(1, layers=("stem", "head"))
    short = table[(table["network"] != "A1B") | (table["layer"] == "stem")].drop(columns="learns")
    words = [text.get_text() for text in schemes.scheme(short).axes[0].texts]
    assert words.count("stem") == 6
    assert words.count("head") == 5


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda t: t.drop(columns="frozen"), "frozen"),
        (lambda t: t[:0], "rows"),
        (lambda t: t.assign(source="C"), "'C'"),
    ],
)
def test_another_table_is_refused(spoil, said):
    with pytest.raises(InputError, match=said):
        schemes.scheme(spoil(schemes.treatments(2)))


@pytest.mark.parametrize("n", [0, 8])
def test_a_cut_that_leaves_nothing_to_copy_or_to_learn_is_refused(n):
    with pytest.raises(InputError, match=f"n = {n}"):
        schemes.treatments(n)
