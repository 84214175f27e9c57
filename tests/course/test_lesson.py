"""What a notebook does through the object that `course.start` returns."""

from __future__ import annotations

import json
import subprocess
import sys

import pandas as pd
import pytest
from matplotlib.figure import Figure

from fctransfer_utils.analysis.claims import Claim
from fctransfer_utils.course import CheckFailed, memory, start
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments import profiles


@pytest.fixture
def renewing(project, monkeypatch, capsys):
    monkeypatch.setenv("FCTRANSFER_RENEW", "1")
    course = start("05_transfer_curves", profile="read")
    capsys.readouterr()
    return course


def drawing():
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([1, 2], [3, 5])
    return figure


NUMBERS = pd.DataFrame({"n": [1, 2], "top1": [3.0, 5.0]})


class TestTables:
    def test_read_takes_the_rows_of_its_data_set_from_the_committed_table(self, run):
        rows = run.study("transfer")
        assert list(rows["data"]) == ["glyphs[50x200]"]
        assert rows["top1"].tolist() == [0.61]
        assert rows["source"].tolist() == [""]

    def test_the_evidence_of_another_data_set_can_be_asked_for(self, run):
        assert run.evidence("transfer", data="tiny-imagenet")["image_size"].tolist() == [64]

    def test_a_data_set_without_evidence_is_named_with_what_there_is(self, project):
        run = start("05_transfer_curves", data="cifar10")
        with pytest.raises(
            InputError, match=r"unknown data set in figures/data/transfer.csv 'cifar10'; allowed: glyphs, tiny"
        ):
            run.study()

    def test_rows_can_be_narrowed_and_an_empty_choice_is_refused(self, run):
        assert len(run.study(where={"image_size": 32, "treatment": ["base", "AnB"]})) == 1
        with pytest.raises(
            InputError, match="unknown value of image_size in figures/data/transfer.csv 64; allowed: 32"
        ):
            run.study(where={"image_size": 64})
        with pytest.raises(InputError, match="unknown column .* 'treatmant'; .* Did you mean 'treatment'"):
            run.study(where={"treatmant": "base"})

    def test_a_missing_or_damaged_table_says_what_to_do(self, run, project):
        project.evidence("transfer").write_text("a,b\n1,2\n", encoding="utf-8")
        with pytest.raises(InputError, match="lacks the columns study, data"):
            run.study()
        project.evidence("transfer").unlink()
        with pytest.raises(
            InputError, match="figures/data/transfer.csv is missing, and the profile 'read' trains nothing"
        ):
            run.study()

    def test_read_has_no_networks(self, run):
        with pytest.raises(InputError, match="'read' trains nothing and has no store; choose 'quick'"):
            run.base_networks()

    def test_a_measure_is_computed_once_and_read_back_the_same(self, project, monkeypatch):
        made = pd.DataFrame({"layer": [1, 2], "share": [1 / 3, 2 / 3], "note": ["x", "y"]})
        fresh = start("03_base_networks", profile="smoke").measure("gabor", lambda: made)
        written = project.build / "figures" / "data" / "gabor.csv"
        written.rename(project.evidence("gabor"))
        never = pytest.fail
        committed = start("03_base_networks", profile="read").measure("gabor", lambda: never("computed in read"))
        pd.testing.assert_frame_equal(fresh, committed)
        assert fresh["share"].tolist() == [0.333333, 0.666667]

    def test_a_measure_keeps_the_rows_of_other_data_sets(self, project):
        table = pd.DataFrame({"share": [0.5]})
        start("03_base_networks", profile="smoke").measure("gabor", lambda: table)
        start("03_base_networks", profile="smoke", data="cifar10").measure("gabor", lambda: table * 2)
        start("03_base_networks", profile="smoke", data="cifar10").measure("gabor", lambda: table * 3)
        rows = pd.read_csv(project.build / "figures" / "data" / "gabor.csv")
        assert dict(zip(rows["data"], rows["share"], strict=True)) == {"cifar10": 1.5, "glyphs[8x12]": 0.5}


class TestFigures:
    def test_a_figure_is_written_three_times_and_shown_with_its_caption(self, run, project, capsys):
        run.figure(drawing(), "curves", caption="It rises.", data=NUMBERS)
        folder = project.build / "figures"
        assert sorted(path.name for path in folder.iterdir()) == ["curves.png", "curves.svg", "data"]
        assert (folder / "data" / "curves.csv").read_text(encoding="utf-8") == "n,top1\n1,3\n2,5\n"
        assert "It rises." in capsys.readouterr().out
        assert not list(project.figures.glob("curves*"))

    def test_two_runs_write_the_same_bytes(self, run, project):
        texts = []
        for _ in range(2):
            run.figure(drawing(), "curves", caption="It rises.", data=NUMBERS)
            texts.append([path.read_bytes() for path in sorted((project.build / "figures").glob("curves.*"))])
        assert texts[0] == texts[1]

    def test_only_renewing_writes_beside_the_committed_ones(self, renewing, project):
        renewing.figure(drawing(), "curves", caption="It rises.", data=NUMBERS)
        assert (project.figures / "curves.svg").exists()

    def test_a_figure_without_a_caption_is_refused(self, run):
        with pytest.raises(InputError, match="figure 'curves' has no caption"):
            run.figure(drawing(), "curves", caption=" ", data=NUMBERS)

    def test_a_figure_with_the_name_of_a_measure_is_refused_before_it_replaces_its_table(self, run, project):
        (project.figures / "data" / "spread.csv").write_text("data,n\nglyphs[50x200],1\n", encoding="utf-8")
        run.measure("spread", lambda: NUMBERS)
        with pytest.raises(InputError, match="figure 'spread' has the name of a measure"):
            run.figure(drawing(), "spread", caption="It spreads.", data=NUMBERS)


class TestChecks:
    def test_what_holds_is_said(self, run, capsys):
        run.check("n = 0 is a fresh net", True, "largest difference 0")
        assert capsys.readouterr().out == "✓ n = 0 is a fresh net (largest difference 0)\n"

    def test_what_does_not_hold_stops_the_notebook(self, run):
        with pytest.raises(CheckFailed, match=r"does not hold: n = 0 is a fresh net \(largest difference 3\)"):
            run.check("n = 0 is a fresh net", False, "largest difference 3")
        assert run.checked == []

    def test_a_published_value_must_come_out_again(self, project, monkeypatch, renewing):
        renewing.expect("base-a", 0.5, tolerance=0.01, seeds="0-2", source="transfer.csv")
        monkeypatch.delenv("FCTRANSFER_RENEW")
        run = start("05_transfer_curves")
        assert run.expect("base-a", 0.508) == 0.508
        for value in (0.515, float("nan")):
            with pytest.raises(CheckFailed, match=r"base-a is .*, but 0.5 within 0.01 is expected \(transfer.csv\)"):
                run.expect("base-a", value)
        assert start("05_transfer_curves", profile="smoke").expect("base-a", 0.1) == 0.1

    def test_networks_trained_on_the_published_images_must_give_the_published_value(self, project):
        wanted = {"base-a": {"value": 0.5, "tolerance": 0.01, "seeds": "0", "source": "transfer.csv"}}
        expected = {"glyphs": wanted, "tiny-imagenet": wanted}
        (project.figures / "expected.json").write_text(json.dumps(expected), encoding="utf-8")
        with pytest.raises(CheckFailed, match="base-a is 0.1, but 0.5"):
            start("05_transfer_curves", profile="full", data="tiny-imagenet").expect("base-a", 0.1)
        # the committed glyphs are 50 classes, those of `full` 200: another number is no mistake
        assert start("05_transfer_curves", profile="full").expect("base-a", 0.1) == 0.1

    def test_a_value_that_nothing_is_published_for_is_refused(self, run):
        with pytest.raises(InputError, match="unknown value expected for glyphs 'base-a'.*make evidence PROFILE=read"):
            run.expect("base-a", 0.5)

    def test_a_damaged_file_of_expected_values_is_refused(self, run, project):
        (project.figures / "expected.json").write_text("[", encoding="utf-8")
        with pytest.raises(InputError, match="cannot read expected.json"):
            run.expect("base-a", 0.5)
        (project.figures / "expected.json").write_text('{"glyphs": {"base-a": {"worth": 1}}}', encoding="utf-8")
        with pytest.raises(InputError, match="another layout at glyphs/base-a"):
            run.expect("base-a", 0.5)


def test_at_the_end_checks_claims_and_figures_are_on_record(run, project, capsys):
    claim = Claim("dip", "It dips.", "Fig. 2", "-3 points", None, "inconclusive", "05_transfer_curves")
    run.check("two is two", True)
    run.claims([claim])
    run.figure(drawing(), "curves", caption="It rises.", data=NUMBERS)
    run.finish()
    out = capsys.readouterr().out
    assert "It dips." in out
    assert "inconclusive" in out
    assert out.endswith("1 checks hold; figures in build/figures: curves\n")
    found = json.loads(project.claims("read", "05_transfer_curves").read_text(encoding="utf-8"))
    assert found["checks"] == ["two is two"]
    assert found["claims"] == [{"id": "dip", "statement": "It dips.", "verdict": "inconclusive"}]
    assert found["figures"] == ["curves"]
    assert found["seconds"] >= 0


def test_the_most_memory_so_far_stays_when_it_is_given_back():
    program = f"""
import runpy
most = runpy.run_path({memory.__file__!r})["most_megabytes"]
before = most()
held = bytearray(b"x") * 200_000_000
during = most()
del held
print(before, during, most())
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    before, during, after = map(int, told.stdout.split())
    assert during - before >= 190
    assert after >= during


def test_memory_is_asked_of_the_system_where_there_is_no_proc(tmp_path):
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmHWM:\t  512000 kB\n", encoding="utf-8")
    assert memory.most_megabytes(str(status)) == 524
    assert memory.most_megabytes(str(tmp_path / "none")) > 20


@pytest.mark.parametrize("value", ["0", "two", "-1"])
def test_a_number_of_workers_that_makes_no_sense_is_refused(run, monkeypatch, value):
    monkeypatch.setenv("FCTRANSFER_WORKERS", value)
    with pytest.raises(InputError, match="FCTRANSFER_WORKERS is .*; give a whole number from 1 on"):
        _ = run.workers


def test_each_profile_and_data_set_has_a_store_of_its_own(project):
    stores = [
        start("05_transfer_curves", profile=profile, data=data).store.path.name
        for profile, data in (
            ("smoke", "glyphs"),
            ("quick", "glyphs"),
            ("smoke", "folder:a/pets"),
            ("smoke", "folder:b/pets"),
        )
    ]
    assert stores[:2] == ["smoke-glyphs", "quick-glyphs"]
    assert len(set(stores)) == 4


def test_renewing_keeps_the_rows_of_other_data_sets(project, monkeypatch):
    before = start("05_transfer_curves").evidence("transfer", data="tiny-imagenet")
    monkeypatch.setenv("FCTRANSFER_RENEW", "1")
    monkeypatch.setattr(profiles, "PROFILES", {**profiles.PROFILES, "quick": profiles.PROFILES["smoke"]})
    options = {"treatments": ("base",), "directions": (("A", "B"),)}
    mine = start("05_transfer_curves", profile="quick").study(**options)
    assert set(mine["data"]) == {"glyphs[8x12]"}
    after = start("05_transfer_curves").evidence("transfer", data="tiny-imagenet")
    pd.testing.assert_frame_equal(before, after)
    both = start("05_transfer_curves").evidence("transfer", data="glyphs")
    assert set(both["data"]) == {"glyphs[50x200]", "glyphs[8x12]"}
