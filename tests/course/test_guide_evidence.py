"""The guide's evidence is collected from this notebook and from every committed table."""

import pandas as pd
import pytest

from fctransfer_utils.course.guide import all_evidence
from fctransfer_utils.course.start import start
from tests.made_keep import FAR, NEAR, keep_table, made_distances
from tests.made_volume import volume_table


@pytest.fixture
def own():
    return {"keep": keep_table(), "distances": made_distances().assign(n=7)}


def write(project, name, table):
    table.to_csv(project.figures / "data" / f"{name}.csv", index=False)


def test_its_own_networks_and_distances_are_enough(project, own):
    (project.figures / "data" / "transfer.csv").unlink()
    evidence = all_evidence(start("11_which_layers_to_keep", profile="read"), **own)
    assert len(evidence) == len(own["keep"])
    assert set(evidence["domain"]) == {0.4, 1.4}


def test_committed_tables_come_on_top_and_halves_have_the_distances_of_notebook_06(project, own):
    (project.figures / "data" / "transfer.csv").unlink()
    volume = volume_table(seeds=1).assign(study="volume", train_loss=0.1, seconds=1.0, device="cpu", torch="2")
    write(project, "volume", volume.assign(key=[f"v{number}" for number in range(len(volume))]))
    halves = {
        "data": "glyphs[50x64]",
        "split": "random0",
        "source": "A",
        "target": "B",
        "n": [5, 7],
        "domain": [0.2, 0.6],
    }
    write(project, "task_distances", pd.DataFrame(halves))
    write(project, "keep", own["keep"])
    evidence = all_evidence(start("11_which_layers_to_keep", profile="read"), **own)
    assert set(evidence["study"]) == {"keep", "volume"}
    assert evidence["key"].is_unique
    assert set(evidence.loc[evidence["study"] == "volume", "domain"]) == {0.6}


def test_its_own_distance_of_a_target_counts_before_a_committed_one(project, own):
    (project.figures / "data" / "transfer.csv").unlink()
    write(project, "keep_distances", own["distances"].assign(domain=[1.9, 1.9]))
    evidence = all_evidence(start("11_which_layers_to_keep", profile="read"), **own)
    assert evidence.groupby("target_set")["domain"].first().to_dict() == {NEAR: 0.4, FAR: 1.4}
