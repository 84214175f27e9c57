"""All notebooks in order: refused before anything runs, told while running, summed up at the end."""

from __future__ import annotations

import json
import sys

import nbformat
import pytest
from made_notebooks import code, text

from fctransfer_utils.course import engine, kernel, runner
from fctransfer_utils.course.report import NotebookResult, table
from fctransfer_utils.errors import InputError
from fctransfer_utils.scratch import PREFIX

RECORD = """
import json, os, pathlib
folder = pathlib.Path(os.environ["FCTRANSFER_PROJECT"], "build", "claims", profile)
folder.mkdir(parents=True, exist_ok=True)
found = {"checks": ["a", "b"], "claims": [{"id": "dip", "statement": "It dips.", "verdict": "reproduced"}]}
(folder / "01_first.json").write_text(json.dumps(found))
"""


@pytest.fixture
def told():
    return []


@pytest.fixture
def three(write, parameters_cell):
    """Three notebooks without torch, of which the second fails unless its cut is 7."""
    write(
        "01_first",
        parameters_cell,
        text("# One\n\n## Where it runs"),
        code("import sys\nprint(sys.executable, cut)"),
        code(RECORD),
    )
    write("02_second", parameters_cell, code("layers = 5\nassert cut == 7, f'cut is {cut}'"), code("print('after')"))
    write("03_third", parameters_cell, code("print(profile, data)"))


def run_all(told, side_by_side=1, **options):
    return runner.run_all(tell=told.append, side_by_side=side_by_side, **options)


def outputs(path):
    cells = nbformat.read(path, as_version=4).cells
    return "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", []))


def test_every_notebook_runs_in_order_with_a_line_per_cell_and_a_table_at_the_end(three, told, project):
    (project.notebooks / "profiles" / "smoke.yaml").write_text("all: {}\n02_second: {cut: 7}\n", encoding="utf-8")
    results = run_all(told, profile="smoke")
    assert [(result.name, result.state) for result in results] == [
        ("01_first", "passed"),
        ("02_second", "passed"),
        ("03_third", "passed"),
    ]
    assert told[0] == "01_first (smoke, glyphs)"
    assert any(line.startswith("  [ 4/5] Where it runs: import sys") and line.endswith(" s") for line in told)
    ending = told[-2]
    first = next(line.split(maxsplit=4) for line in ending.splitlines() if line.startswith("01_first"))
    assert (first[1], first[3:]) == ("passed", ["2", "1 reproduced"])
    assert "reproduced      It dips. (01_first)" in ending
    assert "3 of 3 notebooks" in ending
    assert outputs(project.build / "notebooks" / "03_third.ipynb") == "smoke glyphs\n"
    committed = nbformat.read(project.notebooks / "03_third.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in committed.cells)


def test_the_first_failing_notebook_is_the_last_that_runs_and_its_cell_is_shown(three, told, project):
    results = run_all(told, profile="smoke")
    assert [result.state for result in results] == ["passed", "failed", "not run"]
    story = next(line for line in told if line.startswith("02_second failed"))
    assert story.startswith("02_second failed in cell 3:\n    layers = 5\n    assert cut == 7")
    assert "AssertionError: cut is 4" in story
    assert "\x1b" not in story
    assert "1 of 3 notebooks" in told[-2]
    assert (project.build / "notebooks" / "02_second.ipynb").exists()
    assert not (project.build / "notebooks" / "03_third.ipynb").exists()


MEETS = """
import os, pathlib, time
folder = pathlib.Path(os.environ["FCTRANSFER_PROJECT"])
(folder / f"{name}.here").touch()
deadline = time.monotonic() + 60
while not (folder / f"{other}.here").exists():
    assert time.monotonic() < deadline, f"{other} never came"
    time.sleep(0.05)
print("met", other)
"""


def meets(name, other):
    return code(f"name, other = {name!r}, {other!r}\n{MEETS}")


def test_two_run_at_the_same_time_and_every_line_says_whose_it_is(write, parameters_cell, told, project):
    write("01_first", parameters_cell, meets("one", "two"))
    write("02_second", parameters_cell, meets("two", "one"))
    write("03_third", parameters_cell, code("print('after')"))
    results = run_all(told, profile="smoke", side_by_side=2)
    assert [(result.name, result.state) for result in results] == [
        ("01_first", "passed"),
        ("02_second", "passed"),
        ("03_third", "passed"),
    ]
    assert "01 01_first (smoke, glyphs)" in told
    assert sum(line.startswith("02   [ 3/3]") for line in told) == 1
    assert "3 of 3 notebooks" in told[-2]
    assert outputs(project.build / "notebooks" / "01_first.ipynb") == "met two\n"


UNTIL_FAILED = """
import os, pathlib, time
while not pathlib.Path(os.environ["FCTRANSFER_PROJECT"], "failed").exists():
    time.sleep(0.1)
time.sleep(1)
print("to its end")
"""


def test_after_one_that_failed_no_other_begins_and_those_that_run_come_to_their_end(
    three, write, parameters_cell, project
):
    class Told(list):
        def append(self, line):
            super().append(line)
            if line.startswith("02 02_second failed"):
                (project.root / "failed").touch()

    write("01_first", parameters_cell, code(UNTIL_FAILED))
    told = Told()
    results = run_all(told, profile="smoke", side_by_side=2)
    assert [result.state for result in results] == ["passed", "failed", "not run"]
    assert outputs(project.build / "notebooks" / "01_first.ipynb") == "to its end\n"
    assert any(line.startswith("02 02_second failed in cell 3:") for line in told)


def test_a_notebook_that_times_things_has_the_machine_for_itself(write, parameters_cell, told, monkeypatch, project):
    stamp = "import time\nbegan = time.monotonic()\ntime.sleep(1)\nprint(began, time.monotonic())"
    for name in ("01_first", "02_second", "03_third"):
        write(name, parameters_cell, code(stamp))
    monkeypatch.setattr(runner, "ALONE", ("02_second",))
    run_all(told, profile="smoke", side_by_side=3)
    first, second, third = (
        [float(part) for part in outputs(project.build / "notebooks" / f"{name}.ipynb").split()]
        for name in ("01_first", "02_second", "03_third")
    )
    assert first[1] < second[0] < second[1] < third[0]


def test_a_notebook_whose_process_dies_has_failed(three, told, write, parameters_cell):
    kill = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)"
    write("01_first", parameters_cell, code(kill))
    results = run_all(told, profile="smoke", side_by_side=2, only=["1", "3"])
    assert results[0].state == "failed"
    assert "its process died" in results[0].error


@pytest.mark.parametrize(("cores", "gigabytes", "most"), [(2, 16, 2), (8, 64, 2), (1, 16, 1), (4, 4, 1)])
def test_two_at_a_time_need_two_cores_and_memory(monkeypatch, cores, gigabytes, most):
    monkeypatch.setattr(runner, "usable_cores", lambda: cores)
    monkeypatch.setattr(runner.os, "sysconf", {"SC_PHYS_PAGES": gigabytes * 2**18, "SC_PAGE_SIZE": 4096}.__getitem__)
    assert runner.automatic() == most


def test_notebooks_that_renew_committed_files_run_one_at_a_time(three, told, monkeypatch):
    monkeypatch.setenv("FCTRANSFER_RENEW", "1")
    assert runner.automatic() == 1
    with pytest.raises(InputError, match="side_by_side = 2 with FCTRANSFER_RENEW set"):
        run_all(told, profile="smoke", side_by_side=2)
    assert told == []


def test_the_command_fails_when_a_notebook_does(three, capsys):
    assert runner.run_notebooks(profile="smoke") == 1
    assert runner.run_notebooks(profile="smoke", only=["1", "03"]) == 0
    assert "2 of 2 notebooks" in capsys.readouterr().out


def test_notebooks_run_in_this_interpreter_whatever_kernels_there_are(three, told, project, tmp_path, monkeypatch):
    other = tmp_path / "other" / "kernels" / "python3"
    other.mkdir(parents=True)
    spec = {"argv": ["false"], "display_name": "wrong", "language": "python"}
    (other / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "other"))
    run_all(told, profile="smoke", only="1", out=tmp_path / "out")
    assert outputs(tmp_path / "out" / "01_first.ipynb") == f"{sys.executable} 4\n"


def test_a_folder_of_images_means_the_same_from_every_working_directory(three, told, project, monkeypatch):
    monkeypatch.chdir(project.root)
    run_all(told, profile="smoke", only="03_third", data="folder:mine")
    assert outputs(project.build / "notebooks" / "03_third.ipynb") == f"smoke folder:{project.root / 'mine'}\n"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"profile": "slow"}, "unknown profile 'slow'"),
        ({"data": "mnist"}, "unknown data set 'mnist'"),
        ({"only": "07"}, "unknown notebook '07'; allowed: 01_first, 02_second, 03_third"),
        ({"parameters": {"cutt": 7}}, "unknown parameter of notebook 01_first 'cutt'"),
        ({"parameters": {"cut": "[7, 8]"}}, "looks like a list; give the list in a YAML file"),
        ({"side_by_side": 0}, "side_by_side = 0; give how many notebooks run at the same time"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(three, told, project, options, words):
    with pytest.raises(InputError, match=words):
        run_all(told, **{"profile": "smoke", **options})
    assert told == []
    assert not project.build.exists()


def test_a_profile_with_a_parameter_that_the_last_notebook_lacks_runs_none(three, told, project):
    (project.notebooks / "profiles" / "smoke.yaml").write_text("03_third: {layer: 7}\n", encoding="utf-8")
    with pytest.raises(InputError, match="unknown parameter of notebook 03_third 'layer'"):
        run_all(told, profile="smoke")
    assert told == []


def test_without_notebooks_it_says_where_they_should_be(project, told):
    with pytest.raises(InputError, match="no notebooks in the project's folder notebooks/"):
        run_all(told, profile="smoke")


def test_without_papermill_it_says_how_to_install_it(three, told, monkeypatch):
    monkeypatch.setitem(sys.modules, "papermill", None)
    with pytest.raises(InputError, match=r"running notebooks needs the package 'papermill'.*make install"):
        run_all(told, profile="smoke")


def test_what_an_earlier_run_found_is_not_counted_again(three, told, project):
    run_all(told, profile="smoke", only="1")
    (project.notebooks / "01_first.ipynb").write_text(
        (project.notebooks / "01_first.ipynb")
        .read_text(encoding="utf-8")
        .replace("import json", "raise SystemExit\\n"),
        encoding="utf-8",
    )
    assert run_all(told, profile="smoke", only="1")[0].checks == 0


def test_the_environment_is_as_before_after_a_run(monkeypatch):
    monkeypatch.delenv("JUPYTER_PATH", raising=False)
    with kernel.this_interpreter():
        import os

        assert PREFIX in os.environ["JUPYTER_PATH"]
    assert "JUPYTER_PATH" not in os.environ


def test_the_label_of_a_cell_has_one_width():
    assert engine.label("x = 1\ny = 2", "Curves") == "Curves: x = 1".ljust(engine.LABEL)
    assert len(engine.label("x" * 200, "Curves")) == engine.LABEL
    assert engine.heading("text\n### Of layer 3\nmore") == "Of layer 3"


def test_the_table_names_notebooks_that_did_not_run_and_sums_up_verdicts():
    claims = [
        {"id": str(n), "statement": f"Claim {n}.", "verdict": v}
        for n, v in enumerate(["reproduced", "inconclusive"] * 2)
    ]
    text_of_table = table(
        [
            NotebookResult("05_curves", "passed", 61.25, {"checks": ["a"], "claims": claims}),
            NotebookResult("06_next", "not run"),
        ],
        seconds=70.04,
    )
    rows = [line.split(maxsplit=4) for line in text_of_table.splitlines()]
    assert ["05_curves", "passed", "61.2", "1", "2 reproduced, 2 inconclusive"] in rows
    assert ["06_next", "not", "run", "-", "-  -"] in rows
    assert ["1", "of", "2", "notebooks", "70.0"] in rows
