"""A measure is shown only for what it was measured on."""

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


def test_a_measure_holds_one_size_of_a_data_set(project):
    for profile, share in (("smoke", 0.1), ("quick", 0.2)):
        table = pd.DataFrame({"share": [share]})
        start("03_base_networks", profile=profile).measure("gabor", lambda table=table: table)
    rows = pd.read_csv(project.build / "figures" / "data" / "gabor.csv")
    assert rows["share"].tolist() == [0.2]
    assert rows["data"].str.startswith("glyphs[").all()
