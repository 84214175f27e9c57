"""CITATION.cff: its version and the repository's address follow from the package and from pyproject.toml."""

from __future__ import annotations

import re

from . import address
from .generated import GeneratedFile
from .project import Project

VERSION = re.compile(r"^version: .*$", re.MULTILINE)
REPOSITORY = re.compile(r"^repository-code: .*\n", re.MULTILINE)


def renewed(project: Project, text: str) -> str:
    """``text`` with the package's version, and with the address as ``repository-code`` where there is one."""
    from .. import __version__

    place = address.repository(project)
    lines = f"version: {__version__}" + (f'\nrepository-code: "{place}"' if place else "")
    return VERSION.sub(lambda _: lines, REPOSITORY.sub("", text), count=1)


CITATION = GeneratedFile("CITATION.cff", source="pyproject.toml", made=renewed)
