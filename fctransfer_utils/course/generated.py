"""Committed texts with parts that follow from other files: the marks around a part, and the files that have them.

A part begins with ``<!-- generated: NAME -->`` and ends with ``<!-- end -->``, each in a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..files import write_text
from .project import Project

END = "<!-- end -->"


def begin(name: str) -> str:
    """The mark that the part ``name`` begins with."""
    return f"<!-- generated: {name} -->"


PART = re.compile(rf"{begin('([a-z]+)')}\n(.*?){END}", re.DOTALL)


def part_of(text: str, name: str) -> str | None:
    """What stands between the marks of the part ``name``; None where there is no such part."""
    return next((inside for found, inside in PART.findall(text) if found == name), None)


def with_parts(text: str, make: Callable[[str], str]) -> str:
    """``text`` with ``make(name)`` between the marks of every part; nothing stands there where that is empty."""
    return PART.sub(lambda part: "\n".join(filter(None, [begin(part[1]), make(part[1]), END])), text)


@dataclass(frozen=True)
class GeneratedFile:
    """A committed file in the project's root that says, in parts, what other files say.

    ``made`` gives its text anew from the text that is there; ``source`` names what that follows from, for complaints.
    """

    name: str
    source: str
    made: Callable[[Project, str], str]

    def path(self, project: Project) -> Path:
        """Where it lies."""
        return project.root / self.name

    def is_current(self, project: Project) -> bool:
        """Whether it says what the other files say (so it does where there is none)."""
        return self._outdated(project) is None

    def renew(self, project: Project) -> bool:
        """Write it anew; whether anything changed."""
        text = self._outdated(project)
        if text is not None:
            write_text(self.path(project), text)
        return text is not None

    def _outdated(self, project: Project) -> str | None:
        """The text that it should have, where it has another."""
        if not self.path(project).exists():
            return None
        text = self.path(project).read_text(encoding="utf-8")
        made = self.made(project, text)
        return None if made == text else made
