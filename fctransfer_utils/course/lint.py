"""Code cells that ruff would mend, with its settings in pyproject.toml."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ..optional import need
from .project import Project

FOUND = re.compile(r"^(?P<file>.+?\.ipynb):(?P<words>cell \d+:.+)$", re.MULTILINE)
UNFORMATTED = re.compile(r"(?:^Would reformat: |^ *--> )(?P<file>.+?\.ipynb)", re.MULTILINE)


def unclean(project: Project, files: Sequence[Path]) -> dict[str, list[str]]:
    """By notebook: what ruff complains of in its code, and whether it would format it otherwise."""
    need("ruff", "checking the code of notebooks")
    found: dict[str, list[str]] = {}
    if not files:
        return found
    names = [str(file) for file in files]
    for match in FOUND.finditer(_ruff(project, "check", "--output-format=concise", *names)):
        words = f"{match['words']}; mend it, or run: make format"
        found.setdefault(Path(match["file"]).name, []).append(words)
    unformatted = UNFORMATTED.findall(_ruff(project, "format", "--check", *names))
    for name in dict.fromkeys(Path(path).name for path in unformatted):
        found.setdefault(name, []).append("has code that is not formatted; run: make format")
    return found


def _ruff(project: Project, *arguments: str) -> str:
    command = [sys.executable, "-m", "ruff", *arguments, "--no-cache"]
    return subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False).stdout
