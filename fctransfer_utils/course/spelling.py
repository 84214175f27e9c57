"""Misspelt words in the project's texts and code, found by codespell with its settings in pyproject.toml."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat

from ..optional import need
from ..scratch import scratch_folder
from .project import Project

FILES = (
    "README.md", "CITATION.cff", "Makefile", "environment.yml", "requirements.txt", "figures/data/README.md", "binder",
    ".github", "fctransfer_utils", "tests",
)  # fmt: skip
FOUND = re.compile(r"^(.+?):\d+: (.+ ==> .+)$", re.MULTILINE)


def misspelt(project: Project) -> dict[str, list[str]]:
    """By file, notebooks by their name: what is misspelt in it, and how to mend it."""
    need("codespell_lib", "checking the spelling", package="codespell")
    with scratch_folder() as folder:
        written = {str(_sources(file, folder)): file.name for file in project.notebook_files()}
        there = [str(project.root / name) for name in FILES if (project.root / name).exists()]
        # the settings are those of the working directory
        ran = subprocess.run(
            [sys.executable, "-m", "codespell_lib", "--check-hidden", *there, *written],
            cwd=project.root, capture_output=True, text=True, check=False,
        )  # fmt: skip
    found: dict[str, list[str]] = {}
    for path, words in FOUND.findall(ran.stdout):
        name = written.get(path) or project.shown(Path(path))
        found.setdefault(name, []).append(
            f"is misspelt: {words}; mend it, or add the word to [tool.codespell] in pyproject.toml"
        )
    return found


def _sources(file: Path, folder: Path) -> Path:
    """What a person has written in a notebook, as a file of its own: the outputs are full of letters without words."""
    cells = nbformat.read(file, as_version=4).cells
    path = folder / f"{file.stem}.md"
    path.write_text("\n\n".join(cell.source for cell in cells), encoding="utf-8")
    return path
