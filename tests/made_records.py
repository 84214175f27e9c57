"""Records that a test can make without training: as many as it likes, each of a real specification."""

from __future__ import annotations

from dataclasses import replace

import torch

from fctransfer_utils.experiments.record import Record, Result, pack_weights, sha256
from fctransfer_utils.experiments.spec import RunSpec
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.experiments.study import Study, transfer_study
from fctransfer_utils.experiments.worker import Job, Outcome
from fctransfer_utils.models.spec import NetSpec
from fctransfer_utils.training.learner import Epoch
from fctransfer_utils.training.recipe import Recipe

WEIGHTS = pack_weights({"conv1.weight": torch.arange(6.0)})
VERSIONS = {"fctransfer": "0", "python": "3.12", "torch": "2.15", "numpy": "2.3"}
BLOCK = 50


def made_study(networks: int, *, data, epochs: int = 2) -> Study:
    """A grid of ``networks`` specifications (a multiple of 50): seeds, both directions, five treatments, six cuts."""
    grid = transfer_study(
        data=data,
        net=NetSpec(width=12),
        recipe=Recipe(epochs=epochs, batch_size=16),
        seeds=tuple(range(networks // BLOCK)),
        treatments=("base", "BnB", "BnB+", "AnB", "AnB+"),
        cuts=(1, 2, 3, 4, 5, 6),
    )
    assert len(grid.runs) == networks
    return grid


def made_record(spec: RunSpec, *, fingerprint: str = "made") -> Record:
    """A record with the curve that a short training could have had; top-1 follows from the seed and the cut."""
    top1 = 0.5 + (spec.seed % 50) / 200 + spec.n / 100
    curve = tuple(
        Epoch(epoch, 2.0 / epoch, 2.1 / epoch, top1 - 0.01 * (spec.recipe.epochs - epoch), 0.01, 0.5 * epoch)
        for epoch in range(1, spec.recipe.epochs + 1)
    )
    return Record(
        spec=spec,
        curve=curve,
        result=Result(curve[-1].test_top1, curve[-1].train_loss),
        versions=VERSIONS,
        execution="cpu/float32",
        seconds=curve[-1].seconds,
        data_fingerprint=fingerprint,
        split_checksum="made",
        weights_sha256=sha256(WEIGHTS),
        donor_sha256=sha256(WEIGHTS) if spec.donor else "",
    )


def one_record(spec, weights: bytes) -> Record:
    """A record of any specification, with the bytes of its ``weights``."""
    return Record(
        spec=spec,
        curve=(Epoch(1, 4.5, 4.25, 0.125, 0.02, 1.5), Epoch(2, 3.0, 3.5, 0.25, 0.0, 3.0)),
        result=Result(0.25, 3.0),
        versions={"torch": "2.11", "numpy": "2.1", "python": "3.11", "fctransfer": "0.1.0"},
        execution="cpu/float32",
        seconds=3.25,
        data_fingerprint="abc",
        split_checksum="def",
        weights_sha256=sha256(weights),
    )


def outcomes(store: Store) -> dict:
    """Everything that must be the same however a study was run, by key."""
    return {record.key: record.outcome() for record in store.records()}


def made_outcome(job: Job, **_: object) -> Outcome:
    """In place of training: at once what ``train_job`` would have brought back."""
    records = tuple(replace(made_record(run), data_fingerprint=job.fingerprint) for run in job.runs)
    return Outcome(records, {record.key: WEIGHTS for record in records if record.key in job.keep})
