"""CITATION.cff: its version and the repository's address follow from the package and from pyproject.toml."""

from __future__ import annotations

import re
from pathlib import Path

from ..files import write_text
from . import address
from .project import Project

SOURCE = "pyproject.toml"
VERSION = re.compile(r"^version: .*$", re.MULTILINE)
REPOSITORY = re.compile(r"^repository-code: .*\n", re.MULTILINE)


def file_of(project: Project) -> Path:
    """Where CITATION.cff lies."""
    return project.root / "CITATION.cff"


def renewed(project: Project) -> str:
    """Its text with the package's version, and with the address as ``repository-code`` where there is one."""
    from .. import __version__

    text = REPOSITORY.sub("", file_of(project).read_text(encoding="utf-8"))
    place = address.repository(project)
    lines = f"version: {__version__}" + (f'\nrepository-code: "{place}"' if place else "")
    return VERSION.sub(lambda _: lines, text, count=1)


def is_current(project: Project) -> bool:
    """Whether it says what the package and pyproject.toml say (so it does where there is none)."""
    return not file_of(project).exists() or renewed(project) == file_of(project).read_text(encoding="utf-8")


def renew(project: Project) -> bool:
    """Write it anew; whether anything changed."""
    changed = not is_current(project)
    if changed:
        write_text(file_of(project), renewed(project))
    return changed
