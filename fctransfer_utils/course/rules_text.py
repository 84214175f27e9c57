"""The rules of a notebook's texts: how it begins, what it explains, what it links to, and that it asks for work."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from nbformat import NotebookNode

from . import links
from .execute import solutions
from .generated import END, begin, part_of
from .project import Project
from .titles import COSTS, FIRST, with_title

EXERCISES = 3
OWN = re.compile(r"^##+ Try it on your own\b", re.MULTILINE)
FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.DOTALL)
SHORT = re.compile(r"(?<![\w-])[A-Za-z]*[A-Z][a-z]?[A-Z]\w*(?![\w-])")
ROW = re.compile(r"^\|(.*?)\|", re.MULTILINE)
# Units, kinds of files, places where papers appear, and names: what a glossary need not explain.
KNOWN = {
    "CPU", "GPU", "MB", "GB", "CSV", "SVG", "PNG", "PDF", "HTML", "JSON", "YAML", "README", "ML", "NIPS", "PCM", "LNCS",
    "MIT", "DTD", "RSSCN7", "VGG", "II", "III", "IV",
}  # fmt: skip


def title_rules(file: Path, notebook: NotebookNode) -> Iterator[str]:
    """The first cell asks the question, says what is to be learnt, and has the current costs."""
    title = notebook.cells[0].source if notebook.cells else ""
    if "**Question.**" not in title:
        yield "does not ask its question in the title cell; begin a paragraph there with **Question.**"
    if "ou will learn" not in title:
        yield "does not say in the title cell what is to be learnt; begin a paragraph there with **You will learn**"
    if part_of(title, COSTS) is None:
        marks = f"{begin(COSTS)} and {END}"
        yield f"has no place for its costs in the title cell; write {marks} there, each in a line of its own"
    elif title != with_title(title, notebook=file.stem, project=Project(file.absolute().parents[1])):
        yield "has a title cell whose costs or links are not current; run: make format"


def exercise_rules(file: Path, notebook: NotebookNode) -> Iterator[str]:
    """At least three exercises with solutions folded away, one of them in code, and something to try."""
    cells = notebook.cells
    exercises = [cell for cell in cells if "exercise" in cell.metadata.get("tags", [])]
    if len(exercises) < EXERCISES:
        yield f"has {len(exercises)} exercises (text cells tagged 'exercise'); it needs {EXERCISES}"
    if exercises and not any(solutions(cell) for cell in exercises):
        yield "has no exercise that asks for code; give one a solution with a block that begins with ```python"
    for number, cell in enumerate(cells, start=1):
        if cell in exercises and "<details>" not in cell.source:
            yield f"cell {number} is an exercise without a solution folded away in <details><summary>...</summary>"
        for block in solutions(cell) if cell.cell_type == "markdown" else []:
            if (problem := _syntax(block)) is not None:
                yield f"cell {number} has a solution that is no Python: {problem}"
    if not OWN.search(_texts(notebook)):
        yield "has no section '## Try it on your own', in which a reader is told what to change and how"


def link_rules(file: Path, notebook: NotebookNode, files: Sequence[Path]) -> Iterator[str]:
    """Every link leads somewhere, and one of them to the next notebook."""
    text = _texts(notebook)
    yield from links.broken_links(file, text)
    yield from links.unnamed_pictures(text)
    after = [other.name for other in files if other.name > file.name]
    if after and not any(target.split("#")[0] == after[0] for target in links.targets(text)):
        yield f"does not link to the next notebook, {after[0]}"


def abbreviation_rules(notebook: NotebookNode, *, glossary: set[str]) -> Iterator[str]:
    """What is abbreviated stands in the glossary of the first notebook."""
    text = links.LINK.sub(r"\2", FORMULA.sub("", links.prose(_texts(notebook))))
    used = dict.fromkeys(name.removesuffix("s") for name in SHORT.findall(text))
    for name in used:
        if name not in KNOWN | glossary and name.rstrip("+") not in glossary:
            yield f"uses {name}, which the glossary of {FIRST} does not explain; add it there, or write it out"


def glossary_of(files: Sequence[Path]) -> set[str] | None:
    """The words that the tables of the first notebook explain; None where there is no such notebook."""
    first = next((file for file in files if file.stem == FIRST), None)
    if first is None:
        return None
    text = links.texts_of(first.read_text(encoding="utf-8"))
    return {word for entry in ROW.findall(text) for word in re.findall(r"[\w+]+", entry)}


def _texts(notebook: NotebookNode) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def _syntax(code: str) -> str | None:
    try:
        ast.parse(code)
    except SyntaxError as error:
        return str(error.msg)
    return None
