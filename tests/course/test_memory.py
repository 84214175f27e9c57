"""A large network is skipped with a reason where it would not fit, and only there."""

import pytest

from fctransfer_utils.course.memory import OWN, no_room


@pytest.fixture(autouse=True)
def _plain(monkeypatch):
    for name in ("BINDER_SERVICE_HOST", "MEM_LIMIT"):
        monkeypatch.delenv(name, raising=False)


def test_where_nothing_limits_there_is_room(tmp_path):
    (tmp_path / "max").write_text("max\n")
    assert no_room(5000, limits=(str(tmp_path / "max"), str(tmp_path / "absent"))) == ""


def test_on_binder_there_is_none(monkeypatch):
    monkeypatch.setenv("BINDER_SERVICE_HOST", "10.0.0.1")
    assert "500 MB" in no_room(500, limits=())
    assert "Binder" in no_room(500, limits=())


@pytest.mark.parametrize(("allowed", "fits"), [((500 + OWN) * 1_000_000, True), ((500 + OWN) * 1_000_000 - 1, False)])
def test_a_limit_counts_whoever_sets_it(tmp_path, monkeypatch, allowed, fits):
    (tmp_path / "max").write_text(f"{allowed}\n")
    assert (no_room(500, limits=(str(tmp_path / "max"),)) == "") == fits
    monkeypatch.setenv("MEM_LIMIT", str(allowed))
    assert (no_room(500, limits=()) == "") == fits
