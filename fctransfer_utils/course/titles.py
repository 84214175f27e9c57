"""The generated part of a notebook's first cell: what it costs in each profile and machine, and where to open it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..files import write_text
from . import address
from .generated import with_parts
from .parameters import PROFILES
from .project import Project
from .report import read_found

FIRST = "00_start_here"
COSTS = "costs"
"""The name of the generated part."""


@dataclass(frozen=True)
class Measured:
    """What one notebook took in one profile on one machine: seconds, and the most memory of its process in MB."""

    notebook: str
    profile: str
    machine: str
    seconds: float
    megabytes: int | None = None


def costs_file(project: Project) -> Path:
    """``{profile: {machine: {notebook: {"seconds": ..., "megabytes": ...}}}}``."""
    return project.figures / "costs.json"


def record_costs(project: Project, profile: str, *, machine: str) -> list[Measured]:
    """Keep what the last run of every notebook in ``profile`` took, said to be on ``machine``."""
    found = {file.stem: read_found(project.claims(profile, file.stem)) for file in project.notebook_files()}
    measured = {
        name: {"seconds": last["seconds"], "megabytes": last.get("megabytes")} for name, last in found.items() if last
    }
    costs = _read(project)
    costs.setdefault(profile, {}).setdefault(machine, {}).update(measured)
    write_text(costs_file(project), json.dumps(costs, indent=1, sort_keys=True) + "\n")
    return [Measured(name, profile, machine, **cost) for name, cost in measured.items()]


def measured_costs(project: Project) -> tuple[Measured, ...]:
    """All that was measured: by profile in their order, machine, notebook. Raises InputError for a damaged file."""
    costs = _read(project)
    return tuple(
        Measured(notebook, profile, machine, **cost)
        for profile in PROFILES
        for machine, notebooks in sorted(costs.get(profile, {}).items())
        for notebook, cost in sorted(notebooks.items())
    )


def with_title(source: str, *, notebook: str, project: Project) -> str:
    """The first cell's text with its generated part renewed; unchanged when it has no place for one."""

    def inside(_: str) -> str:
        own = [cost for cost in measured_costs(project) if cost.notebook == notebook]
        parts = (address.notebook_link(project, notebook), _cost_table(own), _glossary(project, notebook))
        lines = "\n\n".join(part for part in parts if part)
        return f"\n{lines}\n" if lines else ""

    return with_parts(source, inside)


def duration(seconds: float) -> str:
    """Seconds as ``9 s``, ``5 min`` or ``1.5 h``."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _cost_table(costs: list[Measured]) -> str:
    if not costs:
        return ""
    rows = [f"| {cost.profile} | {duration(cost.seconds)} | {memory(cost)} | {cost.machine} |" for cost in costs]
    return "\n".join(["| profile | time | memory | on |", "| --- | --- | --- | --- |", *rows])


def _glossary(project: Project, notebook: str) -> str:
    if notebook == FIRST or not (project.notebooks / f"{FIRST}.ipynb").exists():
        return ""
    return f"Words that are new to you stand in the [glossary]({FIRST}.ipynb#The-words)."


def memory(cost: Measured) -> str:
    """The memory in words; empty when it was not measured."""
    return "" if cost.megabytes is None else f"{cost.megabytes:,} MB"


def _read(project: Project) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    path = costs_file(project)
    if not path.exists():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"cannot read {project.shown(path)}: {error}; restore it from the project.") from error
