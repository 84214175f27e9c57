"""What the course found, in words that follow the verdicts: three sentences for the top of README.md, and a list."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..analysis.claims import VERDICTS
from .evidence import firewall_by_data, halves_by_data, title_of
from .project import Project

if TYPE_CHECKING:
    from ..analysis.claims import Claim

OPEN, BOTH = "inconclusive", "both"
PUBLISHED = re.compile(r"[+-]\d[\d.]*")
SHORT = {"tiny-imagenet": "photographs", "glyphs": "glyphs"}


@dataclass(frozen=True)
class Clause:
    """Words for each verdict on a claim; ``BOTH`` where the data sets decide it differently. ``{}`` is the numbers."""

    claim: str
    words: Mapping[str, str]


def _always(words: str) -> dict[str, str]:
    return dict.fromkeys((*VERDICTS, BOTH), words)


SENTENCES = (
    (
        Clause(
            "specificity-grows",
            {
                "reproduced": "**Features grow specific to their classes towards the top**, as Yosinski et al. found:",
                "not reproduced": "**Features did not grow specific to their classes towards the top**, unlike in the"
                " networks of Yosinski et al.:",
                OPEN: "**Whether features grow specific to their classes towards the top**, as Yosinski et al. found,"
                " stayed open:",
                BOTH: "**Whether features grow specific to their classes towards the top** depends on the images:",
            },
        ),
        Clause("frozen-top-costs", _always("seven frozen layers that learnt other classes change top-1 by {}")),
    ),
    (
        Clause(
            "fine-tuned-boost",
            {
                "reproduced": "**Copied layers that go on learning beat layers drawn afresh**, by {},",
                "not reproduced": "**Copied layers that go on learning do worse than layers drawn afresh**, by {},",
                OPEN: "**Whether copied layers that go on learning beat layers drawn afresh** stayed open, at {},",
                BOTH: "**Whether copied layers that go on learning beat layers drawn afresh** depends on the images, by"
                " {},",
            },
        ),
        Clause(
            "boost-beyond-selffer",
            {
                "reproduced": "and layers from other classes beat the network's own by {}",
                "not reproduced": "but layers from other classes do worse than the network's own, by {}",
                OPEN: "but that other classes have a part in this is not shown: against the network's own layers,"
                " trained again, theirs differ by {}",
                BOTH: "and whether layers from other classes beat the network's own depends on the images: {}",
            },
        ),
    ),
    (
        Clause(
            "far-fc-P1",
            {
                "reproduced": "**Fully connected layers made the convolutions below them better for images far from the"
                " source**, as Zhang et al. claim, by {},",
                "not reproduced": "**Fully connected layers did not make the convolutions below them better for images"
                " far from the source**, against the claim of Zhang et al.: with them, a linear classifier on the"
                " convolutions changes by {},",
                OPEN: "**Whether fully connected layers make the convolutions below them better for images far from the"
                " source**, as Zhang et al. claim, stayed open, at {},",
                BOTH: "**Whether fully connected layers make the convolutions below them better for images far from the"
                " source** depends on the images, by {},",
            },
        ),
        Clause(
            "fc-localises",
            {
                "reproduced": "and they made them find more objects: {}",
                "not reproduced": "nor did they make them find more objects: {}",
                OPEN: "and whether they find more objects stayed open: {}",
                BOTH: "and whether they find more objects depends on the images: {}",
            },
        ),
    ),
)
SECOND_PAPER = (
    ("near-no-fc-P1", "*With or without fully connected layers, near the source?* Trunks learnt under FC layers against"
     " those learnt under GAP, an equal linear probe on both (B - A): {}. Published claim: without is better."),
    ("far-fc-P1", "*And far?* The same probe on far targets: {}. Published claim: FC layers are essential."),
    ("far-fc-P3", "*And with everything fine-tuned?* B - A on far targets: {}. Published: +0.3 to +1.4."),
    ("fc-localises", "*Do they protect the convolution below?* Boxes found from the last convolution, share with an IoU"
     " above 0.5 (B - A): {}. Published: +21.9."),
)  # fmt: skip


def claims_by_data(project: Project) -> dict[str, dict[str, Claim]]:
    """Data set, photographs first -> the claims of both papers that its committed tables allow to judge, by id."""
    from ..analysis.overview import claims_of_everything, claims_of_zhang

    found: dict[str, dict[str, Claim]] = {}
    papers = ((claims_of_everything, halves_by_data(project)), (claims_of_zhang, firewall_by_data(project)))
    for judge, by_data in papers:
        for name, tables in by_data.items():
            found.setdefault(name, {}).update({claim.id: claim for claim in judge(tables)})
    return found


def abstract(project: Project) -> str:
    """The three sentences, as far as a table is committed for them; words and numbers follow the verdicts."""
    claims = claims_by_data(project)
    sentences = [sentence(clauses, claims) for clauses in SENTENCES]
    return "\n".join(f"- {words}" for words in sentences if words)


def sentence(clauses: Sequence[Clause], claims: Mapping[str, Mapping[str, Claim]]) -> str:
    """One sentence: the words of each clause by its verdict, with its numbers; empty where nothing was judged."""
    told = []
    for clause in clauses:
        found = {name: by_id[clause.claim] for name, by_id in claims.items() if clause.claim in by_id}
        found = {name: claim for name, claim in found.items() if claim.ours is not None and claim.ours.count}
        if found:
            words = clause.words[verdict_of_all([claim.verdict for claim in found.values()])]
            told.append(words.format(_numbers(found)))
    return f"{' '.join(told).rstrip(',:')}." if told else ""


def verdict_of_all(verdicts: Sequence[str]) -> str:
    """The verdict of the data sets that decide; ``OPEN`` where none does, ``BOTH`` where they decide differently."""
    decided = dict.fromkeys(verdict for verdict in verdicts if verdict != OPEN)
    return OPEN if not decided else BOTH if len(decided) > 1 else next(iter(decided))


def _numbers(found: Mapping[str, Claim]) -> str:
    ours = " and ".join(f"{_points(claim)} on {SHORT.get(name, name)}" for name, claim in found.items())
    paper = PUBLISHED.match(next(iter(found.values())).paper)
    return f"{ours} (in the paper {paper.group()})" if paper else ours


def _points(claim: Claim) -> str:
    ours = claim.ours
    interval = f" [{ours.low:.1f}, {ours.high:.1f}]" if ours.has_interval else " (one pair)"
    return f"{ours.mean:+.1f} points{interval}"


def findings(project: Project) -> str:
    """What came out as a list, with the numbers of the committed tables: photographs first, then glyphs."""
    from ..analysis.transfer import paired_effect

    tables = {name: parts["transfer"] for name, parts in halves_by_data(project).items() if "transfer" in parts}
    claims = claims_by_data(project)

    def told(treatment: str, against: str, *cuts: int) -> str:
        found = {name: paired_effect(rows, treatment, against, cuts) for name, rows in tables.items()}
        return "; ".join(f"{title_of(name)} {estimate}" for name, estimate in found.items())

    def judged(id: str, *, verdict: bool = False) -> str:
        found = {name: by_id[id] for name, by_id in claims.items() if id in by_id and by_id[id].ours}
        words = {name: f" (*{claim.verdict}*)" if verdict else "" for name, claim in found.items()}
        return "; ".join(f"{title_of(name)} {claim.ours}{words[name]}" for name, claim in found.items())

    lines = [
        "*Do features grow specific towards the top?* Frozen layers of the other half against own frozen layers"
        f" (AnB - BnB), at n = 1: {told('AnB', 'BnB', 1)}; at n = 7: {told('AnB', 'BnB', 7)}."
        " Published, n = 7: -8.2.",
        "*Does cutting cost anything in the middle?* Own layers frozen, others learnt anew (BnB - base), n = 4:"
        f" {told('BnB', 'base', 4)}. Published: -1.8.",
        "*What do fine-tuned copies gain, and from what?* At n = 7, AnB+ - base:"
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
    lines += [words.format(judged(id)) for id, words in more if judged(id)]
    lines += [words.format(judged(id, verdict=True)) for id, words in SECOND_PAPER if judged(id)]
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))
