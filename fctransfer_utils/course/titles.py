"""The generated part of a notebook's first cell: what it costs in each profile, and where to open it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from ..files import write_text
from .parameters import PROFILES
from .project import Project
from .report import read_found

BEGIN, END = "<!-- generated: costs -->", "<!-- end -->"
BLOCK = re.compile(re.escape(BEGIN) + r".*?" + re.escape(END), re.DOTALL)


def costs_file(project: Project) -> Path:
    """Seconds of each notebook in each profile, and the machine that they were measured on."""
    return project.figures / "costs.json"


def record_costs(project: Project, profile: str, *, machine: str) -> dict[str, float]:
    """Keep the seconds of the last run of every notebook in ``profile``, said to be on ``machine``."""
    seconds = {}
    for file in project.notebook_files():
        found = read_found(project.claims(profile, file.stem))
        if found:
            seconds[file.stem] = found["seconds"]
    costs = measured_costs(project)
    costs[profile] = {"machine": machine, "seconds": {**costs.get(profile, {}).get("seconds", {}), **seconds}}
    write_text(costs_file(project), json.dumps(costs, indent=1, sort_keys=True) + "\n")
    return seconds


def with_title(source: str, *, notebook: str, project: Project) -> str:
    """The first cell's text with its generated part renewed; unchanged when it has no place for one."""
    if not BLOCK.search(source):
        return source
    lines = [part for part in (_badges(project, notebook), _cost_line(measured_costs(project), notebook)) if part]
    inside = "\n\n".join([BEGIN, *lines, END]) if lines else f"{BEGIN}\n{END}"
    return BLOCK.sub(lambda _: inside, source, count=1)


def measured_costs(project: Project) -> dict[str, Any]:
    """Profile -> the machine it was measured on, in words, and the seconds of each notebook."""
    path = costs_file(project)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _cost_line(costs: dict[str, Any], notebook: str) -> str:
    known = [(name, costs[name]) for name in PROFILES if notebook in costs.get(name, {}).get("seconds", {})]
    if not known:
        return ""
    rows = [f"| {name} | {_duration(part['seconds'][notebook])} | {part['machine']} |" for name, part in known]
    return "\n".join(["| profile | time | on |", "| --- | --- | --- |", *rows])


def _badges(project: Project, notebook: str) -> str:
    """Links that open the notebook on Binder and Colab; none while pyproject.toml names no repository."""
    described = tomllib.loads((project.root / "pyproject.toml").read_text(encoding="utf-8"))
    place = described["project"].get("urls", {}).get("Repository", "").rstrip("/")
    if not place.startswith("https://github.com/"):
        return ""
    slug = place.removeprefix("https://github.com/")
    path = f"notebooks/{notebook}.ipynb"
    binder = f"https://mybinder.org/v2/gh/{slug}/main?urlpath=lab/tree/{path}"
    colab = f"https://colab.research.google.com/github/{slug}/blob/main/{path}"
    return f"[Open on Binder]({binder}) · [Open in Colab]({colab})"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
