"""Measures outside a notebook: of the networks that a store holds, into the table that the notebook reads."""

import pandas as pd
import pytest

from fctransfer_utils.cli import BAD_INPUT, main
from fctransfer_utils.course import measures
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments.profiles import study_profile


@pytest.fixture
def recorded(monkeypatch):
    """Stands in for every measure: writes one row that says which store was asked."""
    seen = []

    def compute(run, study):
        seen.append((run.notebook, run.store.path.name, study.name))
        run.measure("made", lambda: pd.DataFrame({"networks": [len(study.runs)]}))

    for name, (study, notebook, _) in measures.MEASURES.items():
        monkeypatch.setitem(measures.MEASURES, name, (study, notebook, compute))
    return seen


@pytest.mark.parametrize("name", ["keep_distances", "fc_distances", "firewall", "explore_filters", "explore_maps"])
def test_a_measure_takes_the_networks_of_the_named_store(name, project, recorded, tmp_path):
    study = study_profile(measures.study_of(name), "smoke")
    folder = measures.measure(name, study, profile="smoke", data="glyphs", store=tmp_path / "mine")
    ((notebook, store, of),) = recorded
    assert (store, of) == ("mine", study.name)
    assert notebook == measures.MEASURES[name][1]
    table = pd.read_csv(folder / "made.csv")
    assert table["networks"].tolist() == [len(study.runs)]
    assert table["data"].tolist() == ["glyphs[8x12]"]


def test_the_command_measures_the_study_that_its_options_describe(project, recorded, tmp_path, capsys):
    options = ["--profile", "smoke", "--store", str(tmp_path / "mine"), "--seeds", "0,1"]
    assert main(["measure", "fc_distances", *options]) == 0
    assert recorded == [("09_fc_versus_gap", "mine", "fc")]
    assert "fc_distances: written to" in capsys.readouterr().out


def test_an_unknown_measure_and_a_profile_that_trains_nothing_are_refused(project, tmp_path, capsys):
    assert main(["measure", "distances", "--store", str(tmp_path / "mine")]) == BAD_INPUT
    assert "unknown measure 'distances'" in capsys.readouterr().err
    study = study_profile("fc", "smoke")
    with pytest.raises(InputError, match="trains nothing"):
        measures.measure("firewall", study, profile="read", data="glyphs", store=tmp_path / "mine")
