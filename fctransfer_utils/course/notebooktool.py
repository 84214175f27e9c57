"""Keep the notebooks in order: ``python -m fctransfer_utils.course.notebooktool check|format|costs``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import nbformat

from ..errors import InputError
from ..files import write_text
from ..scratch import scratch_folder
from . import links, show
from .citation import CITATION
from .compare import differences
from .execute import NotebookFailed, executed
from .lint import unclean
from .normalise import normalised, text_of
from .parameters import PROFILES, check_profile
from .project import Project, find_project
from .readme import README
from .rules import broken_rules
from .runner import chosen
from .spelling import misspelt
from .titles import record_costs, with_title

GENERATED = (README, CITATION)


def main(arguments: Sequence[str] | None = None) -> int:
    """0: in order; 1: not; 2: bad input."""
    parser = argparse.ArgumentParser(prog="notebooktool", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, text in (
        ("check", "say which rules a committed notebook breaks (runs nothing)"),
        ("format", "run in the profile read and save normalised outputs in place"),
    ):
        verb = verbs.add_parser(name, help=text)
        verb.add_argument("only", nargs="*", help="numbers or names of notebooks; default: all")
    verb = verbs.add_parser("costs", help="keep the seconds of the last run, one after the other, for the title cells")
    verb.add_argument("profile", help=", ".join(PROFILES))
    verb.add_argument("machine", help="such as '2 CPU cores'")
    options = parser.parse_args(arguments)
    try:
        project = find_project()
        if options.verb == "costs":
            return costs(project, check_profile(options.profile), machine=options.machine)
        files = project.notebook_files()
        files = chosen(files, options.only) if options.only else files
        return check(project, files) if options.verb == "check" else format_all(project, files)
    except InputError as error:
        sys.stderr.write(f"notebooktool: {error}\n")
        return 2


def check(project: Project, files: Sequence[Path]) -> int:
    """Say what is wrong with ``files`` and the texts beside them, and how to mend it; 1 when anything is."""
    notebooks = {file.name for file in project.notebook_files()}
    passed_over = notebooks - {file.name for file in files}
    count = 0
    for found in (broken_rules(project.notebook_files()), unclean(project, files), misspelt(project), _texts(project)):
        for name, complaints in found.items():
            for complaint in complaints if name not in passed_over else ():
                count += 1
                show.line(f"{name}: {complaint}")
    show.line(f"{len(files)} notebooks checked, {count} complaints")
    return 1 if count else 0


def _texts(project: Project) -> dict[str, list[str]]:
    """What is wrong with README.md, the tables' README.md and CITATION.cff."""
    found: dict[str, list[str]] = {}
    for generated in GENERATED:
        if not generated.is_current(project):
            found[generated.name] = [f"its generated parts are not what {generated.source} gives; run: make format"]
    for file in (README.path(project), project.figures / "data" / "README.md"):
        if file.exists():
            text = file.read_text(encoding="utf-8")
            broken = [
                *links.broken_links(file, text),
                *links.unnamed_pictures(text),
                *links.missing_files(project.root, text),
            ]
            found.setdefault(project.shown(file), []).extend(broken)
    return found


def format_all(project: Project, files: Sequence[Path]) -> int:
    """Renew titles and outputs of ``files``; one that fails is left as it was, and the result is 1."""
    failed = 0
    for file in files:
        start = time.monotonic()
        try:
            changed = format_one(project, file)
        except NotebookFailed as error:
            failed += 1
            show.line(f"{file.name}: failed {error}")
            continue
        words = "; ".join(changed[:3]) or "unchanged"
        show.line(f"{file.name}: {words} ({time.monotonic() - start:.1f} s)")
    for generated in GENERATED:
        if generated.renew(project):
            show.line(f"{generated.name}: generated parts renewed")
    return 1 if failed else 0


def format_one(project: Project, file: Path) -> list[str]:
    """Execute ``file`` in ``read``, write it back normalised, and return what changed. Raises NotebookFailed."""
    try:
        notebook = nbformat.read(file, as_version=4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, AttributeError) as error:
        raise InputError(f"{file.name} is not a valid notebook: {str(error).splitlines()[0]}; restore it.") from error
    before = file.read_text(encoding="utf-8")
    if notebook.cells:
        title = notebook.cells[0]
        title.source = with_title(title.source, notebook=file.stem, project=project)
    old = normalised(notebook)
    new = normalised(run_read(project, notebook, folder=file.parent))
    changed = differences(old, new)
    if not changed and text_of(old) == before:
        return []
    # a picture that only rounds otherwise on this machine stays as it is
    write_text(file, text_of(new if changed else old))
    return changed or ["normalised"]


def run_read(project: Project, notebook: nbformat.NotebookNode, *, folder: Path) -> nbformat.NotebookNode:
    """``notebook`` executed as committed, with what it makes going to a folder that is thrown away."""
    with scratch_folder() as build:
        variables = {"FCTRANSFER_PROJECT": str(project.root), "FCTRANSFER_BUILD": str(build), "FCTRANSFER_RENEW": "0"}
        return executed(notebook, folder=folder, variables=variables)


def costs(project: Project, profile: str, *, machine: str) -> int:
    """Keep what the notebooks took in their last run in ``profile``."""
    measured = record_costs(project, profile, machine=machine)
    together = sum(cost.seconds for cost in measured)
    show.line(f"{len(measured)} notebooks took {together:.0f} s in {profile} on {machine}; run: make format")
    return 0


if __name__ == "__main__":
    sys.exit(main())
