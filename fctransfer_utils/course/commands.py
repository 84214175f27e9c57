"""The commands behind the committed tables: which options trained what, said once for README.md and the report."""

from __future__ import annotations

from dataclasses import dataclass

FC_COMMANDS = "figures/data/README.md"
PHOTOGRAPHS = "--data tiny-imagenet --profile full"


@dataclass(frozen=True)
class Renewal:
    """The options of ``fctransfer run STUDY`` that trained a table on each data set, in Markdown."""

    study: str
    glyphs: str
    photographs: str

    @property
    def command(self) -> str:
        """What trains the table on glyphs, in Markdown."""
        if not self.glyphs.startswith("`"):
            return f"`fctransfer run {self.study}`, {self.glyphs}"
        return f"`fctransfer run {self.study} {self.glyphs.strip('`')}`"


SEE = f"see [figures/data]({FC_COMMANDS}#how-fccsv-was-made)"
RENEWALS = (
    Renewal(
        "transfer",
        "`--seeds 0-4 --directions A-B,B-A`",
        "`--seeds 0 --directions A-B`; then `--seeds 0-2 --directions A-B,B-A --cuts 7`;"
        " `--seeds 0 --cuts 3 --treatments base,BnB+,AnB+,twice`",
    ),
    Renewal("distant", "`--seeds 0-2 --directions A-B,B-A --cuts 1-7`", "`--seeds 0 --treatments base,AnB --cuts 7`"),
    Renewal("random", "`--seeds 0-2 --directions A-B,B-A --cuts 1-7`", "not run"),
    Renewal("volume", "`--seeds 0-2 --directions A-B,B-A --cuts 3,5,7 --volumes 1,5,20`", "not run"),
    Renewal("dip", "`--seeds 0-2 --directions A-B,B-A --cuts 4,5`", "not run"),
    Renewal(
        "keep",
        "`--seeds 0-2 --labels 5,20,50`",
        "`--seeds 0,1 --labels 5,20 --targets folder:build/data/caltech101,...` (six sets of photographs, as for"
        " `fc.csv`); then `--seeds 0 --labels 100 --targets folder:build/data/intel-scenes,folder:build/data/rsscn7`",
    ),
    Renewal("fc", SEE, "likewise"),
)
MEASURES = {"firewall": "`fctransfer measure firewall` with the options of `fc`"}


def command_of(table: str) -> str:
    """What makes the rows of a study, or a measure, on glyphs, in Markdown."""
    if table in MEASURES:
        return MEASURES[table]
    return next(renewal.command for renewal in RENEWALS if renewal.study == table)


def as_markdown() -> str:
    """The options of every table, as README.md shows them."""
    lines = [f"| table | OPTIONS on glyphs | OPTIONS on Tiny ImageNet (with `{PHOTOGRAPHS}`) |", "| :-- | :-- | :-- |"]
    return "\n".join([*lines, *(f"| `{one.study}.csv` | {one.glyphs} | {one.photographs} |" for one in RENEWALS)])
