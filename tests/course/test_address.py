"""The public address stands in pyproject.toml alone: with it there are badges and links, without it there are none."""

from __future__ import annotations

import pytest

from fctransfer_utils import __version__
from fctransfer_utils.course import address
from fctransfer_utils.course.citation import CITATION
from fctransfer_utils.course.generated import END, begin
from fctransfer_utils.course.readme import README
from fctransfer_utils.course.titles import COSTS, with_title
from fctransfer_utils.errors import InputError

GITHUB = "https://github.com/someone/fctransfer"
ELSEWHERE = "https://codeberg.org/someone/fctransfer"
OLD_CITATION = "title: a course\nversion: 0.0.0\nlicense: MIT\n"


@pytest.fixture
def addressed(project):
    """Set the address in the project's pyproject.toml."""

    def set_address(given):
        path = project.root / "pyproject.toml"
        text = path.read_text(encoding="utf-8").split("[project.urls]")[0]
        path.write_text(f'{text}\n[project.urls]\nRepository = "{given}"\n', encoding="utf-8")
        return project

    return set_address


@pytest.fixture
def nameless(project):
    """A project whose pyproject.toml has no address, whatever ours has."""
    path = project.root / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    kept = [part for part in text.split("\n\n") if not part.startswith("[project.urls]")]
    path.write_text("\n\n".join(kept), encoding="utf-8")
    return project


def test_without_an_address_there_is_no_badge_and_no_link_and_the_text_says_how_to_launch_the_folder(nameless):
    assert address.repository(nameless) == ""
    assert address.badges(nameless) == ""
    assert address.notebook_link(nameless, "05_curves") == ""
    told = address.launch(nameless)
    assert "mybinder.org/v2" not in told
    assert "public Git repository" in told
    assert "`[project.urls]`" in told
    assert "git clone" not in address.clone(nameless)


@pytest.mark.parametrize("given", [GITHUB, f"{GITHUB}/", f"{GITHUB}.git"])
def test_with_an_address_on_github_the_badges_are_those_of_its_tests_and_of_binder(addressed, given):
    project = addressed(given)
    badges = address.badges(project)
    assert f"[![tests]({GITHUB}/actions/workflows/test.yml/badge.svg?branch=main)]" in badges
    assert "(https://mybinder.org/v2/gh/someone/fctransfer/main?urlpath=lab/tree/notebooks/00" in badges
    assert address.launch(project).startswith("[Open the course on Binder](https://mybinder.org/v2/gh/")
    assert f"git clone {GITHUB}\ncd fctransfer\n" in address.clone(project)


def test_elsewhere_binder_is_given_the_whole_address_and_no_tests_are_promised(addressed):
    project = addressed(ELSEWHERE)
    assert "tests" not in address.badges(project)
    assert "/v2/git/https%3A%2F%2Fcodeberg.org%2Fsomeone%2Ffctransfer/main?" in address.badges(project)


@pytest.mark.parametrize(
    "given", ["github.com/someone/fctransfer", "http://github.com/a/b", "https://github.com", "x y"]
)
def test_what_is_no_address_is_refused(addressed, given):
    with pytest.raises(InputError, match=r"Repository .*; give an address such as https://github.com/OWNER/NAME"):
        address.repository(addressed(given))


def test_the_title_of_a_notebook_gets_its_link_with_the_address_and_loses_it_without(addressed, nameless):
    empty = f"# T\n\n{begin(COSTS)}\n{END}"
    assert with_title(empty, notebook="05_curves", project=nameless) == empty
    told = with_title(empty, notebook="05_curves", project=addressed(GITHUB))
    assert "lab/tree/notebooks/05_curves.ipynb)" in told


def test_readme_and_citation_follow(addressed, nameless):
    (nameless.root / "README.md").write_text("<!-- generated: badges -->\n<!-- end -->\n", encoding="utf-8")
    (nameless.root / "CITATION.cff").write_text(OLD_CITATION, encoding="utf-8")
    assert README.is_current(nameless)
    assert CITATION.renew(nameless)
    assert CITATION.path(nameless).read_text(encoding="utf-8") == OLD_CITATION.replace("0.0.0", __version__)
    project = addressed(GITHUB)
    assert README.renew(project)
    assert "badge" in README.path(project).read_text(encoding="utf-8")
    assert not CITATION.is_current(project)
    assert CITATION.renew(project)
    assert not CITATION.renew(project)
    assert f'repository-code: "{GITHUB}"\n' in CITATION.path(project).read_text(encoding="utf-8")
