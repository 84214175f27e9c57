"""The paper's study on a made ImageNet, from the command line to the table."""

import csv
import json
import math

import pytest
import torch

from fctransfer_utils.cli import main
from fctransfer_utils.data import rows
from fctransfer_utils.experiments.profiles import study_profile
from fctransfer_utils.experiments.record import unpack_weights
from fctransfer_utils.experiments.run_network import run_network
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.models import build, train_mode
from fctransfer_utils.training import Execution

# The paper's profile, made small in numbers only: CaffeNet on crops of 67 of 72 pixels (227 of 256), two evaluations.
SMALL = {
    "image_size": 72, "crop": 67, "epochs": 2, "steps": 2, "drop_every": 2, "batch_size": 8, "splits": ("random0",),
    "directions": (("A", "B"),), "treatments": ("base", "AnB"), "cuts": (7,),
}  # fmt: skip
OPTIONS = [
    "--image-size", "72", "--crop", "67", "--epochs", "2", "--steps", "2", "--drop-every", "2", "--batch-size", "8",
    "--splits", "random0", "--directions", "A-B", "--treatments", "base,AnB", "--cuts", "7",
]  # fmt: skip


@pytest.fixture(scope="module")
def store(tree, images, tmp_path_factory):
    """The store of ``fctransfer run transfer --profile paper``: two bases and a network of seven frozen layers."""
    where = tmp_path_factory.mktemp("paper") / "store"
    command = ["run", "transfer", "--data", tree.data, "--profile", "paper", "--store", str(where), *OPTIONS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FCTRANSFER_EXECUTION", "cpu/float32")
        assert main(command) == 0
    return Store(where, create=False)


@pytest.fixture(scope="module")
def study(tree):
    return study_profile("transfer", "paper", tree.data, **SMALL)


def test_the_network_of_the_paper_is_trained_on_halves_of_imagenet(store, study):
    records = {record.key: record for record in store.records()}
    assert set(records) == set(study.keys)
    for record in records.values():
        assert record.spec.net.label == "caffenet-gaussian"
        assert len(record.curve) == 2
        assert math.isfinite(record.result.train_loss)
        assert [epoch.learning_rate for epoch in record.curve] == pytest.approx([0.01, 0.001])


def test_the_bases_have_500_outputs_and_start_from_the_papers_biases(store, study):
    base = study.runs[0]
    state = store.weights(base.key)
    assert state["fc8.linear.weight"].shape == (500, 4096)
    fresh = build(base.net, classes=500, image_size=67, seed=0)
    assert {fresh.conv2.conv.bias[0].item(), fresh.fc7.linear.bias[0].item()} == {1.0}
    assert fresh.conv1.conv.bias[0].item() == fresh.fc8.linear.bias[0].item() == 0.0


def test_seven_layers_are_the_donors_bit_by_bit_and_dropout_stays_on_above_them(store, study, images):
    spec = next(run for run in study.runs if run.treatment == "AnB")
    donor = store.weights(spec.donor.key)
    record, state = run_network(spec, images=images, donor_state=donor, execution=Execution())
    assert record.outcome() == store.record(spec.key).outcome()
    for name, value in state.items():
        assert torch.equal(value, donor[name]) == (not name.startswith("fc8"))
    net = build(spec.net, classes=500, image_size=67, seed=0)
    train_mode(net, spec.frozen_layers)
    assert net.fc6.dropout.training
    assert net.fc7.dropout.training


def test_images_that_stay_on_the_disk_give_the_same_network(store, study, images, monkeypatch):
    monkeypatch.setattr(rows, "MOST_COPIED", 0)
    spec = study.runs[0]
    assert isinstance(images.select(range(5)).images, rows.Rows)
    record, _ = run_network(spec, images=images, execution=Execution())
    assert record.outcome() == store.record(spec.key).outcome()


def test_the_table_has_the_mean_of_the_ten_best_beside_the_last(store, tmp_path):
    out = tmp_path / "paper.csv"
    assert main(["table", "--store", str(store.path), "--out", str(out), "--best"]) == 0
    with out.open() as file:
        found = {row["key"]: row for row in csv.DictReader(file)}
    for record in store.records():
        accuracies = [epoch.test_top1 for epoch in record.curve]
        assert float(found[record.key]["top1"]) == pytest.approx(accuracies[-1], abs=1e-6)
        assert float(found[record.key]["top1_best10"]) == pytest.approx(sum(accuracies) / 2, abs=1e-6)


def test_the_weights_can_be_read_without_this_package(store, study):
    from safetensors import safe_open

    key = study.runs[0].key
    with safe_open(store.path / "weights" / f"{key}.safetensors", framework="pt") as file:
        assert "conv1.conv.weight" in file.keys()  # noqa: SIM118
    assert set(unpack_weights(store.weights_bytes(key))) == set(store.weights(key))
    assert json.loads((store.path / "records" / f"{key}.json").read_text())["spec"]["recipe"]["crop"] == 67
