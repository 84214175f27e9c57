"""Costs, receptive fields, score maps, heads and neighbours: what the figures show is what the tables hold."""

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from fctransfer_utils.analysis.estimates import mean_interval
from fctransfer_utils.errors import InputError
from fctransfer_utils.plots.anatomy import cost_bars, in_words, score_maps, seen_by_layers
from fctransfer_utils.plots.heads import accuracy_against_cost, compared, reading_grid
from fctransfer_utils.plots.neighbours import neighbour_board, probe_lines

RNG = np.random.default_rng(2)
IMAGE = RNG.integers(0, 256, (3, 32, 32), dtype=np.uint8)
IMAGES = RNG.integers(0, 256, (6, 3, 16, 16), dtype=np.uint8)


def costs():
    return pd.DataFrame(
        [
            ("VGG", "conv", 15_000_000, 15_000_000_000),
            ("VGG", "fc", 124_000_000, 124_000_000),
            ("tiny", "conv", 5, 500),
        ],
        columns=["network", "kind", "parameters", "multiply_adds"],
    )


def heads():
    rows = []
    for trunk, end in (("frozen", 0.6), ("learning", 0.95)):
        for hidden, head in ((0, "linear"), (2, "2 x 8 relu")):
            for epoch in (1, 2, 3):
                rows.append((trunk, head, hidden, 8 * (hidden > 0), 100 * (hidden + 1), epoch, 1 / epoch,
                             end * epoch / 3, 1 / epoch, (end - 0.05) * epoch / 3, 0.1 * epoch))  # fmt: skip
    names = ["trunk", "head", "hidden", "width", "parameters", "epoch", "train_loss", "train_top1", "validation_loss"]
    return pd.DataFrame(rows, columns=[*names, "validation_top1", "seconds"])


def test_bars_show_shares_and_write_the_totals(texts):
    figure = cost_bars(costs())
    words = texts(figure)
    for expected in ("VGG", "139 M", "15.1 G", "89 %", "11 %", "tiny"):
        assert expected in words
    shares = [patch.get_width() for patch in figure.axes[0].patches]
    assert sum(shares) == pytest.approx(200)


@pytest.mark.parametrize(
    ("number", "words"), [(138_357_544, "138 M"), (15.47e9, "15.5 G"), (999, "999"), (2500, "2.5 k")]
)
def test_large_numbers_have_three_digits(number, words):
    assert in_words(number) == words


def test_each_layer_has_a_frame_of_its_field_cut_off_at_the_image():
    fields = [SimpleNamespace(layer="conv1", size=7, stride=2, padding=3, map_side=16),
              SimpleNamespace(layer="fc6", size=71, stride=8, padding=23, map_side=1)]  # fmt: skip
    figure = seen_by_layers(IMAGE, fields)
    frames = [axes.patches[0].get_bbox() for axes in figure.axes]
    assert (frames[0].width, frames[0].x0) == (7, 7 * 2 - 3)
    assert (frames[1].width, frames[1].x0) == (32, 0)


def test_a_score_lies_over_the_middle_of_the_pixels_that_it_speaks_of():
    figure = score_maps(
        np.concatenate([IMAGE] * 2, axis=2), {"A": np.eye(3)}, stride=8, window=32, marks={"A": (16, 48)}
    )
    heat = figure.axes[1].images[1]
    left, right, bottom, top = heat.get_extent()
    assert (left, right, top, bottom) == (12, 36, 12, 36)
    crosses = [line.get_xydata().tolist() for line in figure.axes[1].lines]
    assert crosses == [[[48, 16]], [[48, 16]]]


def test_every_panel_carries_the_reading_of_its_curves(texts):
    words = texts(reading_grid(heads(), rows="trunk"))
    assert words.count("underfits") == 2
    assert words.count("fits") == 4
    assert "linear" in words


def test_accuracy_is_drawn_against_parameters_and_time_with_intervals(intervals):
    last = heads().groupby(["trunk", "head"], sort=False).tail(1).assign(test_top1=0.7, test_images=100)
    figure = accuracy_against_cost(last, by="trunk")
    assert intervals(figure) == 8
    assert [axes.get_xscale() for axes in figure.axes] == ["log", "log"]


def test_estimates_are_ordered_and_their_number_is_written(texts):
    found = {"relu": mean_interval([80.0, 82.0, 84.0]), "sigmoid": mean_interval([10.0])}
    figure = compared(found, label="Test top-1 (%)")
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["sigmoid", "relu"]
    assert "82.0  (of 3)" in texts(figure)


def board_table():
    rows = [(layer, query, rank, (query + rank) % 6, rank == 1) for layer in ("conv5", "fc7") for query in (0, 2, 3)
            for rank in (1, 2)]  # fmt: skip
    return pd.DataFrame(rows, columns=["layer", "query", "rank", "neighbour", "same"])


def test_the_board_shows_each_query_once_and_all_its_neighbours_framed_by_class(texts):
    figure = neighbour_board(IMAGES, IMAGES, board_table())
    assert texts(figure).count("query") == 3
    assert texts(figure).count("fc7") == 3
    (axes,) = figure.axes
    assert len(axes.images) == 3 + 12
    for shown, image in zip(axes.images, (IMAGES[0], IMAGES[1]), strict=False):
        np.testing.assert_allclose(shown.get_array().astype(int), image.transpose(1, 2, 0).astype(int), atol=8)
    assert [frame.get_linestyle() for frame in axes.patches].count("-") == 6
    assert len(axes.patches) == 12


def test_no_two_pictures_of_the_board_overlap():
    corners = [tuple(image.get_extent()) for image in neighbour_board(IMAGES, IMAGES, board_table()).axes[0].images]
    for one, other in itertools.combinations(corners, 2):
        assert one[1] <= other[0] or other[1] <= one[0] or one[2] <= other[3] or other[2] <= one[3]


def test_probes_run_over_the_layers_for_both_kinds_of_classes(texts):
    rows = [(classes, layer, 100) for classes in ("source", "held-out") for layer in ("fc6", "fc7")]
    table = pd.DataFrame(rows, columns=["classes", "layer", "images"])
    table = table.assign(probe=[0.9, 0.95, 0.8, 0.7], neighbours=[0.5, 0.6, 0.4, 0.3])
    figure = probe_lines(table)
    assert "held-out" in texts(figure)
    assert figure.axes[0].lines[1].get_ydata().tolist() == pytest.approx([80, 70])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: cost_bars(costs().drop(columns="kind")), "lacks kind"),
        (lambda: seen_by_layers(IMAGE, []), "no receptive fields"),
        (lambda: seen_by_layers(IMAGE[0], [1]), r"\(32, 32\)"),
        (lambda: score_maps(IMAGE, {}, stride=8, window=32), "no map"),
        (lambda: reading_grid(heads().drop(columns="epoch"), rows="trunk"), "lacks epoch"),
        (lambda: accuracy_against_cost(heads(), by="trunk"), "lacks test_images, test_top1"),
        (lambda: compared({}, label=""), "nothing to compare"),
        (lambda: neighbour_board(IMAGES[:2], IMAGES, board_table()), "query 3 is asked for, but there are 2"),
        (lambda: neighbour_board(IMAGES[:0], IMAGES, board_table()), "shape"),
        (lambda: neighbour_board(IMAGES, IMAGES, board_table().iloc[:0]), "no neighbours"),
        (lambda: probe_lines(pd.DataFrame({"layer": []})), "lacks classes"),
    ],
)
def test_what_cannot_be_drawn_is_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()
