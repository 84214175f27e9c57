"""Committed networks are found again by their keys, drawn by a seed, trained again and compared."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments import engine, verify
from fctransfer_utils.experiments.names import STUDIES
from fctransfer_utils.experiments.profiles import study_profile
from fctransfer_utils.experiments.progress import silent
from fctransfer_utils.experiments.recall import specifications
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.experiments.table import read_table, tidy, write_table
from fctransfer_utils.training import Execution
from fctransfer_utils.training.execution import INSTRUCTIONS, MAX_INSTRUCTIONS, instructions

COMMITTED = Path(__file__).parents[2] / "figures" / "data"
SIZE = {"glyph_classes": 4, "glyphs_per_class": 4, "directions": (("A", "B"),), "cuts": (1,)}


@pytest.mark.parametrize("study", STUDIES)
def test_every_committed_row_on_glyphs_is_specified_again_by_its_own_columns(study):
    rows = [row for row in read_table(COMMITTED / f"{study}.csv") if row["data"].startswith("glyphs")]
    specs = specifications(rows)
    assert {row["key"] for row in rows} == set(specs)
    assert all(key == spec.key for key, spec in specs.items())


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    """A committed table of two small studies, in the way of ``figures/data``."""
    folder = tmp_path_factory.mktemp("evidence")
    paths = []
    for name in ("transfer", "random"):
        study = study_profile(name, "quick", **SIZE, epochs=8)
        store = Store(folder / f"store-{name}")
        engine.run(study, store, execution=Execution(), progress=silent)
        paths.append(folder / f"{name}.csv")
        write_table(tidy(store.records(), study=name), paths[-1])
    return paths


@pytest.fixture(scope="module")
def among(evidence):
    return verify.candidates(evidence)


def again(chosen, among, tmp_path, **options):
    return verify.verify(chosen, among, Store(tmp_path / "again"), progress=silent, **options)


def test_candidates_are_each_network_once_the_cheapest_first(among, evidence):
    keys = {row["key"] for path in evidence for row in read_table(path)}
    assert {each.row["key"] for each in among} == keys
    assert len(among) == len(keys)
    assert [each.seconds for each in among] == sorted(each.seconds for each in among)
    for each in among:
        assert each.seconds >= each.row["seconds"]


def test_the_draw_is_fixed_by_its_seed_and_among_the_cheapest(among):
    drawn = [[each.row["key"] for each in verify.sample(among, count=2, seed=seed, pool=1.0)] for seed in range(8)]
    assert drawn[0] == [each.row["key"] for each in verify.sample(among, count=2, seed=0, pool=1.0)]
    assert len({tuple(keys) for keys in drawn}) > 2
    (cheapest,) = verify.sample(among, count=1, seed=5, pool=0.001, studies=["transfer"])
    assert cheapest == next(each for each in among if each.row["study"] == "transfer")


def test_on_the_same_machine_they_are_equal(among, tmp_path):
    chosen = [each for each in among if each.row["treatment"] in ("AnB", "random")][:2]
    found = again(chosen, among, tmp_path)
    assert all(one.equal and one.within for one in found.compared)
    assert {one.key for one in found.compared} >= {each.row["key"] for each in chosen}
    text = verify.lines(found, versions={"torch": "2"})
    assert len(text) == len(found.compared) + 1
    assert text[-1].startswith(f"{len(found.compared)} networks trained again on cpu/float32")
    assert "0 outside" in text[-1]


def test_rows_of_an_older_processor_are_met_by_leaving_out_newer_instructions(among, tmp_path):
    """In worker processes, since this one may have multiplied matrices before."""
    if instructions() not in INSTRUCTIONS:
        pytest.skip(f"{instructions()} has no older instructions to keep to")
    (base,) = [each for each in among if each.row["treatment"] == "base"][:1]
    older = replace(base, row={**base.row, "instructions": "SSE41"})
    found, same = (again([older], [older], tmp_path / str(newest), newest=newest) for newest in (None, instructions()))
    assert found.committed == same.committed == "SSE41"
    assert "used SSE41" in verify.lines(same, versions={"torch": "2"})[-1]
    assert all(one.equal for one in same.compared)
    assert found.instructions == "SSE41"
    stores = (Store(tmp_path / str(newest) / "again") for newest in (None, instructions()))
    assert len({store.record(base.spec.key).weights_sha256 for store in stores}) == 2


def test_instructions_that_this_processor_lacks_are_told(among, tmp_path):
    chosen = [replace(each, row={**each.row, "instructions": "sm_90"}) for each in among[:1]]
    found = again(chosen, among, tmp_path)
    assert verify.lines(found, versions={"torch": "2"})[-1].startswith("The committed ones used sm_90")


def test_a_store_from_before_instructions_were_noted_is_compared_too(among, tmp_path, monkeypatch):
    noted = Store.record

    def unnoted(store, key):
        record = noted(store, key)
        return replace(
            record, versions={name: text for name, text in record.versions.items() if name != "instructions"}
        )

    monkeypatch.setattr(Store, "record", unnoted)
    found = again(among[:1], among, tmp_path)
    assert (found.instructions, len(found.compared)) == ("", 1)
    assert "no instructions noted" in verify.lines(found, versions={"torch": "2"})[-1]


def test_rows_without_a_note_are_trained_as_those_on_glyphs_were(among, tmp_path, monkeypatch):
    told = {}
    monkeypatch.setattr(engine, "run", lambda study, store, **options: told.update(options, env=dict(os.environ)))
    row = {**among[0].row, "instructions": "", "device": "cpu/bfloat16"}
    again([replace(among[0], row=row)], among, tmp_path)
    assert told["execution"] == Execution("cpu", "bfloat16", channels_last=True)
    assert told["env"][MAX_INSTRUCTIONS] == verify.UNNOTED


def test_a_donor_is_trained_and_compared_too(among, tmp_path):
    chosen = [each for each in among if each.row["treatment"] == "AnB"][:1]
    found = again(chosen, among, tmp_path)
    assert [one.key for one in found.compared] == [chosen[0].spec.donor.key, chosen[0].spec.key]


def test_a_row_that_was_made_up_lies_outside(among, tmp_path):
    (each,) = [each for each in among if each.row["treatment"] == "base"][:1]
    false = replace(each, row={**each.row, "top1": abs(each.row["top1"] - 0.5)})
    found = again([false], [false], tmp_path)
    assert [one.within for one in found.compared] == [False]
    assert verify.lines(found, versions={"torch": "2"})[0].startswith("OUTSIDE")
    assert again([false], [false], tmp_path / "wide", tolerance=1.0).compared[0].within


def test_what_there_is_no_time_for_is_counted(among, tmp_path):
    found = again(among[:1], among, tmp_path, time_limit=1e-9)
    assert (found.compared, found.lost > 0) == ((), True)


def test_the_tolerance_is_that_of_two_shares_and_at_least_two_points():
    assert verify.tolerance_of(0.5, 1250) == pytest.approx(0.06)
    assert verify.tolerance_of(1.0, 1250) == verify.LEAST == 0.02


def test_bad_requests_are_named(among, evidence, tmp_path):
    with pytest.raises(InputError, match="AVX9"):
        again(among[:1], among, tmp_path, newest="AVX9")
    for options, named in (({"count": 0}, "sample 0"), ({"count": 1, "studies": ["dip"]}, "dip")):
        with pytest.raises(InputError, match=named):
            verify.sample(among, **{"seed": 0, **options})
    with pytest.raises(InputError, match="cifar10"):
        verify.candidates(evidence, data="cifar10")
