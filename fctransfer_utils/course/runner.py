"""Run the notebooks in order with papermill: parameters checked before, progress while, a table after.

Two at a time where the machine has room: a notebook uses all cores only while it trains networks, and one of them while
it starts, analyses and draws. Networks of one store are trained by one notebook at a time; the next one waits.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, unknown
from ..files import expanded
from ..optional import need
from . import show
from .abreast import run_abreast
from .kernel import this_interpreter
from .parameters import check_data, check_known, check_profile, load_profile
from .project import Project, find_project
from .report import NOT_RUN, NotebookResult, read_found, table
from .start import RENEW, renewing, usable_cores

ANSI = re.compile(r"\x1b\[[0-9;]*m")
TRACEBACK = 25
SELF_EXPLAINING = {"InputError", "StoreError", "CheckFailed"}
ALONE = ("13_scale_out",)
ROOMY = 8 * 2**30
"""Bytes of memory from which on two notebooks run side by side."""


@dataclass(frozen=True)
class Job:
    """One notebook to run: from where to where, with which parameters, in which kernel."""

    file: Path
    target: Path
    parameters: Mapping[str, Any]
    kernel: str
    project: Project

    @property
    def name(self) -> str:
        """Such as ``05_transfer_curves``."""
        return self.file.stem

    @property
    def alone(self) -> bool:
        """Whether nothing may run beside it, since it times what the machine can do."""
        return self.name in ALONE


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
    side_by_side: int | None = None,
    tell: Callable[[str], None],
    project: Project | None = None,
) -> list[NotebookResult]:
    """Execute the notebooks into ``out`` (default ``build/notebooks``); ``tell`` gets one line at a time.

    ``only`` names notebooks, by their numbers or whole names; ``parameters`` overrules the profile's for those that
    have them. ``side_by_side`` at a time (default: two where there are two cores and 8 GB of memory): they begin in
    order, and every line begins with the notebook's number. After the first that fails no other one begins. Raises
    InputError before anything runs when a profile, data set, notebook or parameter is unknown, or a library is missing.
    """
    if side_by_side is not None and side_by_side < 1:
        raise InputError(f"side_by_side = {side_by_side}; give how many notebooks run at the same time, 1 or more.")
    if side_by_side is not None and side_by_side > 1 and renewing():
        raise InputError(
            f"side_by_side = {side_by_side} with {RENEW} set: notebooks that renew the same committed files lose each"
            " other's changes; give 1."
        )
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
    most = min(automatic() if side_by_side is None else side_by_side, len(files))
    start = time.monotonic()
    with this_interpreter({"FCTRANSFER_PROJECT": str(project.root)}) as kernel:
        jobs = [Job(file, out / file.name, wanted[file.stem], kernel, project) for file in files]
        results = _in_turn(jobs, tell) if most == 1 else run_abreast(jobs, run_job, most=most, tell=tell)
    tell("")
    tell(table(results, seconds=time.monotonic() - start))
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


def automatic() -> int:
    """Two where there are two cores and ROOMY bytes of memory, else one; one where committed files are renewed."""
    known = hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if known else 0
    return 2 if usable_cores() > 1 and memory >= ROOMY and not renewing() else 1


def _in_turn(jobs: Sequence[Job], tell: Callable[[str], None]) -> list[NotebookResult]:
    """What became of each, one after the other in this process."""
    results: list[NotebookResult] = []
    for job in jobs:
        if results and results[-1].state != "passed":
            results.append(NotebookResult(job.name, NOT_RUN))
        else:
            results.append(run_job(job, tell))
    return results


def run_job(job: Job, tell: Callable[[str], None]) -> NotebookResult:
    """Execute one notebook in this process."""
    import papermill
    from papermill.exceptions import PapermillExecutionError

    from .engine import register

    name, profile, data = job.name, job.parameters["profile"], job.parameters["data"]
    notes = job.project.claims(profile, name)
    notes.unlink(missing_ok=True)
    tell(f"{name} ({profile}, {data})")
    start = time.monotonic()
    try:
        papermill.execute_notebook(
            str(job.file),
            str(job.target),
            parameters=dict(job.parameters),
            engine_name=register(),
            kernel_name=job.kernel,
            language="python",
            cwd=str(job.file.parent),
            progress_bar=False,
            tell=tell,
        )
    except PapermillExecutionError as error:
        story = explain(error)
        tell(f"{name} failed {story}")
        return NotebookResult(name, "failed", time.monotonic() - start, read_found(notes), story)
    return NotebookResult(name, "passed", time.monotonic() - start, read_found(notes))


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
