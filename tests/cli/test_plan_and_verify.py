"""``--plan`` trains nothing, ``verify`` trains some again: what they print and how they end."""

import pytest

from fctransfer_utils.cli import main
from fctransfer_utils.experiments import verify

PLAN = ["run", "transfer", "--profile", "smoke", "--glyph-classes", "4", "--glyphs-per-class", "4", "--plan"]


@pytest.fixture(autouse=True)
def execution_without_probe(monkeypatch):
    monkeypatch.setenv("FCTRANSFER_EXECUTION", "cpu/float32")


def test_a_plan_tells_what_a_study_takes_and_leaves_no_store(tmp_path, capsys):
    assert main([*PLAN, "--store", str(tmp_path / "store"), "--workers", "2"]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "study transfer", "images", lines[2].split(":")[0], "work", "memory", "disk", "time",
    ]  # fmt: skip
    assert "0 done, 15 to train (2 bases among them). Nothing is trained now." in lines[0]
    assert "in 2, at" in lines[-1]
    assert "measured here" in lines[-1]
    assert list(tmp_path.iterdir()) == []


def test_the_paper_is_planned_on_any_tree(tmp_path, capsys, monkeypatch):
    from fctransfer_utils.course.made_imagenet import made_imagenet
    from fctransfer_utils.experiments import forecast
    from fctransfer_utils.training.speed import Speed

    monkeypatch.setattr(forecast, "probed", lambda run, **options: Speed(10.0, 1e12))
    made_imagenet(tmp_path / "tree", classes=8)
    data = f"folder:{tmp_path / 'tree'}"
    assert (
        main(["run", "transfer", "--data", data, "--profile", "paper", "--store", str(tmp_path / "s"), "--plan"]) == 0
    )
    out = capsys.readouterr().out
    assert "240 networks, 0 done, 240 to train (8 bases among them)" in out
    assert "450 x 1000 steps of 256 images" in out
    assert "days in one process" in out


def test_a_folder_that_is_not_there_is_bad_input(tmp_path, capsys):
    assert main(["run", "transfer", "--data", f"folder:{tmp_path}/no", "--store", str(tmp_path / "s"), "--plan"]) == 2
    assert "does not exist" in capsys.readouterr().err


@pytest.fixture
def two_candidates(monkeypatch):
    """In place of all committed networks, which take a while to specify: two rows of one study."""
    rows = [{"study": "transfer", "key": f"key{number}", "seconds": 1.0} for number in range(2)]
    found = [verify.Candidate(row, spec=None, seconds=1.0) for row in rows]
    monkeypatch.setattr(verify, "candidates", lambda tables, **options: found)


@pytest.mark.parametrize(
    ("now", "lost", "code"), [((0.9, 0.8), 0, 0), ((0.9, 0.5), 0, 1), ((0.9,), 1, 3), ((0.2,), 1, 1)]
)
def test_the_exit_code_of_verify_says_what_came_out(two_candidates, capsys, monkeypatch, now, lost, code):
    compared = [
        verify.Compared("transfer", "base A", f"key{place}", committed, value, 0.05, value == committed)
        for place, (committed, value) in enumerate(zip((0.9, 0.82), now, strict=False))
    ]
    outcome = verify.Verified((), tuple(compared), lost, "cpu/bfloat16", "AVX2", "AVX2")
    monkeypatch.setattr(verify, "verify", lambda *arguments, **options: outcome)
    assert main(["verify", "transfer", "--sample", "2", "--seed", "4"]) == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("2 of 2 networks on glyphs")
    assert "drawn by seed 4" in lines[0]
    assert len(lines) == 2 + len(now)


def test_verify_names_what_it_cannot_do(two_candidates, capsys):
    for arguments, named in (("nothing", "nothing"), ("--sample 0", "sample 0")):
        assert main(["verify", *arguments.split()]) == 2
        assert named in capsys.readouterr().err
