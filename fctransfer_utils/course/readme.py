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

BLOCK = re.compile(r"(<!-- generated: ([a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)
TITLES = {"tiny-imagenet": "Tiny ImageNet (photographs)", "glyphs": "glyphs (rendered)"}


def renewed(project: Project) -> str:
    """The text of README.md with its generated parts made anew. Raises InputError for a part of unknown name."""
    makers = {"findings": findings, "results": results, "costs": costs, "contents": contents}

    def make(match: re.Match[str]) -> str:
        name = match.group(2)
        if name not in makers:
            raise InputError(f"README.md has the generated part {name!r}; allowed: {', '.join(makers)}.")
        return f"{match.group(1)}{makers[name](project)}\n{match.group(3)}"

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


def findings(project: Project) -> str:
    """What came out, with the numbers of the committed tables: glyphs first, then each set of photographs."""
    from ..analysis.transfer import paired_effect

    tables = _tables(project)

    def told(treatment: str, against: str, *cuts: int) -> str:
        found = {name: paired_effect(rows, treatment, against, cuts) for name, rows in tables.items()}
        return "; ".join(f"{TITLES.get(name, name)} {estimate}" for name, estimate in found.items())

    every = tuple(range(1, 8))
    return "\n".join(
        [
            "**What came out so far**, in points of top-1 (mean of paired differences, 95 % interval, pairs):",
            "",
            "1. *Do features grow specific towards the top?* Frozen layers of the other half against own frozen layers"
            f" (AnB - BnB), at n = 1: {told('AnB', 'BnB', 1)}; at n = 7: {told('AnB', 'BnB', 7)}."
            " Published, n = 7: -8.2.",
            "2. *Does cutting cost anything in the middle?* Own layers frozen, others learnt anew (BnB - base), n = 4:"
            f" {told('BnB', 'base', 4)}. Published: -1.8.",
            "3. *What do fine-tuned copies gain, and from what?* AnB+ - base:"
            f" {told('AnB+', 'base', *every)}; all own layers copied and trained again (twice - base):"
            f" {told('twice', 'base', 8)}; layers of the other half against own ones (AnB+ - BnB+):"
            f" {told('AnB+', 'BnB+', *every)}. Published: +1.4, but never on the same target.",
        ]
    )


def results(project: Project) -> str:
    """The claims of each committed data set: claim, the paper's number, ours, verdict."""
    from ..analysis.claims import claims_of_transfer

    tables = _tables(project)
    names = list(tables)
    judged = {name: claims_of_transfer(rows) for name, rows in tables.items()}
    heads = [TITLES.get(name, name) for name in names]
    lines = [
        "| claim of Yosinski et al. 2014 | published | " + " | ".join(heads) + " |",
        "| :-- | :-- |" + " :-- |" * len(names),
    ]
    for claims in zip(*judged.values(), strict=True):
        found = [f"{claim.ours or '-'}: **{claim.verdict}**" for claim in claims]
        lines.append(f"| {claims[0].statement} | {claims[0].paper} | " + " | ".join(found) + " |")
    sizes = [f"{head}: {_size(tables[name])}" for head, name in zip(heads, names, strict=True)]
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


def _tables(project: Project) -> dict[str, pd.DataFrame]:
    """The committed rows of each data set, photographs first."""
    path = project.evidence("transfer")
    table = read_rows(path, shown=project.shown(path))
    labels = table["data"].map(plain_name)
    return {name: table[labels == name] for name in sorted(set(labels), key=lambda name: (name == "glyphs", name))}


def _size(rows: pd.DataFrame) -> str:
    epochs = "/".join(str(number) for number in sorted(set(rows["epochs"])))
    units = rows[["split", "seed"]].drop_duplicates()
    return (
        f"{len(rows)} networks, {len(units)} split and seed, {epochs} epochs, {rows['image_size'].iloc[0]} pixels,"
        f" {rows['seconds'].sum() / 3600:.1f} hours of training on {', '.join(sorted(set(rows['device'])))}"
    )


def _file(project: Project) -> Path:
    return project.root / "README.md"
