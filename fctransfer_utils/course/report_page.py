"""The report as data: claims, verdicts, figures, the reproducibility statement, the checklist, the limits.

Everything follows from committed files. Cells of its tables are text in Markdown, without the sign ``|``, so that a
notebook and a page show the same (``report_html`` writes the page).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from ..analysis import overview, reproducibility
from ..analysis.claims import Claim
from ..analysis.overview import NOT_JUDGED, Judged
from ..analysis.published import FILE, paper_table
from ..errors import InputError
from ..files import sha256_of
from . import commands, evidence
from .completeness import Item, checklist
from .gallery import CourseFigure, figures_of_course
from .project import Project
from .tables import plain_name, read_measure
from .titles import measured_costs

LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
PACKAGES = ("torch", "torchvision", "numpy", "pandas", "scipy", "matplotlib", "papermill")


@dataclass(frozen=True)
class Table:
    """Rows of text in Markdown with a caption."""

    caption: str
    rows: pd.DataFrame

    def as_markdown(self) -> str:
        """The table as GitHub and JupyterLab render it, with its caption above."""
        heads = [str(name) for name in self.rows]
        lines = [f"| {' | '.join(heads)} |", "|" + " :-- |" * len(heads)]
        lines += [f"| {' | '.join(row)} |" for row in self.rows.itertuples(index=False, name=None)]
        return f"*{self.caption}*\n\n" + "\n".join(lines)


@dataclass(frozen=True)
class Report:
    """Every part of the report, made from the committed files of ``project`` when it is asked for."""

    project: Project

    @cached_property
    def judged(self) -> dict[str, dict[str, tuple[Judged, ...]]]:
        """Paper -> data set -> its claims with their verdicts and tables; photographs first."""
        halves = evidence.halves_by_data(self.project)
        if not halves:
            raise InputError("figures/data holds no table of a study; restore it from the project.")
        second = evidence.firewall_by_data(self.project)
        return {
            reproducibility.YOSINSKI: {
                evidence.title_of(data): overview.judged_of_everything(tables) for data, tables in halves.items()
            },
            reproducibility.ZHANG: {
                evidence.title_of(data): overview.judged_of_zhang(tables) for data, tables in second.items()
            },
        }

    @property
    def claims(self) -> dict[str, list[Claim]]:
        """Data set -> the claims of both papers."""
        found: dict[str, list[Claim]] = {}
        for by_data in self.judged.values():
            for data, judged in by_data.items():
                found.setdefault(data, []).extend(one.claim for one in judged)
        return found

    def claims_table(self, paper: str) -> Table:
        """Each claim of a paper: the published number, ours with verdict by data set, notebook, command."""
        by_data = self.judged[paper]
        frame = overview.beside_by_id({data: [one.claim for one in found] for data, found in by_data.items()})
        tables = {one.claim.id: one.tables for found in by_data.values() for one in found}
        rows = [
            {
                "claim": row["claim"],
                "published": row["paper"],
                **{data: _told(row[data], row[f"verdict ({data})"]) for data in by_data},
                "notebook": f"[{row['where'][:2]}]({row['where']}.ipynb)",
                "renewed by": "; ".join(_without_links(commands.command_of(name)) for name in tables[id]),
            }
            for id, row in frame.iterrows()
        ]
        caption = (
            f"Claims of {paper} and our own tests of them: the published number, ours (mean of paired differences, 95 %"
            " interval, number of pairs) and the verdict. The command is that for glyphs; those for photographs stand"
            " in README.md."
        )
        return Table(caption, pd.DataFrame(rows))

    def counts_table(self) -> Table:
        """How many claims got which verdict, by paper and data set."""
        parts = [
            overview.verdict_counts(_claims(by_data)).assign(paper=paper)
            for paper, by_data in self.judged.items()
            if by_data
        ]
        counts = pd.concat(parts)
        counts = counts[["paper", *(name for name in counts if name != "paper")]]
        caption = (
            "Verdicts counted. *no interval*: those of the inconclusive that have too few networks for one;"
            " *not judged*: claims without any networks of that data set."
        )
        return Table(caption, counts.astype(str))

    @cached_property
    def figures(self) -> tuple[CourseFigure, ...]:
        """Every figure of the course in order of the notebooks."""
        return figures_of_course(self.project)

    @cached_property
    def studies(self) -> dict[str, pd.DataFrame]:
        """Every committed study."""
        return evidence.studies(self.project)

    @cached_property
    def counted(self) -> pd.DataFrame:
        """The networks behind the report, counted by study and data set."""
        return reproducibility.networks(self.studies)

    @property
    def networks(self) -> int:
        """How many different networks were trained."""
        return int(reproducibility.together(self.studies)["networks"].sum())

    @property
    def hours(self) -> float:
        """Training time of all of them, added up."""
        return float(reproducibility.together(self.studies)["minutes"].sum()) / 60

    def networks_table(self) -> Table:
        """What was trained: networks, splits, seeds, recipe, machine, version and minutes by study and data set."""
        every = pd.concat([self.counted, reproducibility.together(self.studies)], ignore_index=True)
        every["networks"] = every["networks"].map("{:,}".format)
        every["minutes"] = every["minutes"].map("{:,.0f}".format)
        caption = (
            "The networks behind every verdict. *epochs*: of source networks, and of those on targets, where an epoch"
            " is a fixed number of steps; *device*: processor and number format; *minutes*: training time of all"
            " networks, as each record tells it. Networks that studies share count once in the rows *all*."
        )
        return Table(caption, every.astype(str))

    def splits_table(self) -> Table:
        """The halves of the classes with their checksums."""
        path = self.project.evidence("class_splits")
        splits = read_measure(path, shown=self.project.shown(path))
        rows = [
            (plain_name(str(data)), str(split), " + ".join(map(str, part["classes"])), f"`{part['checksum'].iloc[0]}`")
            for (data, split), part in splits.groupby(["data", "split"], sort=False)
        ]
        names = ["data", "split", "classes of A + B", "checksum"]
        return Table("The halves, with the checksum that each record of a network carries.", _text(rows, names))

    def evidence_table(self) -> Table:
        """The tables of the studies: rows and checksum of the file."""
        rows = []
        for study, table in self.studies.items():
            path = self.project.evidence(study)
            rows.append((f"`{self.project.shown(path)}`", f"{len(table):,}", f"`{sha256_of(path)[:16]}`"))
        caption = "The files that everything above was computed from, with the first 16 digits of their SHA-256."
        return Table(caption, _text(rows, ["file", "networks", "SHA-256"]))

    def tolerances_table(self) -> Table:
        """What figures/expected.json holds: values and how far a renewed one may be off."""
        rows = [
            (data, str(len(values)), _values(values, "tolerance"), _values(values, "source"))
            for data, values in _json(self.project).items()
        ]
        caption = (
            "Numbers that the text relies on. Each run of a notebook in `read` compares them with those in"
            " `figures/expected.json` and fails when one is off by more than the tolerance (in the unit of the number)."
        )
        return Table(caption, _text(rows, ["data", "values", "tolerance", "computed from"]))

    def versions_table(self) -> Table:
        """Versions that are pinned, beside those in the records, and the machines that the costs were measured on."""
        pins = (self.project.root / "requirements.txt").read_text(encoding="utf-8")
        found = {name: re.search(rf"^{name}==(\S+)", pins, re.MULTILINE) for name in PACKAGES}
        rows = [(f"{name}, pinned", match.group(1)) for name, match in found.items() if match]
        rows.append(("torch, in the records", _joined(self.counted["torch"])))
        rows.append(("processor and number format, in the records", _joined(self.counted["device"])))
        timed = dict.fromkeys((cost.profile, cost.machine) for cost in measured_costs(self.project))
        rows += [(f"notebooks in `{profile}`, timed on", machine) for profile, machine in timed]
        return Table("Versions and machines.", _text(rows, ["what", "value"]))

    def deviations_table(self) -> Table:
        """How the recipe differs from the papers'."""
        rates = set(self.studies["fc"]["learning_rate"].dropna()) if "fc" in self.studies else set()
        caption = "How ours differ from the papers' (our column is read off the tables where it can be)."
        return Table(caption, reproducibility.deviations(self.counted, rates=rates))

    def not_reproducible_table(self) -> Table:
        """What cannot be had again, and why."""
        published = paper_table(experiment="all", path=self.project.figures / "data" / FILE)
        folders = reproducibility.folders_of(self.studies)
        rows = reproducibility.not_reproducible(published, folders=folders)
        return Table("What cannot be had again from this project, and why.", rows)

    @cached_property
    def checklist(self) -> tuple[Item, ...]:
        """The completeness checklist with its proofs."""
        return checklist(self.project)

    def checklist_table(self) -> Table:
        """The checklist: item, answer, where it is, what was tested."""
        rows = [(item.name, f"**{item.answer}**", item.told, _proofs(item)) for item in self.checklist]
        return Table("ML Code Completeness Checklist.", _text(rows, ["item", "there?", "where", "tested"]))

    def limits(self) -> list[str]:
        """What the evidence could not show, a sentence each."""
        return reproducibility.limits(self.claims, self.counted)


def _claims(by_data: Mapping[str, Sequence[Judged]]) -> dict[str, list[Claim]]:
    return {data: [one.claim for one in found] for data, found in by_data.items()}


def _told(ours: str, verdict: str) -> str:
    if verdict == NOT_JUDGED:
        return NOT_JUDGED
    return f"{'no pair to compare' if ours == NOT_JUDGED else ours}: **{verdict}**"


def _without_links(text: str) -> str:
    """Links to files of the project as the names of these files: a page may lie anywhere."""
    return LINK.sub(lambda link: f"`{link.group(2).split('#')[0]}`", text)


def _proofs(item: Item) -> str:
    held = sum(proof.holds for proof in item.proofs)
    return f"{held} of {len(item.proofs)} hold" + "".join(f"; {words}" for words in item.missing)


def _text(rows: Sequence[tuple[str, ...]], columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(columns)).astype(str)


def _values(entries: Mapping[str, Mapping[str, object]], name: str) -> str:
    return _joined(pd.Series([str(entry[name]) for entry in entries.values()]))


def _joined(values: pd.Series) -> str:
    return ", ".join(sorted({str(value) for value in values}))


def _json(project: Project) -> dict[str, dict[str, dict[str, object]]]:
    path = project.figures / "expected.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {project.shown(path)}: {error}; restore it from the project.") from error
