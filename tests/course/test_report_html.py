"""The report is one page that needs nothing else, and a place where it cannot lie is one clear error."""

import os
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fctransfer_utils.cli import BAD_INPUT, main
from fctransfer_utils.course import report_html
from fctransfer_utils.course.project import Project
from fctransfer_utils.course.report_page import Report
from fctransfer_utils.errors import InputError

PROJECT = Project(Path(__file__).parents[2])
WITHOUT_END = {"img", "meta", "link", "br", "hr", "input"}


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, the text, and whether every tag is closed in turn."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self.open = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in WITHOUT_END:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes another tag at {self.getpos()}"

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def report():
    return Report(PROJECT)


@pytest.fixture(scope="module")
def text(report):
    return report_html.page(report)


@pytest.fixture(scope="module")
def page(text):
    return Page(text)


def test_every_tag_is_closed_and_no_id_comes_twice(page):
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_it_has_every_claim_of_both_papers(page, report):
    words = "".join(page.words)
    claims = [claim for own in report.claims.values() for claim in own]
    assert len(claims) > 50
    shown = {statement: statement in words for statement in dict.fromkeys(claim.statement for claim in claims)}
    told_otherwise = [statement for statement, there in shown.items() if not there]
    # where data sets were judged at other cuts, a row has the statement of the first one
    rows = {row for paper in report.judged for row in report.claims_table(paper).rows["claim"]}
    assert not set(told_otherwise) & rows
    assert len(rows) == len({claim.id for claim in claims})


def test_it_has_every_committed_figure_with_words_for_those_who_cannot_see_it(page):
    pictures = page.all("img")
    figures = {attributes["id"].removeprefix("figure-") for attributes in page.all("figure")}
    assert figures == {path.stem for path in PROJECT.figures.glob("*.png")}
    assert len(pictures) == len(figures)
    assert all(len(picture["alt"].split()) > 3 for picture in pictures)


def test_nothing_is_loaded_from_elsewhere(page, text):
    assert {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "embed", "base"} == set()
    loaded = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "srcset")]
    assert loaded
    assert all(value.startswith("data:image/png;base64,") for value in loaded)
    assert "url(" not in text
    assert "@import" not in text


def test_its_links_lead_to_places_within_it(page):
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    targets = {attributes["href"] for attributes in page.all("a")}
    assert "#claims" in targets
    assert {target.removeprefix("#") for target in targets} <= ids


def test_it_is_made_for_a_phone_and_for_paper(page, text):
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    assert "@page" in text
    assert "@media screen and (max-width" in text  # paper is narrow, too, and has room for tables
    assert "break-inside: avoid" in text
    assert all("data-label" in attributes for attributes in page.all("td"))


def test_the_command_writes_one_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(report_html, "page", lambda report: "<!DOCTYPE html>")
    out = tmp_path / "deep" / "report"
    assert main(["report", "--out", str(out)]) == 0
    assert [path.name for path in out.iterdir()] == ["report.html"]
    assert "report.html" in capsys.readouterr().out


@pytest.fixture
def in_the_way(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "taken" / "report.html").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("place", ["file", "file/below", "taken"])
def test_something_in_the_way_is_one_line_and_exit_code_2(in_the_way, monkeypatch, capsys, place):
    monkeypatch.setattr(report_html, "page", lambda report: "<!DOCTYPE html>")
    assert main(["report", "--out", str(in_the_way / place)]) == BAD_INPUT
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert str(in_the_way / place) in error
    assert "--out" in error


def test_a_place_that_cannot_be_written_to_is_refused(tmp_path, monkeypatch):
    def refuse(path, text):
        raise PermissionError(13, os.strerror(13), str(path))

    monkeypatch.setattr(report_html, "page", lambda report: "<!DOCTYPE html>")
    monkeypatch.setattr(report_html, "write_text", refuse)  # root may write everywhere, so the system is not asked
    with pytest.raises(InputError, match=r"Permission denied.*--out"):
        report_html.write_report(PROJECT, tmp_path)


def test_markdown_in_a_line_becomes_html_and_signs_stay_signs():
    assert report_html.inline("`a_b` and **c**: x < 3 * y") == "<code>a_b</code> and <strong>c</strong>: x &lt; 3 * y"
    linked = report_html.inline("[05](05_transfer_curves.ipynb)")
    assert linked == '<a href="#05_transfer_curves">05</a>'
