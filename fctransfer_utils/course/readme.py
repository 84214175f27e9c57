"""The parts of README.md that follow from committed files: results, costs and contents are generated, never typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..errors import InputError
from . import address, commands, findings, machines, readme_costs
from .contents import as_markdown
from .evidence import firewall_by_data, halves_by_data, title_of
from .generated import GeneratedFile, with_parts
from .project import Project
from .speed import speed

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis.overview import Judged


def renewed(project: Project, text: str) -> str:
    """``text`` with its generated parts made anew. Raises InputError for a part of unknown name."""
    makers = {
        "badges": address.badges, "clone": address.clone, "launch": address.launch, "ways": readme_costs.ways,
        "abstract": findings.abstract, "findings": findings.findings, "verdicts": verdicts, "results": results,
        "zhang": zhang, "commands": _commands, "costs": readme_costs.costs, "contents": contents, "speed": speed,
        "cluster": machines.cluster, "sameness": machines.sameness,
    }  # fmt: skip

    def make(name: str) -> str:
        if name not in makers:
            raise InputError(f"README.md has the generated part {name!r}; allowed: {', '.join(makers)}.")
        return makers[name](project)

    return with_parts(text, make)


README = GeneratedFile("README.md", source="figures/", made=renewed)


def verdicts(project: Project) -> str:
    """How many claims got which verdict, by paper and data set."""
    from ..analysis.overview import claims_of_everything, claims_of_zhang, verdict_counts

    papers = {
        "Yosinski et al. 2014": (halves_by_data(project), claims_of_everything),
        "Zhang et al. 2017": (firewall_by_data(project), claims_of_zhang),
    }
    lines = []
    for paper, (tables, judge) in papers.items():
        counts = verdict_counts({title_of(data): judge(parts) for data, parts in tables.items()})
        lines += [f"| {paper} | {' | '.join(map(str, row))} |" for row in counts.itertuples(index=False)]
    heads = "| claims of | judged on | reproduced | not reproduced | inconclusive | without interval | not judged |"
    return "\n".join([heads, "| :-- | :-- | --: | --: | --: | --: | --: |", *lines])


def results(project: Project) -> str:
    """Every claim on each committed data set: claim, the paper's number, ours, verdict, notebook and command."""
    from ..analysis.overview import judged_of_everything

    tables = halves_by_data(project)
    judged = {name: judged_of_everything(parts) for name, parts in tables.items()}
    lines = _claims(judged, first="claim of Yosinski et al. 2014, or common advice")
    sizes = [f"{title_of(name)}: {_size(list(parts.values()))}" for name, parts in tables.items()]
    return "\n".join([*lines, "", "; ".join(sizes) + "."])


def zhang(project: Project) -> str:
    """The same for the claims of Zhang et al. 2017, as far as their networks are committed."""
    from ..analysis.overview import judged_of_zhang

    tables = firewall_by_data(project)
    if not tables:
        return "Not trained yet."
    judged = {name: judged_of_zhang(parts) for name, parts in tables.items()}
    lines = _claims(judged, first="claim of Zhang et al. 2017, or our own test of it")
    sizes = [f"{title_of(name)}: {_fc_size(parts['fc'])}" for name, parts in tables.items()]
    return "\n".join([*lines, "", "; ".join(sizes) + "."])


def _claims(by_data: Mapping[str, Sequence[Judged]], *, first: str) -> list[str]:
    """The lines of a table with the claims' estimates and verdicts on each data set."""
    from ..analysis.overview import beside_by_id

    found = beside_by_id({name: [one.claim for one in judged] for name, judged in by_data.items()})
    sources = {one.claim.id: one.tables for judged in by_data.values() for one in judged}
    lines = [
        f"| {first} | published | " + " | ".join(map(title_of, by_data)) + " | shown in | [command](#commands) |",
        "| :-- | :-- |" + " :-- |" * len(by_data) + " :-- | :-- |",
    ]
    for id, row in found.iterrows():
        ours = [_told(row[name], row[f"verdict ({name})"]) for name in by_data]
        shown = f"[{row['where'][:2]}](notebooks/{row['where']}.ipynb)"
        made_by = ", ".join(f"`{'measure' if name in commands.MEASURES else 'run'} {name}`" for name in sources[id])
        lines.append(f"| {row['claim']} | {row['paper']} | " + " | ".join(ours) + f" | {shown} | {made_by} |")
    return lines


def _told(ours: str, verdict: str) -> str:
    from ..analysis.overview import NOT_JUDGED

    return ours if verdict == NOT_JUDGED else f"{ours}: **{verdict}**"


def contents(project: Project) -> str:
    """The notebooks, as in 00_start_here, with links from the project's root."""
    return as_markdown(project.notebook_files()).replace("](", "](notebooks/")


def _commands(project: Project) -> str:
    """The options that trained each committed table."""
    return commands.as_markdown()


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
