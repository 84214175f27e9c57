"""Each box says where its layer comes from, and each part of a step what it is."""

import pandas as pd
import pytest
from made_networks import figure_1
from matplotlib.colors import to_hex
from matplotlib.patches import Arc, Circle, Rectangle

from fctransfer_utils.errors import InputError
from fctransfer_utils.plots import schemes


def test_a_box_for_each_layer_in_the_colour_of_its_source_and_a_lock_if_it_is_frozen():
    table = figure_1(3)
    axes = schemes.scheme(table).axes[0]
    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_width() > 0.5]
    assert [to_hex(box.get_facecolor()).upper() for box in boxes] == list(table["source"].map(schemes.SOURCES))
    locks = [patch for patch in axes.patches if isinstance(patch, Arc)]
    assert len(locks) == table["frozen"].sum() + 1  # one explains the others
    assert sum(text.get_text() in set(table["layer"]) for text in axes.texts) == len(table)


def test_networks_of_different_lengths_and_layers_of_ones_own():
    table = figure_1(1, layers=("stem", "head"))
    short = table[(table["network"] != "A1B") | (table["layer"] == "stem")].drop(columns="learns")
    words = [text.get_text() for text in schemes.scheme(short).axes[0].texts]
    assert words.count("stem") == 6
    assert words.count("head") == 5


RATINGS = pd.DataFrame(
    [
        (1, "features", "user\n9 → 4"), (1, "features", "item\n7 → 4"), (2, "join", "cat"), (5, "features", "8 → 64"),
        (6, "activation", "relu"), (7, "dropout", "dropout\n0.2"), (8, "features", "64 → 1"),
        (9, "activation", "sigmoid"),
    ],
    columns=["step", "kind", "words"],
)  # fmt: skip


def test_rectangles_for_layers_circles_for_activations_and_dropout_is_dashed():
    axes = schemes.flow(RATINGS).axes[0]
    circles = [patch for patch in axes.patches if isinstance(patch, Circle)]
    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    dashed = [box for box in boxes if box.get_linestyle() not in ("-", "solid")]
    assert (len(circles), len(boxes), len(dashed)) == (2, 6, 1)
    words = {text.get_text(): text.get_window_extent() for text in axes.texts if text.get_text()}
    assert set(words) == set(RATINGS.words)
    box, dropout = dashed[0].get_window_extent(), words["dropout\n0.2"]
    assert box.x0 <= dropout.x0 < dropout.x1 <= box.x1


def test_the_way_goes_to_the_right_and_branches_meet_at_the_join():
    axes = schemes.flow(RATINGS).axes[0]
    arrows = [(text.xyann, text.xy) for text in axes.texts if not text.get_text()]
    assert all(start[0] < end[0] for start, end in arrows)
    ends = [end for _, end in arrows]
    assert len(arrows) == len(RATINGS) - 1  # each but the last goes on
    assert ends.count(ends[0]) == 2
    assert len({start for start, _ in arrows}) == len(arrows)


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda: schemes.scheme(figure_1(2).drop(columns="frozen")), "frozen"),
        (lambda: schemes.scheme(figure_1(2)[:0]), "rows"),
        (lambda: schemes.scheme(figure_1(2).assign(source="C")), "'C'"),
        (lambda: schemes.flow(RATINGS.assign(kind="pooling")), "'pooling'"),
        (lambda: schemes.flow(RATINGS.drop(columns="words")), "'words'"),
        (lambda: schemes.flow(RATINGS[:0]), "no rows"),
    ],
)
def test_another_table_is_refused(draw, said):
    with pytest.raises(InputError, match=said):
        draw()
