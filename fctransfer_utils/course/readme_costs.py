"""What the course costs, for README.md: the ways to start, and every notebook by profile and machine."""

from __future__ import annotations

from collections.abc import Sequence

from . import address
from .project import Project
from .titles import Measured, duration, measured_costs, memory

NOT_MEASURED = "Not measured yet."


def costs(project: Project) -> str:
    """Time and memory of each notebook, a column for each profile and machine that was measured."""
    measured = measured_costs(project)
    columns = list(dict.fromkeys((cost.profile, cost.machine) for cost in measured))
    if not columns:
        return NOT_MEASURED
    lines = [
        "| notebook | " + " | ".join(f"`{profile}`, {machine}" for profile, machine in columns) + " |",
        "| :-- |" + " --: |" * len(columns),
    ]
    by_place = {(cost.notebook, cost.profile, cost.machine): cost for cost in measured}
    for file in project.notebook_files():
        cells = [_cell(by_place.get((file.stem, *column))) for column in columns]
        lines.append(f"| [{file.stem}](notebooks/{file.name}) | " + " | ".join(cells) + " |")
    sums = [_together([cost for cost in measured if (cost.profile, cost.machine) == column]) for column in columns]
    return "\n".join([*lines, "| **all of these** | " + " | ".join(sums) + " |"])


def ways(project: Project) -> str:
    """The ways to start with the time and the memory that they take, as far as these were measured."""
    read, quick = (_of_profile(project, name) for name in ("read", "quick"))
    link = address.repository(project)
    binder = f"[open it]({address.binder_link(link)})" if link else "give the repository's address to mybinder.org"
    rows = [
        ("read only", "open [00_start_here](notebooks/00_start_here.ipynb) on a website that shows notebooks, or in an"
         " editor: all outputs are saved in it", "none", "that of the viewer"),
        ("Binder", f"{binder}; profile `read`; one notebook at a time", _time(read), _largest(read)),
        ("own machine, pip", "`make course`, then `make lab`", _time(quick), _largest(quick)),
        ("own machine, conda", "the three lines [below](#with-conda), then `fctransfer notebooks quick`", "the same",
         "the same"),
    ]  # fmt: skip
    heads = "| way | what you do | time for all notebooks, once installed | memory of the largest notebook |"
    return "\n".join([heads, "| :-- | :-- | :-- | :-- |", *(f"| {' | '.join(row)} |" for row in rows)])


def _of_profile(project: Project, profile: str) -> list[Measured]:
    """The measures of the machine that ran most notebooks in ``profile``."""
    found = [cost for cost in measured_costs(project) if cost.profile == profile]
    machines = [cost.machine for cost in found]
    most = max(dict.fromkeys(machines), key=machines.count, default=None)
    return [cost for cost in found if cost.machine == most]


def _time(costs: Sequence[Measured]) -> str:
    if not costs:
        return NOT_MEASURED
    return f"{duration(sum(cost.seconds for cost in costs))} ({len(costs)} notebooks, {costs[0].machine})"


def _largest(costs: Sequence[Measured]) -> str:
    known = [cost for cost in costs if cost.megabytes is not None]
    if not known:
        return NOT_MEASURED
    largest = max(known, key=lambda cost: cost.megabytes)
    return f"{memory(largest)} ({largest.notebook[:2]})"


def _cell(cost: Measured | None) -> str:
    if cost is None:
        return ""
    return ", ".join(part for part in (duration(cost.seconds), memory(cost)) if part)


def _together(costs: Sequence[Measured]) -> str:
    most = [cost.megabytes for cost in costs if cost.megabytes is not None]
    return ", ".join([duration(sum(cost.seconds for cost in costs)), *([f"at most {max(most):,} MB"] if most else [])])
