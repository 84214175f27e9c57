"""Run the notebooks in order with papermill: parameters checked before, progress while, a table after."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError, unknown
from ..files import expanded
from ..optional import need
from . import show
from .kernel import this_interpreter
from .parameters import check_data, check_known, check_profile, load_profile
from .project import Project, find_project
from .report import NotebookResult, read_found, table

ANSI = re.compile(r"\x1b\[[0-9;]*m")
TRACEBACK = 25
SELF_EXPLAINING = {"InputError", "StoreError", "CheckFailed"}


def run_notebooks(**options: Any) -> int:
    """``run_all(**options)`` told on standard output; 0 when every notebook passed, else 1."""
    return 0 if all(result.state == "passed" for result in run_all(tell=show.line, **options)) else 1


def run_all(
    *,
    profile: str,
    data: str = "glyphs",
    out: Path | str | None = None,
    only: str | Sequence[str] | None = None,
    parameters: Mapping[str, Any] | None = None,
    tell: Callable[[str], None],
    project: Project | None = None,
) -> list[NotebookResult]:
    """Execute the notebooks into ``out`` (default ``build/notebooks``); ``tell`` gets one line at a time.

    ``only`` names notebooks, by their numbers or whole names; ``parameters`` overrules the profile's for those that
    have them. The first notebook that fails is the last one that runs. Raises InputError before anything runs when a
    profile, data set, notebook or parameter is unknown, or a library is missing.
    """
    profile, data = check_profile(profile), _absolute(check_data(data))
    need("papermill", "running notebooks")
    need("ipykernel", "running notebooks")
    project = project or find_project()
    files = chosen(project.notebook_files(), only)
    wanted = _parameters(project, files, profile, data, parameters or {})
    project.check_writable()
    out = Path(out or project.build / "notebooks").absolute()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"notebooks cannot be written to {out} ({error.strerror}); name another folder.") from error
    results: list[NotebookResult] = []
    with this_interpreter({"FCTRANSFER_PROJECT": str(project.root)}) as kernel:
        for file in files:
            if results and results[-1].state != "passed":
                results.append(NotebookResult(file.stem, "not run"))
                continue
            tell(f"{file.stem} ({profile}, {data})")
            results.append(_run(file, out / file.name, wanted[file.stem], kernel, project, profile, tell))
    tell("")
    tell(table(results))
    tell(f"notebooks are in {project.shown(out)}")
    return results


def chosen(files: Sequence[Path], only: str | Sequence[str] | None) -> list[Path]:
    """The notebooks that ``only`` names ("05", "05_transfer_curves", several, or None for all), in order.

    Raises InputError for an unknown one, and when there is none at all.
    """
    if not files:
        raise InputError("there are no notebooks in the project's folder notebooks/; restore it from the project.")
    if only is None or not only:
        return list(files)
    names = [only] if isinstance(only, str) else list(only)
    found = set()
    for name in names:
        number = name.zfill(2) if name.isdecimal() else None
        same = [file for file in files if name.removesuffix(".ipynb") == file.stem or file.stem[:2] == number]
        if not same:
            raise unknown("notebook", name, [file.stem for file in files])
        found.update(same)
    return [file for file in files if file in found]


def _parameters(
    project: Project, files: Sequence[Path], profile: str, data: str, extra: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """The parameters of each notebook, all of them known to it."""
    every = [file.stem for file in project.notebook_files()]
    wanted = load_profile(project.profile(profile), notebooks=every)
    chosen_ones = {}
    for file in files:
        values = {**wanted[file.stem], **extra, "profile": profile, "data": data}
        check_known(file, values)
        chosen_ones[file.stem] = values
    return chosen_ones


def _run(
    file: Path,
    target: Path,
    parameters: Mapping[str, Any],
    kernel: str,
    project: Project,
    profile: str,
    tell: Callable[[str], None],
) -> NotebookResult:
    import papermill
    from papermill.exceptions import PapermillExecutionError

    from .engine import register

    notes = project.claims(profile, file.stem)
    notes.unlink(missing_ok=True)
    start = time.monotonic()
    try:
        papermill.execute_notebook(
            str(file),
            str(target),
            parameters=dict(parameters),
            engine_name=register(),
            kernel_name=kernel,
            language="python",
            cwd=str(file.parent),
            progress_bar=False,
            tell=tell,
        )
    except PapermillExecutionError as error:
        story = explain(error)
        tell(f"{file.stem} failed {story}")
        return NotebookResult(file.stem, "failed", time.monotonic() - start, read_found(notes), story)
    return NotebookResult(file.stem, "passed", time.monotonic() - start, read_found(notes))


def explain(error: Any) -> str:
    """A failed cell in a readable way: its number, its code, the error, and where it arose unless that says it all."""
    code = "\n".join(f"    {line}" for line in error.source.splitlines())
    story = f"in cell {error.cell_index + 1}:\n{code}\n  {error.ename}: {error.evalue}"
    if error.ename in SELF_EXPLAINING:
        return story
    trace = ANSI.sub("", "\n".join(error.traceback)).splitlines()
    shown = (["..."] if len(trace) > TRACEBACK else []) + trace[-TRACEBACK:]
    return "\n".join([story, *(f"    {line}" for line in shown)])


def _absolute(data: str) -> str:
    """A folder means the same in the notebooks' working directory as in the one where it was named."""
    kind, _, path = data.partition(":")
    return f"{kind}:{expanded(path).absolute()}" if path else data
