"""The figures of notebook 10 show what their tables hold, and say so when there is nothing to show."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle

from fctransfer_utils.analysis.firewall import beside_paper, paper_tables, sharpness
from fctransfer_utils.analysis.trunk_change import change_by_layer, change_by_rate, paired_change, tuned_networks
from fctransfer_utils.errors import InputError
from fctransfer_utils.plots import firewall as draw
from fctransfer_utils.plots import trunk_change as moves
from tests.made_firewall import made_changes, made_maps, made_measures

PAPER = Path(__file__).parents[2] / "figures" / "data" / "zhang2017_tables3_4.csv"


@pytest.fixture(scope="module")
def tables():
    return made_measures()


def words(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def heights(axes, colour):
    """The heights of the markers of one colour, from left to right."""
    found = [line for line in axes.lines if line.get_color() == colour and line.get_marker() not in ("None", None)]
    return [float(line.get_ydata()[0]) for line in sorted(found, key=lambda line: line.get_xdata()[0])]


def pictures(count=3):
    return pd.DataFrame(
        {"image": range(count), "class": "digit one", "left": 0.25, "top": 0.25, "right": 0.75, "bottom": 0.5}
    )


def test_every_picture_has_a_map_and_two_boxes_per_arm():
    pixels = {0: np.zeros((8, 8, 3), np.uint8)}
    figure = draw.heat_maps(made_maps(images=3), pictures(), pixels)
    assert len(figure.axes) == 3 * (1 + 2)
    boxes = [[p for p in axes.patches if isinstance(p, Rectangle)] for axes in figure.axes]
    assert [len(found) for found in boxes] == [1, 2, 2] * 3
    known = boxes[1][0]
    assert (known.get_x(), known.get_y(), known.get_width(), known.get_height()) == (0.25, 0.25, 0.5, 0.25)
    spread, sharp = (axes[1].get_width() * axes[1].get_height() for axes in (boxes[2], boxes[1]))
    assert sharp < spread  # arm A's map was made sharp, arm B's wide
    assert len(figure.axes[0].images) == 1
    assert len(figure.axes[3].images) == 0  # its picture is not stored


def test_maps_of_another_method_are_drawn_or_named():
    assert draw.heat_maps(made_maps(), pictures(), {}, method="gradcam")
    with pytest.raises(InputError, match="unknown method 'cam'; allowed: gradcam, scda"):
        draw.heat_maps(made_maps(), pictures(), {}, method="cam")


def test_localisation_has_a_panel_per_threshold_and_shows_the_means(tables):
    figure = draw.localisation(tables["boxes"])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["IoU above 0.35", "IoU above 0.5", "IoU above 0.7"]
    means = tables["boxes"].query("method == 'scda' and threshold == 0.5").groupby("arm")["share"].mean()
    assert heights(figure.axes[1], draw.METHODS["scda"].colour) == pytest.approx(list(100 * means))
    assert len(words(figure)) == 4 + 2


def test_the_paper_and_ours_stand_in_the_same_rows(tables):
    table = beside_paper(paper_tables(PAPER), tables)
    figure = draw.beside_paper(table)
    levels, gaps = figure.axes
    assert [text.get_text() for text in levels.get_yticklabels()] == list(table["what"])
    drawn = {round(float(line.get_xdata()[0]), 3) for line in gaps.lines if line.get_marker() in ("s", "o")}
    assert drawn == {round(value, 3) for value in (*table["paper_gap"], *table["gap"])}
    with pytest.raises(InputError, match="nothing beside the paper"):
        draw.beside_paper(table.iloc[:0])


def test_measures_are_drawn_by_arm(tables):
    figure = draw.concentrations(tables["concentration"])
    assert len(figure.axes) == 3
    means = tables["concentration"].query("which == 'gradient'").groupby("arm")["entropy"].mean()
    assert heights(figure.axes[0], draw.WHICH["gradient"].colour) == pytest.approx(list(means))
    assert words(figure) == [look.label for look in draw.WHICH.values()]
    own = draw.separations(tables["separation"])
    means = tables["separation"].query("classes == 'held out'").groupby("arm")["within"].mean()
    assert heights(own.axes[1], draw.CLASSES["held out"].colour) == pytest.approx(list(means))


def test_one_seed_is_drawn_without_bars(tables):
    many = draw.separations(tables["separation"])
    alone = draw.separations(made_measures(seeds=1)["separation"])
    assert len(alone.axes[0].lines) == 10
    assert len(many.axes[0].lines) == 20


def test_sharpness_has_a_curve_per_size():
    table = sharpness()
    figure = draw.sharpness_curves(table)
    assert len([line for line in figure.axes[0].lines if len(line.get_xdata()) > 2]) == table["size"].nunique()


def test_change_is_drawn_by_layer_and_by_cell():
    networks = tuned_networks(made_changes())
    pairs = paired_change(networks)
    figure = moves.trunk_change(change_by_layer(networks), pairs)
    layers, cells = figure.axes
    assert figure.legends[0].get_texts()[0].get_text() == "A: GAP"
    assert layers.get_ylim()[0] == 0
    assert sum(len(line.get_xdata()) for line in cells.lines if line.get_marker() != "None") == len(pairs)
    assert {text.get_text() for text in cells.get_legend().get_texts()} == {
        "near",
        "far",
        "other views",
        "fine-grained",
    }
    with pytest.raises(InputError, match="no pair of fine-tuned networks"):
        moves.trunk_change(change_by_layer(networks), pairs.iloc[:0])


def test_every_rate_has_a_point_for_both_arms():
    table = change_by_rate(made_changes())
    figure = moves.change_by_rate(table)
    assert [len(line.get_xdata()) for line in figure.axes[0].lines] == [2, 2]
    assert words(figure) == ["A: GAP", "B: flatten, hidden FC"]
