"""The figures of what a study costs show every row of their tables."""

import numpy as np
import pandas as pd
import pytest

from fctransfer_utils.analysis.scale import estimates
from fctransfer_utils.plots import scale as draw

WORK = pd.DataFrame(
    [("transfer", "base", 8, 1e9, 4e18), ("transfer", "BnB", 56, 7e9, 2e19), ("random", "random", 14, 1e9, 5e18)],
    columns=["study", "treatment", "networks", "images_seen", "operations"],
)


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_every_treatment_of_a_study_is_a_bar_with_its_number_of_networks():
    figure = draw.work_of_studies(WORK)
    (axes,) = figure.axes
    assert [patch.get_width() for patch in axes.patches] == WORK.operations.tolist()
    assert texts(figure) == ["8", "56", "14"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["transfer", "random"]


def test_the_line_of_frozen_networks_lies_between_the_forward_pass_and_the_base():
    rows = [(t, n, 0.34, 1.0 - 0.09 * n * (t == "BnB")) for t in ("BnB", "BnB+") for n in range(1, 8)]
    figure = draw.work_by_cut(pd.DataFrame(rows, columns=["treatment", "n", "forward", "share"]))
    frozen, tuned = figure.axes[0].lines
    assert frozen.get_ydata()[-1] == pytest.approx(0.37)
    assert set(tuned.get_ydata()) == {1.0}


def test_measured_speeds_are_bars_and_predictions_marks():
    rows = [
        ("net", 32, "base", 0, 100.0, 100.0),
        ("net", 32, "BnB", 7, 250.0, 300.0),
        ("big", 227, "base", 0, 5.0, 5.0),
    ]
    columns = ["net", "image_size", "treatment", "n", "images_per_second", "predicted"]
    figure = draw.measured_speeds(pd.DataFrame(rows, columns=columns))
    first, second = figure.axes
    assert [bar.get_height() for bar in first.patches] == [100.0, 250.0]
    assert first.lines[0].get_ydata().tolist() == [100.0, 300.0]
    assert second.get_title(loc="left") == "big\n227 pixels"


def test_both_hours_of_every_device_are_drawn_and_the_longer_one_is_written():
    table = estimates(operations=1e20, images=1e9, image_bytes=2e5, network_bytes=1e9, share=0.1, disk=2e9, price=1)
    figure = draw.hours_on_hardware(table)
    assert len(figure.axes[0].patches) == 2 * len(table)
    assert texts(figure) == [f"{hours:,.0f} h" for hours in table.hours]


def test_hours_by_devices_fall_to_the_shortest_chain():
    table = pd.DataFrame({"workers": [1, 2, 4], "hours": [12.0, 7.0, 5.0], "ideal": [12.0, 6.0, 3.0], "shortest": 5.0})
    axes = draw.hours_by_workers(table).axes[0]
    assert np.allclose(axes.lines[1].get_ydata(), table.hours)
    assert axes.lines[2].get_ydata()[0] == 5.0
