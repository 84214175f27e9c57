"""The first call of a notebook."""

from __future__ import annotations

import matplotlib as mpl
import pytest
import torch

from fctransfer_utils import course
from fctransfer_utils.errors import InputError
from fctransfer_utils.optional import need


def test_it_prints_one_line_and_in_read_nothing_that_differs_between_machines(project, capsys):
    run = course.start("05_transfer_curves", profile="read", cut=3)
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert line.startswith("profile read · data glyphs · seed 0 · cut 3 · fctransfer ")
    assert torch.__version__ not in line
    assert "CPU" not in line
    assert not run.trains


def test_where_networks_are_trained_it_says_with_what(project, capsys):
    run = course.start("05_transfer_curves", profile="smoke")
    assert f"torch {torch.__version__}" in capsys.readouterr().out
    assert run.trains


def test_it_sets_the_seed_one_thread_and_the_style(project):
    torch.set_num_threads(2)
    course.start("05_transfer_curves", seed=7)
    first = torch.rand(3)
    course.start("05_transfer_curves", seed=7)
    assert torch.equal(torch.rand(3), first)
    assert torch.get_num_threads() == 1
    assert mpl.rcParams["svg.hashsalt"] == "fctransfer"


@pytest.mark.parametrize("wrong", [{"profile": "fast"}, {"data": "mnist"}, {"seed": "1"}, {"cut": {}}, {"cut": "[1]"}])
def test_a_wrong_parameter_is_refused_before_anything_is_done(project, wrong, capsys):
    with pytest.raises(InputError):
        course.start("05_transfer_curves", **wrong)
    assert not capsys.readouterr().out
    assert not project.build.exists()


def test_a_notebook_can_say_what_its_own_parameters_may_be(project):
    with pytest.raises(InputError, match="unknown value of cut 8; allowed: 0, 1"):
        course.start("05_transfer_curves", cut=8, allowed={"cut": range(8)})
    with pytest.raises(InputError, match="start was not given that parameter"):
        course.start("05_transfer_curves", allowed={"cut": range(8)})


def test_the_committed_figures_are_replaced_when_asked_and_never_by_a_test_run(project, monkeypatch):
    assert course.start("05_transfer_curves", profile="quick").figures == project.build / "figures"
    monkeypatch.setenv("FCTRANSFER_RENEW", "1")
    for profile in ("read", "quick", "full"):
        assert course.start("05_transfer_curves", profile=profile).figures == project.figures
    with pytest.raises(InputError, match="the profile 'smoke' only tests mechanics; .* or unset FCTRANSFER_RENEW"):
        course.start("05_transfer_curves", profile="smoke")


def test_a_missing_library_is_named_with_what_needs_it_and_how_to_get_it():
    with pytest.raises(
        InputError, match=r"running notebooks needs the package 'no_such_runner'.*pip install no_such_runner"
    ):
        need("no_such_runner", "running notebooks")
