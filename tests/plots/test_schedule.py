"""The picture of a learning-rate schedule."""

import pandas as pd
import pytest

from fctransfer_utils.errors import InputError
from fctransfer_utils.plots.schedule import schedules


def test_every_schedule_has_its_line_and_records_are_dots():
    table = pd.DataFrame(
        {"schedule": ["linear", "linear", "step", "step"], "epoch": [0.5, 1, 0.5, 1], "learning_rate": [2, 1, 2, 0.2]}
    )
    axes = schedules(table, points=pd.DataFrame({"epoch": [1], "learning_rate": [1]})).axes[0]
    assert [line.get_label() for line in axes.lines] == ["linear", "step", "recorded in training"]
    assert axes.lines[1].get_ydata().tolist() == [2, 0.2]
    assert axes.lines[2].get_linestyle() == "None"


def test_nothing_to_draw_is_an_error():
    with pytest.raises(InputError, match="no learning rates"):
        schedules(pd.DataFrame({"schedule": [], "epoch": [], "learning_rate": []}))
