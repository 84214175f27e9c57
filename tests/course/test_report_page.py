"""The report says what README.md says, and what it cannot be made from is named."""

from pathlib import Path

import pytest

from fctransfer_utils.analysis.reproducibility import YOSINSKI, ZHANG
from fctransfer_utils.course import readme
from fctransfer_utils.course.project import Project
from fctransfer_utils.course.report_page import Report
from fctransfer_utils.errors import InputError

PROJECT = Project(Path(__file__).parents[2])


@pytest.fixture(scope="module")
def report():
    return Report(PROJECT)


@pytest.mark.parametrize(("paper", "part"), [(YOSINSKI, readme.results), (ZHANG, readme.zhang)])
def test_it_gives_the_numbers_and_verdicts_of_readme(report, paper, part):
    told = [line.split(" | ") for line in part(PROJECT).splitlines() if "](notebooks/" in line]
    rows = report.claims_table(paper).rows
    assert len(rows) == len(told) > 10
    for row, cells in zip(rows.itertuples(index=False), told, strict=True):
        assert cells[0] == f"| {row[0]}"
        assert [cell.replace("no pair to compare", "-") for cell in row[1:4]] == cells[1:4]


def test_every_claim_names_the_command_behind_it(report):
    for paper in (YOSINSKI, ZHANG):
        assert report.claims_table(paper).rows["renewed by"].str.contains(r"`fctransfer (?:run|measure) \w+").all()


def test_a_table_is_markdown_with_a_row_per_row(report):
    table = report.networks_table()
    lines = table.as_markdown().splitlines()
    assert lines[0] == f"*{table.caption}*"
    assert len(lines) == len(table.rows) + 4
    assert len({line.count(" | ") for line in lines[4:]}) == 1


def test_without_a_study_there_is_no_report(project):
    project.evidence("transfer").unlink()
    with pytest.raises(InputError, match=r"no table of a study; restore"):
        _ = Report(project).judged


def test_one_study_is_enough_for_the_claims(project):
    found = Report(project)
    assert len(found.claims_table(YOSINSKI).rows) > 5
    assert found.networks == 2
    assert set(found.counts_table().rows["paper"]) == {YOSINSKI}
    with pytest.raises(InputError, match=r"expected\.json"):
        found.tolerances_table()
