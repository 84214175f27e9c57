"""The parts of README.md that follow from committed files: results, costs and contents are generated, never typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..files import write_text
from .contents import as_markdown
from .project import Project
from .tables import plain_name, read_rows
from .titles import measured_costs

if TYPE_CHECKING:
    import pandas as pd

BLOCK = re.compile(r"(<!-- generated: ([a-z]+) -->\n).*?(\n<!-- end -->)", re.DOTALL)
TITLES = {"tiny-imagenet": "Tiny ImageNet (photographs)", "glyphs": "glyphs (rendered)"}


def renewed(project: Project) -> str:
    """The text of README.md with its generated parts made anew. Raises InputError for a part of unknown name."""
    makers = {"results": results, "costs": costs, "contents": contents}

    def make(match: re.Match[str]) -> str:
        name = match.group(2)
        if name not in makers:
            raise InputError(f"README.md has the generated part {name!r}; allowed: {', '.join(makers)}.")
        return f"{match.group(1)}{makers[name](project)}{match.group(3)}"

    return BLOCK.sub(make, _file(project).read_text(encoding="utf-8"))


def is_current(project: Project) -> bool:
    """Whether the generated parts of README.md are what the committed files give (so they are where there is none)."""
    return not _file(project).exists() or renewed(project) == _file(project).read_text(encoding="utf-8")


def renew(project: Project) -> bool:
    """Write README.md anew; whether anything changed."""
    changed = not is_current(project)
    if changed:
        write_text(_file(project), renewed(project))
    return changed


def results(project: Project) -> str:
    """The claims of each committed data set: claim, the paper's number, ours, verdict."""
    from ..analysis.claims import claims_of_transfer

    path = project.evidence("transfer")
    table = read_rows(path, shown=project.shown(path))
    names = sorted({plain_name(label) for label in table["data"]}, key=lambda name: (name == "glyphs", name))
    judged = {}
    for name in names:
        rows = table[[plain_name(label) == name for label in table["data"]]]
        judged[name] = claims_of_transfer(rows)
    heads = [TITLES.get(name, name) for name in names]
    lines = [
        "| claim of Yosinski et al. 2014 | published | " + " | ".join(heads) + " |",
        "| :-- | :-- |" + " :-- |" * len(names),
    ]
    for claims in zip(*judged.values(), strict=True):
        found = [f"{claim.ours or '-'}: **{claim.verdict}**" for claim in claims]
        lines.append(f"| {claims[0].statement} | {claims[0].paper} | " + " | ".join(found) + " |")
    sizes = [f"{head}: {_size(table, name)}" for head, name in zip(heads, names, strict=True)]
    return "\n".join([*lines, "", "; ".join(sizes) + "."])


def costs(project: Project) -> str:
    """Seconds of each notebook in each profile, on the machine that they were measured on."""
    known = {name: part for name, part in measured_costs(project).items() if part["seconds"]}
    if not known:
        return "Not measured yet."
    heads = [f"{name} ({part['machine']})" for name, part in known.items()]
    lines = ["| notebook | " + " | ".join(heads) + " |", "| :-- |" + " --: |" * len(heads)]
    for file in project.notebook_files():
        lines.append(f"| {file.stem} | " + " | ".join(_seconds(known, file.stem)) + " |")
    sums = [f"{sum(part['seconds'].values()):.0f} s" for part in known.values()]
    return "\n".join([*lines, "| together | " + " | ".join(sums) + " |"])


def contents(project: Project) -> str:
    """The notebooks, as in 00_start_here, with links from the project's root."""
    return as_markdown(project.notebook_files()).replace("](", "](notebooks/")


def _seconds(known: dict[str, Any], notebook: str) -> Iterator[str]:
    for part in known.values():
        seconds = part["seconds"].get(notebook)
        yield "" if seconds is None else f"{max(seconds, 1):.0f} s"


def _size(table: pd.DataFrame, name: str) -> str:
    rows = table[[plain_name(label) == name for label in table["data"]]]
    epochs = "/".join(str(number) for number in sorted(set(rows["epochs"])))
    units = rows[["split", "seed"]].drop_duplicates()
    return (
        f"{len(rows)} networks, {len(units)} split and seed, {epochs} epochs, {rows['image_size'].iloc[0]} pixels,"
        f" {rows['seconds'].sum() / 3600:.1f} hours of training on {', '.join(sorted(set(rows['device'])))}"
    )


def _file(project: Project) -> Path:
    return project.root / "README.md"
