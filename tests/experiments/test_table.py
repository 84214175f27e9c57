"""A table has the rows of its study and no others, and says what is left, diverged, or not true here."""

import shutil
from dataclasses import replace

import pandas as pd
import pytest
from made_studies import others, records, small_profile, small_study, tiny, trained

from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments import engine
from fctransfer_utils.experiments.network import Network
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.experiments.studies import random_filters
from fctransfer_utils.experiments.table import read, status, write_csv
from fctransfer_utils.experiments.verify import verify

STUDY = small_study()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The transfer study, and networks of another one, in one store."""
    made = trained(STUDY, tmp_path_factory.mktemp("store"))
    engine.run(random_filters(small_profile()), made, load=tiny)
    return made


def test_rows_are_those_of_the_study(store):
    frame = read(STUDY, store)
    assert len(frame) == len(STUDY) < len(records(store))
    assert frame["key"].tolist() == [network.key for _, network in STUDY]
    for (labels, network), row in zip(STUDY, frame.to_dict("records"), strict=True):
        assert labels.items() <= row.items()
        assert row["top1"] == pytest.approx(store.record(network).measures["top1"], abs=1e-6)
    assert status(STUDY, store).left == 0
    other = read(random_filters(small_profile()), store)
    shared = set(other["key"]) & set(frame["key"])
    assert shared == set(frame[frame.treatment == "base"]["key"])


def test_what_is_not_trained_is_counted(store, tmp_path):
    copied = Store(shutil.copytree(store.path, tmp_path / "copy"))
    more = small_study(replicates=2)
    assert len(read(more, copied)) == len(STUDY)
    assert (status(more, copied).done, status(more, copied).left) == (len(STUDY), len(STUDY))
    assert read(STUDY, Store(tmp_path / "nothing")).empty
    assert status(STUDY, Store(tmp_path / "nothing")).left == len(STUDY)
    assert not (tmp_path / "nothing").exists()


def test_a_diverged_network_is_marked_and_in_no_mean(tmp_path):
    tame = STUDY[0][1]
    wild = replace(tame, recipe=replace(tame.recipe, learning_rate=1e12, warmup=0.0))
    study = [({"rate": "wild"}, wild), ({"rate": "tame"}, tame)]
    store = trained(study, tmp_path)
    frame = read(study, store)
    assert frame["diverged"].tolist() == [True, False]
    assert frame["top1"].mean() == store.record(tame).measures["top1"]
    assert (status(study, store).done, status(study, store).diverged) == (2, 1)
    found = verify(frame, study, count=2, load=tiny)
    assert [verdict.word for verdict in found] == ["equal", "equal"]


def test_names_that_are_not_utf8_come_through_a_csv(store, tmp_path):
    name = b"\xca\xfd\xbe\xdd".decode("utf-8", "surrogateescape")  # a folder's name in GBK
    study = [(labels | {"data": name}, network) for labels, network in STUDY]
    write_csv(read(study, store), tmp_path / "table.csv")
    frame = pd.read_csv(tmp_path / "table.csv", encoding="utf-8")
    assert frame.drop(columns="data").equals(read(STUDY, store).drop(columns="data"))


def test_a_table_is_true_where_it_was_made(store, tmp_path):
    write_csv(read(STUDY, store), tmp_path / "table.csv")
    verdicts = verify(pd.read_csv(tmp_path / "table.csv"), STUDY, load=tiny, count=4)
    assert [(verdict.word, verdict.same_images) for verdict in verdicts] == [("equal", True)] * 4
    assert all(verdict.was == verdict.now for verdict in verdicts)


def test_what_is_not_so_is_said(store):
    frame = read(STUDY, store)
    frame["top1"] += 0.02
    assert {verdict.word for verdict in verify(frame, STUDY, load=tiny, count=2)} == {"within"}
    frame["top1"] += 0.02
    assert {verdict.word for verdict in verify(frame, STUDY, load=tiny, count=2)} == {"different"}
    unmeasured = read(STUDY, store).assign(top1=float("nan"))
    assert {verdict.word for verdict in verify(unmeasured, STUDY, load=tiny, count=2)} == {"different"}
    frame = read(STUDY, store).assign(diverged=True)
    assert {verdict.word for verdict in verify(frame, STUDY, load=tiny, count=2)} == {"different"}
    assert not any(verdict.same_images for verdict in verify(frame, STUDY, load=others, count=2))


def test_a_table_of_another_study_is_refused(store):
    with pytest.raises(InputError, match="none of this study's"):
        verify(read(STUDY, store), small_study(epochs=3), load=tiny)
    with pytest.raises(InputError, match="none of this study's"):
        verify(pd.DataFrame({"key": []}), [({}, Network())], load=tiny)
