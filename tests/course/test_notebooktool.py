"""Committed notebooks: the same bytes from two runs, and rules with what to do when one is broken."""

from __future__ import annotations

import base64
import io

import nbformat
import numpy as np
import pytest
from made_notebooks import code, text
from nbformat.v4 import new_output
from PIL import Image

from fctransfer_utils.course import notebooktool, show
from fctransfer_utils.course.compare import differences
from fctransfer_utils.course.execute import executed, solutions, with_solutions
from fctransfer_utils.course.generated import END, begin
from fctransfer_utils.course.normalise import normalised, text_of
from fctransfer_utils.course.rules import broken_rules
from fctransfer_utils.course.titles import COSTS, with_title

EXERCISE = (
    "**Exercise.** What?\n\n<details>\n<summary>Solution</summary>\n\n```python\nassert cut == 4\n```\n\n</details>"
)
BEGIN = begin(COSTS)
TITLE = f"# Curves\n\n**Question.** How?\n\n**You will learn** this.\n\n{BEGIN}\n{END}"
OWN = "## Try it on your own\n\n- Another `seed`."
START = """class course:
    start = staticmethod(print)


course.start("{0}")


class run:
    finish = staticmethod(print)"""


@pytest.fixture
def good(write, parameters_cell, project):
    """Make a notebook that keeps every rule; keyword arguments replace parts of it."""

    def make(
        name="05_curves", *, title=TITLE, parameters=parameters_cell, middle=(), exercises=(EXERCISE,) * 3, own=OWN,
        end="run.finish()",
    ):  # fmt: skip
        title = with_title(title, notebook=name, project=project) if title == TITLE else title
        cells = [text(title), parameters, code(START.format(name)), *middle]
        cells += [*(text(exercise, "exercise") for exercise in exercises), text(own)]
        path = write(name, *cells, code(end))
        notebook = normalised(nbformat.read(path, as_version=4))
        path.write_text(text_of(notebook), encoding="utf-8")
        return path

    return make


def complaints(project):
    return [line for lines in broken_rules(project.notebook_files()).values() for line in lines]


def png(value, size=(4, 4)):
    picture = io.BytesIO()
    Image.fromarray(np.full((*size, 3), value, dtype=np.uint8)).save(picture, format="png")
    return base64.b64encode(picture.getvalue()).decode("ascii")


class TestNormalised:
    def messy(self):
        cell = code("print(1)   \n")
        cell.execution_count = 17
        cell.metadata.update({"execution": {"iopub.execute_input": "2026"}, "scrolled": True})
        cell.outputs = [
            new_output("stream", name="stdout", text="1\n"),
            new_output("stream", name="stderr", text="a warning\n"),
            new_output("stream", name="stdout", text="2\n"),
            new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "interactive()"}),
            new_output("display_data", {"text/plain": "2 workers of one thread with 11 GiB"}, metadata=show.NOTE),
            new_output("execute_result", {"text/plain": "3"}, execution_count=17),
        ]
        added = code("cut = 7", "injected-parameters", id="added")
        notebook = nbformat.v4.new_notebook(cells=[added, cell])
        notebook.metadata.update({"papermill": {"duration": 3.2}, "widgets": {"state": {}}})
        return notebook

    def test_nothing_is_left_that_differs_between_two_runs(self):
        notebook = normalised(self.messy())
        (cell,) = notebook.cells
        assert cell.source == "print(1)"
        assert cell.execution_count == 1
        assert cell.metadata == {}
        assert [dict(output) for output in cell.outputs] == [
            {"output_type": "stream", "name": "stdout", "text": "1\n2\n"},
            {"output_type": "execute_result", "metadata": {}, "data": {"text/plain": "3"}, "execution_count": 1},
        ]
        assert set(notebook.metadata) == {"kernelspec", "language_info"}

    def test_the_argument_stays_as_it_was_and_once_is_enough(self):
        notebook = self.messy()
        before = nbformat.writes(notebook)
        once = normalised(notebook)
        assert nbformat.writes(notebook) == before
        assert text_of(normalised(once)) == text_of(once)


class TestDifferences:
    def pair(self, old, new):
        notebooks = []
        for outputs in (old, new):
            cell = code("show()")
            cell.outputs = outputs
            notebooks.append(nbformat.v4.new_notebook(cells=[cell]))
        return differences(*notebooks)

    def test_text_must_be_equal(self):
        old, new = (new_output("stream", name="stdout", text=f"top-1 {value}\n") for value in (61, 62))
        assert self.pair([old], [old]) == []
        assert self.pair([old], [new]) == ["cell 1: --- committed\n+++ now\n@@ -1 +1 @@\n-top-1 61\n+top-1 62"]

    def test_a_picture_may_differ_by_rounding_only(self):
        old, close, far, larger = (
            new_output("display_data", {"image/png": png(*arguments), "text/plain": "figure"})
            for arguments in ((100,), (101,), (120,), (100, (4, 8)))
        )
        assert self.pair([old], [close]) == []
        assert self.pair([old], [far]) == ["cell 1: image/png: the picture differs by 20.0 of 255 on average"]
        assert "(height, width) (4, 8) instead of (4, 4)" in self.pair([old], [larger])[0]

    def test_a_lost_output_is_a_difference(self):
        old = new_output("stream", name="stdout", text="1\n")
        assert self.pair([old], []) == ["cell 1: outputs ['stream:stdout'] became []"]

    def test_an_output_of_another_kind_is_a_difference(self):
        old = new_output("display_data", {"text/plain": "1"})
        new = new_output("display_data", {"text/plain": "1", "text/html": "<b>1</b>"})
        assert len(self.pair([old], [new])) == 1


class TestRules:
    def test_a_notebook_that_keeps_them_gets_no_complaint(self, good, project):
        good()
        assert broken_rules(project.notebook_files()) == {}

    @pytest.mark.parametrize(
        ("parts", "words"),
        [
            ({"title": "Curves"}, "does not begin with a text cell whose first line is a title"),
            ({"exercises": [EXERCISE] * 2}, "has 2 exercises (text cells tagged 'exercise'); it needs 3"),
            ({"exercises": [EXERCISE.replace("```python", "```")] * 3}, "has no exercise that asks for code"),
            ({"own": "Go."}, "has no section '## Try it on your own'"),
            ({"title": TITLE.replace("Question", "Topic")}, "does not ask its question in the title cell"),
            ({"title": TITLE.replace("learn", "see")}, "does not say in the title cell what is to be learnt"),
            ({"title": TITLE.split(BEGIN)[0]}, "has no place for its costs in the title cell"),
            ({"title": TITLE.replace(END, f"old\n{END}")}, "whose costs or links are not current; run: make format"),
            ({"middle": [text("See ![](../figures)")]}, "shows the picture ../figures without words"),
            ({"middle": [text("See [here](#No-such)")]}, "links to #No-such, but 05_curves.ipynb has no such heading"),
            ({"end": "print()"}, "does not call run.finish()"),
            ({"middle": [code("x = 1\n" * 26)]}, "cell 4 has 26 lines of code, more than 25; split it"),
            ({"middle": [text("a")] * 60}, "has 68 cells, more than 60; split it"),
            ({"middle": [text("see [there](06_no.ipynb#part)")]}, "links to 06_no.ipynb, which does not exist"),
            (
                {"middle": [text("a", "solution")]},
                "cell 4 has the unknown tag 'solution'; allowed: exercise, parameters",
            ),
            ({"middle": [text("Why?", "exercise")]}, "cell 4 is an exercise without a solution folded away"),
            ({"parameters": code("cut: int = 4  # a layer")}, "has 0 cells tagged 'parameters'; it needs exactly one"),
        ],
    )
    def test_each_broken_rule_is_named(self, good, project, parts, words):
        good(**parts)
        assert words in "\n".join(complaints(project))

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("cut: int = 4", "has the parameter cut without a comment"),
            ("cut = 4  # a layer", "has 'cut = 4' among its parameters; write only 'name: type = plain value' there"),
            ("cut: int = max(4, 5)  # a layer", "among its parameters; write only"),
            ('cut: str = "a=b"  # a layer', "has the parameter cut, which papermill does not see"),
        ],
    )
    def test_parameters_are_plain_typed_commented_and_seen(self, good, project, line, words):
        lines = ['profile: str = "read"  # how much', 'data: str = "glyphs"  # which', line]
        good(parameters=code("\n".join(lines), "parameters"))
        assert words in "\n".join(complaints(project))

    def test_the_profile_that_is_committed_is_read(self, good, project):
        lines = ['profile: str = "quick"  # how much', 'data: str = "glyphs"  # which']
        good(parameters=code("\n".join(lines), "parameters"))
        assert any(line.startswith("must have the parameter profile") for line in complaints(project))

    def test_code_before_the_parameters_is_refused(self, good, project, write, parameters_cell):
        write("05_curves", text("# T"), code("x = 1"), parameters_cell)
        assert any(line.startswith("has code before its cell tagged 'parameters'") for line in complaints(project))

    def test_a_notebook_starts_under_its_own_name(self, good, project):
        path = good()
        path.rename(path.with_name("06_curves.ipynb"))
        assert any('call it once, as course.start("06_curves", ...)' in line for line in complaints(project))

    def test_a_cell_is_named_and_not_numbered_at_random(self, good, project):
        path = good()
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace('"id": "cell-3"', '"id": "0a1b2c3d"'), encoding="utf-8")
        assert complaints(project) == [
            "has a cell with the id '0a1b2c3d', which was drawn at random; name it by what it is about"
        ]

    def test_the_course_is_started_right_after_the_parameters(self, good, project, write, parameters_cell):
        write("05_curves", text(TITLE), parameters_cell, code("x = 1"), code(START.format("05_curves")))
        assert any(line.startswith("calls course.start too late") for line in complaints(project))

    def test_each_links_to_the_next_and_has_a_number_of_its_own(self, good, project):
        good("05_curves")
        good("06_more")
        assert complaints(project) == ["does not link to the next notebook, 06_more.ipynb"]
        good("05_curves", middle=[text("On to [more](06_more.ipynb).")])
        assert complaints(project) == []
        good("05_other", middle=[text("On to [more](06_more.ipynb).")])
        assert "two notebooks have the number 05; give each its own" in complaints(project)

    @pytest.mark.parametrize(
        ("output", "words"),
        [
            (
                new_output("stream", name="stdout", text="in /home/me/project\n"),
                "shows a path of one machine, /home/me/project",
            ),
            (new_output("display_data", {"text/plain": "<f at 0x7f00deadbeef>"}), "shows a memory address"),
            (new_output("display_data", {"image/png": "", "text/plain": "a"}), "shows a picture without words"),
            (new_output("stream", name="stdout", text="runs:  40%|####      | 2/5\n"), "a bar that stands still"),
            (new_output("display_data", {"text/html": '<progress value="0.4" max="1">'}), "a bar that stands still"),
            (new_output("error", ename="ValueError", evalue="no", traceback=[]), "is saved with the error ValueError"),
        ],
    )
    def test_outputs_are_the_same_everywhere(self, good, project, output, words):
        path = good()
        notebook = nbformat.read(path, as_version=4)
        notebook.cells[2].outputs = [output]
        path.write_text(text_of(normalised(notebook)), encoding="utf-8")
        assert words in "\n".join(complaints(project))

    def test_what_is_abbreviated_stands_in_the_glossary_of_the_first_notebook(self, good, project):
        words = "## The words\n\n| GAP, IoU | explained |\n\nThen [on](05_curves.ipynb)."
        good("00_start_here", middle=[text(words)])
        good(middle=[text("GAP and IoU on a CPU, `XYZ` in code, and $AB$.")])
        assert complaints(project) == []
        good(middle=[text("GAPs and CKA.")])
        assert complaints(project) == [
            "uses CKA, which the glossary of 00_start_here does not explain; add it there, or write it out"
        ]

    def test_the_title_leads_to_the_glossary_where_there_is_one(self, good, project):
        assert "glossary" not in nbformat.read(good(), as_version=4).cells[0].source
        good("00_start_here", middle=[text("## The words\n\nThen [on](05_curves.ipynb).")])
        assert complaints(project) == ["has a title cell whose costs or links are not current; run: make format"]
        title = nbformat.read(good(), as_version=4).cells[0].source
        assert "[glossary](00_start_here.ipynb#The-words)" in title
        assert complaints(project) == []

    def test_a_file_of_another_size_or_format_is_refused(self, good, project):
        path = good()
        notebook = nbformat.read(path, as_version=4)
        notebook.cells[0].source += "x" * 1_000_001
        path.write_text(text_of(notebook), encoding="utf-8")
        assert any("bytes, more than 1,000,000" in line for line in complaints(project))
        path.write_text("{", encoding="utf-8")
        assert any(line.startswith("is not a valid notebook") for line in complaints(project))


class TestTool:
    def test_check_refuses_what_format_mends(self, good, project, capsys):
        path = good(middle=[code("print(profile)")])
        notebook = nbformat.read(path, as_version=4)
        notebook.cells[3].metadata["collapsed"] = True
        nbformat.write(notebook, path)
        assert notebooktool.main(["check"]) == 1
        assert "05_curves.ipynb: is not normalised" in capsys.readouterr().out
        assert notebooktool.main(["format"]) == 0
        capsys.readouterr()
        assert notebooktool.main(["check"]) == 0
        assert capsys.readouterr().out == "1 notebooks checked, 0 complaints\n"
        assert nbformat.read(path, as_version=4).cells[3].outputs[0].text == "read\n"
        before = path.read_bytes()
        assert notebooktool.main(["format", "05"]) == 0
        assert path.read_bytes() == before

    def test_code_that_ruff_would_mend_is_named(self, good, capsys):
        good(middle=[code("import os\nx=1")])
        assert notebooktool.main(["check"]) == 1
        told = capsys.readouterr().out
        assert "05_curves.ipynb: cell 4:1:8: F401" in told
        assert "05_curves.ipynb: has code that is not formatted; run: make format" in told

    @pytest.mark.parametrize("where", ["a notebook", "README.md"])
    def test_a_misspelt_word_is_named(self, good, project, capsys, where):
        wrong = "".join(["t", "e", "h"])
        good(middle=[text(f"See {wrong} curve.")] if where == "a notebook" else [])
        (project.root / "README.md").write_text(f"See {wrong if where == 'README.md' else 'the'} curve.\n")
        assert notebooktool.main(["check"]) == 1
        name = "05_curves.ipynb" if where == "a notebook" else where
        assert f"{name}: is misspelt: {wrong} ==> the; mend it" in capsys.readouterr().out

    def test_links_and_pictures_of_readme_are_checked(self, good, project, capsys):
        good()
        (project.root / "README.md").write_text("# A\n\n[b](#b) [c](c.md) ![](figures)\n", encoding="utf-8")
        assert notebooktool.main(["check"]) == 1
        told = capsys.readouterr().out
        assert "README.md: links to #b, but README.md has no such heading" in told
        assert "README.md: links to c.md, which does not exist" in told
        assert "README.md: shows the picture figures without words" in told

    def test_a_notebook_that_is_not_asked_for_is_not_complained_of(self, good, capsys):
        good("05_curves", middle=[text("On to [more](06_more.ipynb).")])
        good("06_more", own="Go.")
        assert notebooktool.main(["check", "05"]) == 0
        assert notebooktool.main(["check", "06"]) == 1

    def test_a_notebook_that_fails_stays_as_it_was(self, good, project, capsys):
        path = good(middle=[code("1 / 0")])
        before = path.read_bytes()
        assert notebooktool.main(["format"]) == 1
        assert "05_curves.ipynb: failed in cell 4:\n    1 / 0\n  ZeroDivisionError" in capsys.readouterr().out
        assert path.read_bytes() == before

    def test_an_unknown_notebook_or_profile_is_bad_input(self, good, capsys):
        good()
        assert notebooktool.main(["check", "07"]) == 2
        assert notebooktool.main(["costs", "fast", "a laptop"]) == 2
        assert "unknown profile 'fast'" in capsys.readouterr().err

    def test_what_a_notebook_costs_stands_in_its_title(self, good, project):
        path = good()
        claims = project.claims("quick", "05_curves")
        claims.parent.mkdir(parents=True)
        claims.write_text('{"seconds": 131.0, "megabytes": 612}', encoding="utf-8")
        assert notebooktool.main(["costs", "quick", "2 CPU cores"]) == 0
        assert notebooktool.main(["format"]) == 0
        title = nbformat.read(path, as_version=4).cells[0].source
        assert "| quick | 2 min | 612 MB | 2 CPU cores |" in title
        assert title.count(BEGIN) == title.count(END) == 1


class TestSolutions:
    def test_the_code_folded_away_in_an_exercise_is_found_and_run(self, good, project):
        path = good()
        notebook = nbformat.read(path, as_version=4)
        assert solutions(notebook.cells[3]) == ["assert cut == 4\n"]
        ran = executed(with_solutions(notebook), folder=path.parent)
        assert [cell.source for cell in ran.cells].count("assert cut == 4\n") == 3

    def test_a_wrong_solution_fails(self, good):
        path = good()
        notebook = nbformat.read(path, as_version=4)
        notebook.cells[3].source = notebook.cells[3].source.replace("== 4", "== 5")
        with pytest.raises(ValueError, match=r"in cell 5:\n    assert cut == 5\n  AssertionError"):
            executed(with_solutions(notebook), folder=path.parent)
