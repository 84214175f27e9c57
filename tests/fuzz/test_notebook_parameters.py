"""The parameters of every notebook: its first cells accept a value, or refuse it in one line, before anything runs."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_damage import attempt

from fctransfer_utils.course import parameters
from fctransfer_utils.course.project import Project

pytest.importorskip("papermill")
ROOT = Path(__file__).parents[2]
NOTEBOOKS = Project(ROOT).notebook_files()

WHOLE = st.sampled_from([-(10**30), -1, 0, 1, 2, 3, 7, 8, 100, 10**4, 10**9, 2**31, 2**32, 2**64, 10**400])
REAL = st.sampled_from([0.0, -0.5, 0.1, 1.0, 1e-9, 3.5, 1e300, float("nan"), float("inf")])
TEXTS = st.sampled_from(
    ["", "random0", "random1", "rundom0", "relu", "[1, 2]", "quick", "read", "\0", "\ud800", "x" * 9999]
)
ODD = st.sampled_from([None, True, False, [], [[1]], {}, {"a": 1}, b"x", (1, 2)])
LISTS = st.lists(WHOLE | REAL | TEXTS | ODD, max_size=3)
ANY = st.one_of(WHOLE, REAL, TEXTS, ODD, LISTS)
KINDS = {"int": WHOLE, "float": REAL | WHOLE, "str": TEXTS, "list": st.lists(WHOLE | REAL, max_size=3)}
KINDS["bool"] = st.booleans()
FOLDERS = ["folder:", "folder:pictures", "folder:~no-such-user/pictures", "folder:\0", "folder:" + "x" * 9999]
DATA = st.sampled_from(["glyphs", "cifar10", "glyph", *FOLDERS])


def first_cells(notebook):
    """The parameters' names and kinds, and the code up to and with the call of ``course.start``, without imports."""
    cells = nbformat.read(notebook, as_version=4).cells
    given_cell = next(cell for cell in cells if "parameters" in cell.metadata.get("tags", []))
    kinds = {node.target.id: node.annotation.id for node in ast.parse(given_cell.source).body}
    source = next(cell.source for cell in cells if cell.cell_type == "code" and "course.start(" in cell.source)
    body = ast.parse(source).body
    last = next(at for at, node in enumerate(body) if "course.start(" in ast.unparse(node))
    return given_cell.source, kinds, ast.Module(body[: last + 1], type_ignores=[])


def values_for(kinds):
    special = {"data": DATA | ANY, "profile": st.sampled_from(["read", "quick", "smoke", "full", "quik"]) | ANY}
    drawn = {name: special.get(name, st.one_of(KINDS[kind], KINDS[kind], ANY)) for name, kind in kinds.items()}
    return st.fixed_dictionaries({}, optional=drawn)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_any_value_of_a_parameter_is_accepted_or_refused_in_one_line(notebook, monkeypatch, capsys):
    monkeypatch.chdir(notebook.parent)
    source, kinds, module = first_cells(notebook)
    code = compile(module, str(notebook), "exec")
    begun = []

    @settings(max_examples=60)
    @given(values_for(kinds))
    def check(values):
        space = {}
        exec(source, space)
        space.update(values)
        _, message = attempt(exec, code, space)
        if not message:
            begun.append(space["run"])
            assert space["run"].seed == space["seed"]

    check()
    exec(source, space := {})
    exec(code, space)  # as committed
    assert space["run"].profile == "read"
    capsys.readouterr()


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_values_from_a_profile_or_a_command_fit_the_parameters_cell_or_are_refused(notebook, monkeypatch):
    known = parameters.inspected(notebook)
    monkeypatch.setattr(parameters, "inspected", lambda file: known)  # the notebook stays as it is

    @settings(max_examples=60)
    @given(st.dictionaries(st.sampled_from([*known, "cutt"]), ANY, max_size=2))
    def check(values):
        _, message = attempt(parameters.check_known, notebook, values)
        assert message or set(values) <= set(known)

    check()
