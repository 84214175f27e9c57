"""A network whose numbers stop being numbers is recorded as diverged; its neighbours and its study go on."""

from __future__ import annotations

import math

import pytest
import torch
from made_runs import small_study

from fctransfer_utils.experiments import places, worker
from fctransfer_utils.experiments.record import pack_weights, unpack_weights
from fctransfer_utils.experiments.run_network import run_crew
from fctransfer_utils.experiments.table import read_table, tidy, write_table
from fctransfer_utils.training.execution import Execution


def spoilt(content, layer):
    """The bytes of weights with one number of ``layer`` that is none."""
    state = unpack_weights(content)
    name = next(name for name in state if name.startswith(f"{layer}."))
    state[name] = state[name].clone()
    state[name].view(-1)[0] = math.nan
    return pack_weights(state)


def test_one_that_diverges_harms_none_that_learn_beside_it(run, store, undisturbed):
    run(store)
    crew = [spec for spec in small_study().runs if spec.treatment == "AnB"]
    donor = crew[0].donor.key
    state = unpack_weights(spoilt(store.weights_bytes(donor), "fc7"))  # copied at n = 7, not at n = 1
    images = worker.load_images(crew[0].data, None)
    common = {"images": images, "donors": {donor: state}, "execution": Execution("cpu", "float32")}
    records = {spec.n: record for spec, (record, _) in zip(crew, run_crew(crew, **common), strict=True)}
    assert records[7].result.diverged
    assert not records[1].result.diverged
    alone = undisturbed[1][records[1].key]
    assert {**records[1].outcome(), "donor_sha256": ""} == {**alone, "donor_sha256": ""}


@pytest.fixture
def one_diverges(monkeypatch):
    """Every training step of networks with a frozen or copied layer gives no number: the donors are sound."""
    real = worker.train_job

    def train(job, **told):
        donors = {key: spoilt(content, "conv1") for key, content in job.donors.items()}
        return real(type(job)(**{**vars(job), "donors": donors}), **told)

    monkeypatch.setattr(places, "train_job", train)


def test_a_study_with_diverged_networks_ends_and_its_table_says_so(run, store, one_diverges, tmp_path):
    report = run(store)
    assert (report.done, report.remaining) == (7, 0)
    diverged = {record.key for record in store.records() if record.result.diverged}
    assert set(report.diverged) == diverged
    assert len(diverged) == 5
    write_table(tidy(store.records(), study="transfer"), tmp_path / "table.csv")
    rows = read_table(tmp_path / "table.csv")
    assert {row["key"] for row in rows if math.isnan(row["train_loss"])} == diverged
    assert run(store).done == 0


def test_weights_that_are_no_numbers_survive_their_file(store):
    state = {"conv1.weight": torch.tensor([math.nan, math.inf, 1.0])}
    found = unpack_weights(pack_weights(state))
    assert torch.equal(found["conv1.weight"].isnan(), torch.tensor([True, False, False]))
