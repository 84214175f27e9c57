"""What was measured about many machines, as text for README: how the engine scales, and what may differ in a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from .project import Project

NOT_MEASURED = "Not measured yet."
UNKNOWN = "not measured"


def cluster(project: Project) -> str:
    """Efficiency of the engine on 1, 2 and 4 workers, and the overhead of a network, from ``bench_cluster.csv``."""
    rows, costs = _table(project, "bench_cluster"), _table(project, "bench_overhead")
    if rows is None:
        return NOT_MEASURED
    lines = [
        "| where | networks | seconds | of them in training (sum) | efficiency |",
        "| :-- | --: | --: | --: | --: |",
    ]
    for _, row in rows.iterrows():
        seconds = f"{row.seconds:.1f} | {row['seconds in training']:.1f}"
        lines.append(f"| {row['where']} | {row.networks} | {seconds} | {100 * row.efficiency:.0f} % |")
    lines += ["", f"{rows.machine.iloc[0]}."]
    if costs is not None:
        each = ", ".join(f"{row['ms per network']:.0f} ms ({row['where']})" for _, row in costs.iterrows())
        lines += [
            f"A network whose training takes no time costs {each}: engine, cluster and store together, mean of"
            f" {costs.networks.iloc[0]} networks."
        ]
    return "\n".join(lines)


def sameness(project: Project) -> str:
    """What may differ when one network is trained twice, from ``bench_sameness.csv``."""
    rows = _table(project, "bench_sameness")
    if rows is None:
        return NOT_MEASURED
    lines = [
        "| what differs | same bits | weights apart | training loss apart | top-1 apart |",
        "| :-- | :-- | --: | --: | --: |",
    ]
    for _, row in rows.iterrows():
        cells = ["-"] * 3
        if row["same bits"] != UNKNOWN:
            apart = [float(row[name]) for name in ("weights apart", "training loss apart")]
            cells = [*(_share(each) for each in apart), f"{float(row['top-1 apart (points)']):.1f} points"]
        lines.append(f"| {row['what differs']} | {row['same bits']} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"{rows.machine.iloc[0]}."])


def _share(value: float) -> str:
    return "0" if value == 0 else f"{100 * value:.0f} %" if value > 0.1 else f"{100 * value:.2g} %"


def _table(project: Project, name: str) -> pd.DataFrame | None:
    path = project.figures / "data" / f"{name}.csv"
    return pd.read_csv(path, keep_default_na=False) if path.exists() else None
