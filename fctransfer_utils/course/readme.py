"""The parts of README.md that follow from committed files: results, costs and contents are generated, never typed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..files import write_text
from . import commands
from .contents import as_markdown
from .evidence import firewall_by_data, halves_by_data, title_of
from .project import Project
from .speed import speed
from .titles import measured_costs

if TYPE_CHECKING:
    import pandas as pd

BLOCK = re.compile(r"(<!-- generated: ([a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)
SECOND_PAPER = (
    ("near-no-fc-P1", "*With or without fully connected layers, near the source?* Trunks learnt under FC layers against"
     " those learnt under GAP, an equal linear probe on both (B - A): {}. Published claim: without is better."),
    ("far-fc-P1", "*And far?* The same probe on far targets: {}. Published claim: FC layers are essential."),
    ("far-fc-P3", "*And with everything fine-tuned?* B - A on far targets: {}. Published: +0.3 to +1.4."),
    ("fc-localises", "*Do they protect the convolution below?* Boxes found from the last convolution, share with an IoU"
     " above 0.5 (B - A): {}. Published: +21.9."),
)  # fmt: skip


def renewed(project: Project) -> str:
    """The text of README.md with its generated parts made anew. Raises InputError for a part of unknown name."""
    makers = {
        "findings": findings, "results": results, "zhang": zhang, "commands": _commands, "costs": costs,
        "contents": contents, "speed": speed,
    }  # fmt: skip

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
    """What came out, with the numbers of the committed tables: photographs first, then glyphs."""
    from ..analysis.overview import claims_of_everything, claims_of_zhang
    from ..analysis.transfer import paired_effect

    studies = halves_by_data(project)
    tables = {name: parts["transfer"] for name, parts in studies.items() if "transfer" in parts}
    claims = {name: {claim.id: claim for claim in claims_of_everything(parts)} for name, parts in studies.items()}

    def told(treatment: str, against: str, *cuts: int) -> str:
        found = {name: paired_effect(rows, treatment, against, cuts) for name, rows in tables.items()}
        return "; ".join(f"{title_of(name)} {estimate}" for name, estimate in found.items())

    def judged(id: str) -> str:
        found = {name: by_id[id].ours for name, by_id in claims.items() if id in by_id and by_id[id].ours}
        return "; ".join(f"{title_of(name)} {estimate}" for name, estimate in found.items())

    lines = [
        "**What came out so far**, in points of top-1 (mean of paired differences, 95 % interval, pairs):",
        "",
        "1. *Do features grow specific towards the top?* Frozen layers of the other half against own frozen layers"
        f" (AnB - BnB), at n = 1: {told('AnB', 'BnB', 1)}; at n = 7: {told('AnB', 'BnB', 7)}."
        " Published, n = 7: -8.2.",
        "2. *Does cutting cost anything in the middle?* Own layers frozen, others learnt anew (BnB - base), n = 4:"
        f" {told('BnB', 'base', 4)}. Published: -1.8.",
        "3. *What do fine-tuned copies gain, and from what?* At n = 7, AnB+ - base:"
        f" {told('AnB+', 'base', 7)}; all own layers copied and trained again (twice - base):"
        f" {told('twice', 'base', 8)}; layers of the other half against own ones (AnB+ - BnB+):"
        f" {told('AnB+', 'BnB+', 7)}. Published: +1.4 over all n, but never on the same target.",
    ]
    more = [
        ("distant-top-costs", "*What if the halves differ in kind?* Frozen layers of the distant half (AnB - base),"
         " n = 7: {}. Published: -25.0."),
        ("freeze-when-few", "*Freeze or fine-tune few images?* Frozen minus fine-tuned layers of the other half with"
         " the fewest images per class: {}."),
        ("fine-tune-when-many", "*And many?* Fine-tuned minus frozen, all images: {}."),
    ]  # fmt: skip
    for id, words in more:
        if found := judged(id):
            lines.append(f"{len(lines) - 1}. {words.format(found)}")
    second = {name: {c.id: c for c in claims_of_zhang(parts)} for name, parts in firewall_by_data(project).items()}
    for id, words in SECOND_PAPER:
        found = {name: by_id[id] for name, by_id in second.items() if id in by_id and by_id[id].ours}
        if found:
            told = "; ".join(f"{title_of(name)} {c.ours} (*{c.verdict}*)" for name, c in found.items())
            lines.append(f"{len(lines) - 1}. {words.format(told)}")
    return "\n".join(lines)


def results(project: Project) -> str:
    """Every claim on each committed data set: claim, the paper's number, ours, verdict, the notebook that shows it."""
    from ..analysis.overview import overview

    tables = halves_by_data(project)
    lines = _claims(overview(tables), list(tables), first="claim of Yosinski et al. 2014, or common advice")
    sizes = [f"{title_of(name)}: {_size(list(parts.values()))}" for name, parts in tables.items()]
    return "\n".join([*lines, "", "; ".join(sizes) + "."])


def zhang(project: Project) -> str:
    """The same for the claims of Zhang et al. 2017, as far as their networks are committed."""
    from ..analysis.overview import zhang_overview

    tables = firewall_by_data(project)
    if not tables:
        return "Not trained yet."
    lines = _claims(zhang_overview(tables), list(tables), first="claim of Zhang et al. 2017, or our own test of it")
    sizes = [f"{title_of(name)}: {_fc_size(parts['fc'])}" for name, parts in tables.items()]
    return "\n".join([*lines, "", "; ".join(sizes) + "."])


def _claims(found: pd.DataFrame, names: Sequence[str], *, first: str) -> list[str]:
    """The lines of a table with the claims' estimates and verdicts on each data set of ``names``."""
    heads = [title_of(name) for name in names]
    lines = [
        f"| {first} | published | " + " | ".join(heads) + " | shown in |",
        "| :-- | :-- |" + " :-- |" * len(heads) + " :-- |",
    ]
    for _, row in found.iterrows():
        ours = [_told(row[name], row[f"verdict ({name})"]) for name in names]
        shown = f"[{row['where'][:2]}](notebooks/{row['where']}.ipynb)"
        lines.append(f"| {row['claim']} | {row['paper']} | " + " | ".join(ours) + f" | {shown} |")
    return lines


def _told(ours: str, verdict: str) -> str:
    from ..analysis.overview import NOT_JUDGED

    return ours if verdict == NOT_JUDGED else f"{ours}: **{verdict}**"


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


def _commands(project: Project) -> str:
    """The options that trained each committed table."""
    return commands.as_markdown()


def _seconds(known: dict[str, Any], notebook: str) -> Iterator[str]:
    for part in known.values():
        seconds = part["seconds"].get(notebook)
        yield "" if seconds is None else f"{max(seconds, 1):.0f} s"


def _fc_size(rows: pd.DataFrame) -> str:
    arms = rows[rows["protocol"] == "source"].groupby("arm")["seed"].nunique()
    counted = ", ".join(f"{arm} {count}" for arm, count in arms.items())
    return (
        f"{len(rows):,} networks (source networks by arm: {counted}), {rows['target_set'].nunique() - 1} targets,"
        f" {rows['image_size'].iloc[0]} pixels, {rows['seconds'].sum() / 3600:.1f} hours of training on"
        f" {', '.join(sorted(set(rows['device'])))}"
    )


def _size(parts: Sequence[pd.DataFrame]) -> str:
    import pandas as pd

    rows = pd.concat(parts).drop_duplicates("key")
    epochs = "/".join(str(number) for number in sorted(set(rows["epochs"])))
    units = rows[["split", "seed"]].drop_duplicates()
    return (
        f"{len(rows)} networks, {len(units)} split and seed, {epochs} epochs, {rows['image_size'].iloc[0]} pixels,"
        f" {rows['seconds'].sum() / 3600:.1f} hours of training on {', '.join(sorted(set(rows['device'])))}"
    )


def _file(project: Project) -> Path:
    return project.root / "README.md"
