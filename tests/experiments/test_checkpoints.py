"""Which network a checkpoint is good for, when it is removed, and what a time limit means for one that has begun."""

import time
from dataclasses import replace

import pytest

from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments import engine
from fctransfer_utils.experiments.checkpoints import Checkpoints
from fctransfer_utils.experiments.progress import Counter, silent
from fctransfer_utils.experiments.session import Session, kind_of
from fctransfer_utils.experiments.waiting import Waiting
from fctransfer_utils.experiments.worker import load_images
from fctransfer_utils.training import Execution


@pytest.fixture
def session(study, store, tmp_path):
    """An hour is left of two, and networks are kept while they learn."""
    runs = study().runs
    return Session(
        store=store,
        counter=Counter(silent, done=0, total=len(runs)),
        waiting=Waiting(runs),
        data_root=None,
        keep_weights="donors",
        deadline=time.monotonic() + 3600.0,
        limit=7200.0,
        checkpoints=Checkpoints(tmp_path / "kept"),
        seconds={kind_of(runs[0]): 1.0},
    )


def test_a_checkpoint_is_named_by_its_network_and_that_of_a_crew_by_all(study, tmp_path):
    runs, kept = study().runs, Checkpoints(tmp_path)
    assert kept.file(runs[:1]).name == f"{runs[0].key}.safetensors"
    names = {kept.file(some).name for some in (runs[:1], runs[:2], runs[1:3], runs[:3])}
    assert len(names) == 4


def test_it_is_good_for_these_images_this_execution_and_these_versions_only(study, data_root, tmp_path, monkeypatch):
    run, kept = study().runs[0], Checkpoints(tmp_path)
    images = load_images(run.data, data_root)
    identities = [
        kept.of([spec], images=seen, execution=execution).identity
        for spec, seen, execution in (
            (run, images, Execution()),
            (study().runs[1], images, Execution()),
            (run, replace(images, fingerprint="other"), Execution()),
            (run, images, Execution(channels_last=True)),
        )
    ]
    monkeypatch.setattr("fctransfer_utils.training.execution.instructions", lambda device: f"others of {device}")
    identities.append(kept.of([run], images=images, execution=Execution()).identity)
    assert all(one != other for place, one in enumerate(identities) for other in identities[:place])


def test_checkpoints_of_networks_that_are_done_are_removed(study, store, data_root):
    runs = study(treatments=("base",))
    engine.run(runs, store, progress=silent, data_root=data_root)
    folder = store.path / "checkpoints"
    folder.mkdir()
    left = [folder / f"{name}.safetensors" for name in (runs.keys[0], "another")]
    for file in left:
        file.write_bytes(b"")
    engine.run(study(treatments=("base", "twice")), store, progress=silent, data_root=data_root)
    assert [file.exists() for file in left] == [False, True]


def test_what_cannot_end_in_time_is_not_begun(session):
    session.seconds = {kind_of(session.next_runs()[0]): 5000.0}
    assert session.next_runs() == ()


def test_but_what_has_begun_before_is_gone_on_with(session, study):
    session.seconds = {kind_of(study().runs[0]): 5000.0}
    file = session.checkpoints.file(study().runs[:1])
    file.parent.mkdir()
    file.write_bytes(b"")
    assert session.next_runs() == study().runs[:1]


def test_and_what_no_call_is_long_enough_for_is_begun(session, study):
    session.seconds = {kind_of(study().runs[0]): 1e6}
    assert session.next_runs() == study().runs[:1]
    session.checkpoints = None
    assert session.next_runs() == ()


@pytest.mark.parametrize("every", [-1.0, float("nan")])
def test_an_interval_that_is_none_is_refused(study, store, every):
    with pytest.raises(InputError, match="checkpoint_every"):
        engine.run(study(), store, progress=silent, checkpoint_every=every)
