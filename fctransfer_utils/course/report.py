"""The table at the end of a run over the notebooks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOT_RUN = "not run"


@dataclass(frozen=True)
class NotebookResult:
    """What became of one notebook: ``state`` is "passed", "failed" or "not run"; ``found`` what it recorded itself."""

    name: str
    state: str
    seconds: float = 0.0
    found: dict[str, Any] | None = None
    error: str = ""

    @property
    def checks(self) -> int:
        """How many statements held."""
        return len((self.found or {}).get("checks", ()))

    @property
    def claims(self) -> list[dict[str, str]]:
        """The claims judged, each with id, statement and verdict."""
        return list((self.found or {}).get("claims", ()))

    @property
    def verdicts(self) -> str:
        """How many claims got which verdict, in words."""
        names = [claim["verdict"] for claim in self.claims]
        return ", ".join(f"{names.count(name)} {name}" for name in dict.fromkeys(names)) or "-"


def read_found(path: Path) -> dict[str, Any] | None:
    """What ``Course.finish`` wrote; None when the notebook did not get there."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def table(results: Sequence[NotebookResult], *, seconds: float) -> str:
    """Notebook, state, seconds, checks, and verdicts, one line each, then every claim with its verdict.

    ``seconds`` is what all took together, less than their sum where they ran side by side.
    """
    rows = [("notebook", "", "seconds", "checks", "claims")]
    for result in results:
        ran = result.state != NOT_RUN
        own = f"{result.seconds:.1f}" if ran else "-"
        rows.append((result.name, result.state, own, str(result.checks) if ran else "-", result.verdicts))
    passed = sum(result.state == "passed" for result in results)
    rows.append((f"{passed} of {len(results)} notebooks", "", f"{seconds:.1f}", "", ""))
    widths = [max(len(row[place]) for row in rows) for place in range(5)]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), row[1].ljust(widths[1])]
        cells += [row[2].rjust(widths[2]), row[3].rjust(widths[3]), row[4]]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "-" * max(map(len, lines)))
    lines.insert(-1, lines[1])
    judged = [(result.name, claim) for result in results for claim in result.claims]
    if judged:
        lines.append("")
    lines += [f"{claim['verdict']:14s}  {claim['statement']} ({name})" for name, claim in judged]
    return "\n".join(lines)
