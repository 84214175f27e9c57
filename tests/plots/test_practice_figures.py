"""The figures about new layers show the numbers of their tables, zeros and diverged runs included."""

import numpy as np
import pandas as pd
import pytest

from fctransfer_utils.errors import InputError
from fctransfer_utils.plots import practice


def steps():
    rows = []
    for choice, start, norms in (("He", 3.2, (0.1, 0.02, 3.0)), ("zero", 3.2, (0.0, 0.0, 0.0))):
        for seed in (0, 1):
            for step in range(20):
                loss = start - (0.1 * step if choice == "He" else 0)
                rows.append((choice, seed, step, loss, *norms))
    return pd.DataFrame(rows, columns=["choice", "seed", "step", "loss", "norm_fc6", "norm_fc7", "norm_fc8"])


def test_first_steps_draw_zeros_open_at_the_bottom(texts):
    figure = practice.first_steps(steps())
    left, right = figure.axes
    assert [round(float(line.get_ydata()[-1]), 2) for line in left.lines] == [1.3, 3.2]
    open_markers = [line for line in right.lines if line.get_markerfacecolor() == "white" and len(line.get_ydata())]
    assert [list(line.get_ydata()) for line in open_markers] == [[practice.ZERO] * 3]
    assert "open: exactly 0" in texts(figure)


def test_gradients_into_the_trunk_have_a_marker_per_seed():
    rows = [(cut, init, seed, value) for cut in ("conv5", "fc7") for init, value in (("zero", 0.0), ("he", 20.0))
            for seed in (0, 1)]  # fmt: skip
    figure = practice.into_trunk(pd.DataFrame(rows, columns=["cut", "last_init", "seed", "gradient"]))
    (axes,) = figure.axes
    assert sum(len(points.get_offsets()) for points in axes.collections) == 8
    assert axes.get_yscale() == "log"


def test_head_first_has_three_measures_per_choice():
    rows = [
        (choice, way, seed, epoch, 0.1 * epoch, 0.05 * epoch, 0.01 * epoch, 1.0)
        for choice in ("small", "He") for way in ("head only", "all at once") for seed in (0, 1) for epoch in (0, 2, 4)
    ]  # fmt: skip
    names = ["choice", "way", "seed", "epoch", "top1", "degraded_top1", "moved", "gradient"]
    figure = practice.head_first(pd.DataFrame(rows, columns=names))
    assert len(figure.axes) == 6
    assert [axes.get_title(loc="left") for axes in figure.axes][2:4] == ["trunk moved (%)", ""]
    assert list(figure.axes[0].lines[0].get_ydata()) == pytest.approx([0, 20, 40])


def test_a_regression_shows_the_best_and_the_last_cut(texts):
    scores = pd.DataFrame({"cut": ["conv1", "conv3", "fc7"], "seed": 0, "error": [9.0, 4.0, 8.0],
                           "explained": [0.4, 0.8, 0.5]})  # fmt: skip
    points = pd.DataFrame({"cut": ["conv1", "conv3", "fc7"] * 5, "true": np.arange(15.0), "predicted": np.arange(15.0)})
    figure = practice.regression(scores, points, quantity="rotation", unit="degrees")
    assert [axes.get_title(loc="left") for axes in figure.axes[1:]] == ["after conv3: error 4", "after fc7: error 8"]
    assert "predicted (degrees)" in texts(figure)


def test_compared_rows_have_a_mark_per_seed_and_name_diverged_runs(texts):
    table = pd.DataFrame({"choice": ["a", "a", "b", "b"], "top1": [0.5, 0.7, np.nan, 0.2], "k": 5})
    figure = practice.compared(table, value="top1", label="Top-1 (%)", panel="k")
    (axes,) = figure.axes
    drawn = [list(line.get_xdata()) for line in axes.lines]
    assert drawn[0] == [50, 70]
    assert drawn[1] == [pytest.approx(60)]
    assert "1 of 2 diverged" in texts(figure)
    with pytest.raises(InputError, match="unknown column 'loss'"):
        practice.compared(table, value="loss", label="")


def test_sizes_are_drawn_with_their_maps(texts):
    rows = [(size, way, side, 0, 0.5) for size, side in ((16, 2), (32, 4)) for way in ("flatten", "gap")]
    figure = practice.by_size(pd.DataFrame(rows, columns=["size", "way", "map", "seed", "top1"]), own=32)
    assert "16\n(2×2)" in texts(figure)


def test_epochs_are_drawn_with_each_seed():
    table = pd.DataFrame({"start": "a", "seed": [0, 0, 1, 1], "epoch": [1, 2, 1, 2], "error": [4.0, 2.0, 6.0, 4.0]})
    figure = practice.by_epoch(table, value="error", label="error", by="start")
    assert list(figure.axes[0].lines[-1].get_ydata()) == [5.0, 3.0]


@pytest.mark.parametrize("draw", [practice.first_steps, practice.into_trunk, practice.head_first])
def test_nothing_to_draw_is_said(draw):
    with pytest.raises(InputError, match="to draw; measure at least one"):
        draw(pd.DataFrame())
