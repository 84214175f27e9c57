"""The public address of the repository, which stands in pyproject.toml alone, and the links that follow from it."""

from __future__ import annotations

import re
import tomllib
from typing import Any
from urllib.parse import quote

from ..errors import InputError
from .project import Project

BRANCH = "main"
GITHUB = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+)")
ADDRESS = re.compile(r"https://[\w.-]+(?:/[\w.~-]+)+")
START = "notebooks/00_start_here.ipynb"
WORKFLOW = "actions/workflows/test.yml"
PLACE = "`[project.urls]` of `pyproject.toml`, as `Repository`"


def described(project: Project) -> dict[str, Any]:
    """The table ``[project]`` of pyproject.toml."""
    return tomllib.loads((project.root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def repository(project: Project) -> str:
    """``Repository`` of ``[project.urls]``, without a slash at the end; empty as long as it is not set.

    Raises InputError for one that is no https address of a repository.
    """
    given = described(project).get("urls", {}).get("Repository", "").rstrip("/").removesuffix(".git")
    if given and not ADDRESS.fullmatch(given):
        raise InputError(
            f"pyproject.toml has the Repository {given!r} in [project.urls]; give an address such as"
            " https://github.com/OWNER/NAME, or take the line out."
        )
    return given


def binder_link(address: str, path: str = START) -> str:
    """The address that opens ``path`` of the repository on Binder."""
    on_github = GITHUB.fullmatch(address)
    place = f"gh/{on_github.group(1)}" if on_github else f"git/{quote(address, safe='')}"
    return f"https://mybinder.org/v2/{place}/{BRANCH}?urlpath=lab/tree/{path}"


def notebook_link(project: Project, notebook: str) -> str:
    """A link that opens the notebook on Binder; empty while there is no address."""
    address = repository(project)
    return f"[Open on Binder]({binder_link(address, f'notebooks/{notebook}.ipynb')})" if address else ""


def badges(project: Project) -> str:
    """The badges of README.md in one line: tests (where GitHub runs them) and Binder; empty without an address."""
    address = repository(project)
    if not address:
        return ""
    binder = f"[![Open on Binder](https://mybinder.org/badge_logo.svg)]({binder_link(address)})"
    if not GITHUB.fullmatch(address):
        return binder
    return f"[![tests]({address}/{WORKFLOW}/badge.svg?branch={BRANCH})]({address}/{WORKFLOW}) {binder}"


def launch(project: Project) -> str:
    """How to open the course on Binder: a link, or what to do with a folder that has no public address."""
    address = repository(project)
    if address:
        return (
            f"[Open the course on Binder]({binder_link(address)}), a free service that builds the image which"
            " [`binder/`](binder) describes and starts JupyterLab in it."
        )
    return (
        "**Binder without a link.** This copy names no public address yet. Put the folder into any public Git"
        " repository and give its address to [mybinder.org](https://mybinder.org), a free service that starts"
        " JupyterLab in the image which [`binder/`](binder) describes; with Docker, `jupyter-repo2docker .` does so on"
        f" your machine. Once the address stands in {PLACE}, `make format` adds badges and links here and in the"
        " notebooks."
    )


def clone(project: Project) -> str:
    """The commands that bring the course to a machine."""
    address = repository(project)
    if not address:
        return "Every command is given in the folder that this file lies in."
    name = address.rsplit("/", 1)[1]
    return f"```\ngit clone {address}\ncd {name}\n```\n\nEvery command is given in the folder that this file lies in."
