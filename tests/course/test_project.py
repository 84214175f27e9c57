"""The project is found from wherever a notebook runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from fctransfer_utils.course import project as module
from fctransfer_utils.course.project import Project, find_project
from fctransfer_utils.errors import InputError


def test_from_any_folder_inside_the_project_it_is_found(project, monkeypatch):
    deep = project.root / "some" / "folder"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert find_project() == project


def test_from_a_folder_outside_it_is_the_one_that_the_package_lies_in(tmp_path):
    assert find_project(tmp_path) == Project(Path(module.__file__).resolve().parents[2])


def test_the_variable_names_another_project(project, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FCTRANSFER_PROJECT", str(project.root))
    assert find_project() == project


def test_a_variable_that_names_no_project_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("FCTRANSFER_PROJECT", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="FCTRANSFER_PROJECT is .*nowhere.*; set it to the folder that was cloned"):
        find_project()


def test_another_projects_pyproject_does_not_count(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "other"\n', encoding="utf-8")
    monkeypatch.setattr(module, "__file__", str(tmp_path / "site-packages" / "a" / "b" / "project.py"))
    with pytest.raises(InputError, match="change into the cloned folder, or set FCTRANSFER_PROJECT"):
        find_project(tmp_path)


def test_paths_are_shown_the_same_on_every_machine(project, tmp_path, monkeypatch):
    assert project.shown(project.evidence("transfer")) == "figures/data/transfer.csv"
    monkeypatch.setenv("FCTRANSFER_BUILD", str(tmp_path / "elsewhere"))
    assert project.shown(project.build / "figures") == "build/figures"
