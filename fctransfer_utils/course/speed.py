"""What the committed benchmark says, as text for README: ours beside each peer, and beside what the machine can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from .project import Project

TITLES = {
    "stock": "S, the stock PyTorch loop", "tuned": "T, a tuned PyTorch loop", "lightning": "Lightning",
    "fastai": "fastai",
}  # fmt: skip
TABLES = ("gates", "rate", "grid", "memory", "growth", "peak")


def speed(project: Project) -> str:
    """The tables ``bench_*.csv`` of ``figures/data`` in words; one sentence where there are none."""
    there = {name: project.figures / "data" / f"bench_{name}.csv" for name in TABLES}
    tables = {name: pd.read_csv(path, keep_default_na=False) for name, path in there.items() if path.exists()}
    if "rate" not in tables:
        return "Not measured yet."
    machines = tables["rate"].machine.unique()
    return "\n\n".join(
        _on_machine({name: table[table.machine == machine] for name, table in tables.items()}, machine)
        for machine in machines
    )


def _on_machine(tables: dict[str, pd.DataFrame], machine: str) -> str:
    rate = tables["rate"]
    lines = [
        f"**{machine}**, median of {rate.pairs.min()} pairs, in brackets the lowest and the highest:",
        "",
        "| beside | processes | its images/s | images/s, ours : it | time of the grid, it : ours | memory, ours : it |",
        "| :-- | --: | --: | --: | --: | --: |",
    ]
    for _, row in rate.iterrows():
        others = [_ratio(tables.get(name), row) for name in ("grid", "memory")]
        loaders = f" ({row.loaders} DataLoader workers)" if row.peer in ("stock", "lightning") else ""
        cells = [TITLES[row.peer] + loaders, str(row.processes), f"{row['peer (images/s)']:,.0f}", _shown(row), *others]
        lines.append("| " + " | ".join(cells) + " |")
    told = {"gates": _gates, "peak": _peak, "growth": _growth}
    said = [tell(tables[name]) for name, tell in told.items() if len(tables.get(name, ()))]
    return "\n".join([*lines, "", *said])


def _shown(row: pd.Series) -> str:
    return f"{row['ratio (median)']:.2f} [{row.lowest:.2f}, {row.highest:.2f}]"


def _ratio(table: pd.DataFrame | None, row: pd.Series) -> str:
    if table is None:
        return "-"
    same = table[(table.peer == row.peer) & (table.processes == row.processes)]
    return _shown(same.iloc[0]) if len(same) else "-"


def _gates(table: pd.DataFrame) -> str:
    missed = table[table.gate != "passed"]
    judged = "all passed" if missed.empty else "missed: " + "; ".join(
        f"{row.contestant}, {row['compared with S']} ({row.apart:g}, allowed {row.allowed:g})"
        for _, row in missed.iterrows()
    )  # fmt: skip
    largest = table.groupby("compared with S", sort=False).apart.max()
    far = "; ".join(f"{what}: at most {value:.2g} apart" for what, value in largest.items())
    return f"Before any time counts, everyone is held against S ({far}): {judged}."


def _peak(table: pd.DataFrame) -> str:
    own = table.iloc[0]["images per second"]
    shares = "; ".join(
        f"{100 * row['share that we reach']:.0f} % [{100 * row.lowest:.0f}, {100 * row.highest:.0f}] of {row.what}"
        for _, row in table.iloc[1:].iterrows()
    )
    return f"One network on one thread learns {own:,.0f} images/s: {shares}."


def _growth(table: pd.DataFrame) -> str:
    sizes = table[table.seconds != ""]
    told = []
    for what, rows in sizes.assign(kind=sizes["what grows"].str.replace(r" \(.*", "", regex=True)).groupby(
        "kind", sort=False
    ):
        steps = ", ".join(f"{float(row.value):.3g}: {float(row.seconds):.0f} s" for _, row in rows.iterrows())
        told.append(f"{what} {steps}")
    saved = table[table.seconds == ""]
    share = (
        f" By counting, shared frozen layers save {100 * saved.value.iloc[0]:.0f} % of its operations."
        if len(saved)
        else ""
    )
    return f"Time of the grid by {'; '.join(told)}.{share}"
