"""Where nothing can be written, the first call of a notebook says so and what to do, before anything is done."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from fctransfer_utils import course
from fctransfer_utils.cli import BAD_INPUT, main
from fctransfer_utils.errors import InputError

SYSTEM = Path("/sys")  # a folder of Linux in which nobody, root included, can make one
MEND = "set FCTRANSFER_BUILD to a folder that you may write in, such as "


@pytest.fixture
def read_only(monkeypatch, project):
    """Every folder in the project refuses new files, as on a read-only disk."""
    mkdir = Path.mkdir

    def refuse(self, *arguments, **options):
        if self.is_relative_to(project.root) and not self.exists():
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))
        mkdir(self, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", refuse)
    return project


@pytest.mark.parametrize("profile", ["read", "smoke"])
def test_in_a_read_only_project_a_notebook_says_where_else_it_can_write(read_only, profile, capsys):
    with pytest.raises(InputError, match=f"nothing can be written to '.*build' .Read-only file system.; {MEND}"):
        course.start("05_transfer_curves", profile=profile)
    assert not capsys.readouterr().out


def test_with_a_folder_of_ones_own_a_read_only_project_works(read_only, tmp_path, monkeypatch):
    monkeypatch.setenv("FCTRANSFER_BUILD", str(tmp_path / "mine"))
    run = course.start("05_transfer_curves", profile="read")
    assert len(run.study()) == 1
    run.finish()
    assert (tmp_path / "mine" / "claims" / "read" / "05_transfer_curves.json").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a folder that refuses even root")
def test_a_folder_that_really_refuses_is_named(project, monkeypatch):
    monkeypatch.setenv("FCTRANSFER_BUILD", str(SYSTEM / "fctransfer"))
    with pytest.raises(InputError, match=f"nothing can be written to '/sys/fctransfer' .*; {MEND}"):
        course.start("05_transfer_curves", profile="read")


def test_a_build_folder_that_is_a_file_is_named(project, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FCTRANSFER_BUILD", str(tmp_path / "file"))
    with pytest.raises(InputError, match=f"nothing can be written to '.*file' .*; {MEND}"):
        course.start("05_transfer_curves", profile="read")


def test_the_command_says_it_in_one_line_before_a_notebook_runs(read_only, write, parameters_cell, capsys):
    write("01_first", parameters_cell)
    assert main(["notebooks", "read"]) == BAD_INPUT
    said = capsys.readouterr()
    assert not said.out
    assert len(said.err.splitlines()) == 1
    assert MEND in said.err
