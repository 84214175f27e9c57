"""The rules that every committed notebook keeps, each with what to do when it does not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from .normalise import normalised, text_of
from .parameters import inspected
from .rules_text import abbreviation_rules, exercise_rules, glossary_of, link_rules, title_rules

MOST_CELLS = 60
MOST_BYTES = 1_000_000
MOST_LINES = 25
NAME = re.compile(r"[0-9]{2}_[a-z0-9]+(?:_[a-z0-9]+)*")
TAGS = {"parameters", "exercise"}
MACHINE = re.compile(r"(?<![\w./:-])/(?:home|Users|root|tmp|mnt|private|var/folders)/[^\s'\"]*")
ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")
PICTURE = "image/png"
STARTED = re.compile(r"course\.start\(\s*[\"']([^\"']*)[\"']")
DRAWN_ID = re.compile(r"(?=.*[0-9])[0-9a-f]{8}(-[0-9a-f]{4}){0,3}(-[0-9a-f]{12})?")
BAR = re.compile(r"^.*\b\d{1,2}%\|.*$|<progress value=\"0[.\d]*\"", re.MULTILINE)


def broken_rules(files: Sequence[Path]) -> dict[str, list[str]]:
    """What is wrong with each notebook (those in order get no entry) and, under ``notebooks``, with their set."""
    found: dict[str, list[str]] = {}
    about_all = list(_set_rules(files))
    if about_all:
        found["notebooks"] = about_all
    glossary = glossary_of(files)
    for file in files:
        complaints = list(_notebook_rules(file, files, glossary))
        if complaints:
            found[file.name] = complaints
    return found


def _set_rules(files: Sequence[Path]) -> Iterator[str]:
    numbers = [file.name[:2] for file in files]
    for number in sorted({number for number in numbers if numbers.count(number) > 1}):
        yield f"two notebooks have the number {number}; give each its own"
    for file in files:
        if not NAME.fullmatch(file.stem):
            yield f"{file.name} is not named like 05_transfer_curves.ipynb; rename it"


def _notebook_rules(file: Path, files: Sequence[Path], glossary: set[str] | None) -> Iterator[str]:
    text = file.read_text(encoding="utf-8")
    try:
        notebook = nbformat.reads(text, as_version=nbformat.NO_CONVERT)
        nbformat.validate(notebook, relax_add_props=False)
    except (nbformat.ValidationError, nbformat.reader.NotJSONError, AttributeError, KeyError) as error:
        yield f"is not a valid notebook: {str(error).splitlines()[0]}; save it from JupyterLab"
        return
    if (notebook.nbformat, notebook.nbformat_minor) != (4, 5):
        yield f"has format {notebook.nbformat}.{notebook.nbformat_minor}, not 4.5; run: make format"
        return
    if len(text.encode()) > MOST_BYTES:
        yield f"has {len(text.encode()):,} bytes, more than {MOST_BYTES:,}; show fewer or smaller pictures"
    if len(notebook.cells) > MOST_CELLS:
        yield f"has {len(notebook.cells)} cells, more than {MOST_CELLS}; split it"
    yield from _cell_rules(notebook)
    yield from _story_rules(file, notebook)
    yield from _parameter_rules(file, notebook)
    yield from title_rules(file, notebook)
    yield from exercise_rules(file, notebook)
    yield from link_rules(file, notebook, files)
    if glossary is not None:
        yield from abbreviation_rules(notebook, glossary=glossary)
    yield from _output_rules(notebook, home=str(file.absolute().parents[1]))
    if text != text_of(normalised(notebook)):
        yield "is not normalised (timings, counts, metadata or spaces differ); run: make format"


def _cell_rules(notebook: NotebookNode) -> Iterator[str]:
    ids = [cell.get("id", "") for cell in notebook.cells]
    for name in sorted({name for name in ids if ids.count(name) > 1}):
        yield f"has two cells with the id {name!r}; give each its own"
    for name in filter(DRAWN_ID.fullmatch, ids):
        yield f"has a cell with the id {name!r}, which was drawn at random; name it by what it is about"
    for number, cell in enumerate(notebook.cells, start=1):
        strange = set(cell.metadata.get("tags", [])) - TAGS
        if strange:
            yield f"cell {number} has the unknown tag {sorted(strange)[0]!r}; allowed: {', '.join(sorted(TAGS))}"
        lines = cell.source.count("\n") + 1
        if cell.cell_type == "code" and lines > MOST_LINES:
            yield f"cell {number} has {lines} lines of code, more than {MOST_LINES}; split it"
        if cell.cell_type == "code" and not cell.source.strip():
            yield f"cell {number} is empty; delete it"


def _story_rules(file: Path, notebook: NotebookNode) -> Iterator[str]:
    """Title first, set-up under its own name, and the record at the end."""
    cells = notebook.cells
    if not cells or cells[0].cell_type != "markdown" or not cells[0].source.startswith("# "):
        yield "does not begin with a text cell whose first line is a title ('# ...')"
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    code = "\n".join(sources)
    started = STARTED.findall(code)
    if started != [file.stem]:
        yield f'calls course.start with {started or "nothing"}; call it once, as course.start("{file.stem}", ...)'
    elif not any(map(STARTED.search, sources[:2])):
        yield "calls course.start too late; call it in the first code cell after the parameters"
    if not re.search(r"\.finish\(\)", code):
        yield "does not call run.finish(), which records its checks and claims; call it in the last code cell"


def _parameter_rules(file: Path, notebook: NotebookNode) -> Iterator[str]:
    cells = notebook.cells
    tagged = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        yield f"has {len(tagged)} cells tagged 'parameters'; it needs exactly one"
        return
    first = next(cell for cell in cells if cell.cell_type == "code")
    if tagged[0] is not first:
        yield "has code before its cell tagged 'parameters'; put that cell first"
    seen = inspected(file)
    try:
        body = ast.parse(first.source).body
    except SyntaxError as error:
        yield f"has a parameters cell that is no Python: {error.msg}"
        return
    lines = first.source.splitlines()
    for statement in body:
        name = _plain_default(statement)
        if name is None:
            yield f"has {ast.unparse(statement)!r} among its parameters; write only 'name: type = plain value' there"
        elif name not in seen:
            yield f"has the parameter {name}, which papermill does not see (a second '=' on its line hides it)"
        elif "#" not in lines[statement.end_lineno - 1] or not seen[name]["help"]:
            yield f"has the parameter {name} without a comment on its line that says what it is"
    if seen.get("profile", {}).get("default", "").strip("\"'") != "read":
        yield 'must have the parameter profile: str = "read"  # ...'
    if "data" not in seen:
        yield 'must have the parameter data: str = "glyphs"  # ...'


def _plain_default(statement: ast.stmt) -> str | None:
    """The name that ``statement`` gives a typed, literal default; None when it is anything else."""
    if (
        not isinstance(statement, ast.AnnAssign)
        or not isinstance(statement.target, ast.Name)
        or statement.value is None
    ):
        return None
    try:
        ast.literal_eval(statement.value)
    except ValueError:
        return None
    return statement.target.id


def _output_rules(notebook: NotebookNode, *, home: str) -> Iterator[str]:
    places = re.compile(f"{re.escape(home)}|{MACHINE.pattern}")
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", []):
            for words in _about_output(output, places):
                yield f"cell {number} {words}"


def _about_output(output: NotebookNode, places: re.Pattern[str]) -> Iterator[str]:
    if output.output_type == "error":
        yield f"is saved with the error {output.ename}; mend it and run: make format"
    if PICTURE in output.get("data", {}) and not output.metadata.get(PICTURE, {}).get("alt", "").strip():
        yield "shows a picture without words; show it with run.figure or show.png(..., alt=...)"
    for text in _texts(output):
        if hit := BAR.search(text):
            yield f"is saved with a bar that stands still, {hit.group().strip()!r}; run: make format"
        for pattern, what in ((places, "a path of one machine"), (ADDRESS, "a memory address")):
            if hit := pattern.search(text):
                yield f"shows {what}, {hit.group()}; print something that is the same everywhere"


def _texts(output: NotebookNode) -> Iterable[str]:
    if output.output_type == "stream":
        return [output.text]
    return [str(value) for kind, value in output.get("data", {}).items() if not kind.startswith("image/")]
