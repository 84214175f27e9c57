"""A committed measure is shown only for what it was measured on."""

import pandas as pd
import pytest

from fctransfer_utils.course import start
from fctransfer_utils.errors import InputError


def test_a_measure_of_another_seed_is_not_shown(project):
    table = pd.DataFrame({"seed": [0, 0], "share": [0.1, 0.2]})
    start("03_base_networks", profile="smoke").measure("gabor", lambda: table, where={"seed": 0})
    (project.build / "figures" / "data" / "gabor.csv").rename(project.evidence("gabor"))
    run = start("03_base_networks", profile="read")
    assert run.measure("gabor", lambda: table, where={"seed": 0})["share"].tolist() == [0.1, 0.2]
    with pytest.raises(InputError, match="value of seed in figures/data/gabor.csv"):
        run.measure("gabor", lambda: table, where={"seed": 1})
