"""What was found, once: ``python -m fctransfer_utils.results`` writes figures/README.md and a block of README.

Both are made from the committed tables and notebooks alone; ``--check`` only says whether they are what these give.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from .analysis import claims, fc
from .analysis.effects import WITHOUT_CUT
from .analysis.stats import bracket
from .errors import InputError, escape_output
from .files import PROJECT, TABLES, write_text
from .papermill_run import notebooks

BEGIN, END = "<!-- results: python -m fctransfer_utils.results -->", "<!-- end of results -->"
NETWORKS = ("transfer_tiny_imagenet", "transfer_glyphs", "random_tiny_imagenet", "random_glyphs",
            "distant_tiny_imagenet", "distant_glyphs", "volumes_tiny_imagenet", "volumes_glyphs")  # fmt: skip
HEADS = ("heads_tiny_imagenet", "heads_glyphs")  # judged only where they see what they should: see ``analysis.fc``
MAPS = ("heads_maps_glyphs",)  # what the last map shows: other measures than accuracy
IMAGES = {"tiny-imagenet": "photographs", "glyphs": "characters"}
NOT_RUN = "not run"
HEAD = """\
# Results

Written by `python -m fctransfer_utils.results` from `tables/` and the notebooks; not edited by hand.

## The papers' claims

The rule of each claim, with its margin and its date, is a line of [claims.csv](tables/claims.csv). All were fixed
before a network that is judged was trained. A claim *holds* if the whole interval lies beyond the margin, *fails*
if all of it falls short, and is *open* otherwise, with Holm's adjustment within a paper and set of images.
Differences are in points of accuracy. Intervals are over replicates, of 95 % (of 90 % where a claim says that
nothing is lost). *Not run*: networks are missing. Photographs are those of Tiny ImageNet (far targets of FC layers:
intel-scenes and rsscn7), characters are rendered. Spread is a share of places, retrieval a mean average precision."""
SPEED = """\
## Speed

A grid of 30 networks, two base networks and BnB and AnB at n = 1 to 7 for both halves, from the start of a process
to the last score: `python tests/benchmarks/grid.py`. S is a stock PyTorch loop with data loaders, T a tuned loop in
two processes. All three have to have the same losses before the clock starts (`tests/benchmarks/speed.py`). Much of
so short a run is its start."""


class Shown(NamedTuple):
    """A claim by what its id begins with, in few words, the figure that shows it, and whether README has it."""

    id: str
    short: str
    figure: str
    first: bool = False


CLAIMS = (
    Shown("general-first", "the first two layers are general", "04_specificity", True),
    Shown("specific-middle", "the first four and five are specific", "04_specificity"),
    Shown("specific-last", "the first seven are specific", "04_specificity", True),
    Shown("dip-middle", "own layers frozen in the middle cost accuracy", "04_figure2", True),
    Shown("no-dip-last", "seven own layers frozen cost nothing", "04_figure2"),
    Shown("boost-base", "layers of other classes help after fine-tuning", "04_fine_tuned", True),
    Shown("boost-selffer", "they help more than own layers do", "04_fine_tuned", True),
    Shown("far-last-(natural|letters)", "another kind costs more (natural things, letters)", "06_figure3", True),
    Shown("far-last-(man-made|symbols)", "another kind costs more (man-made things, symbols)", "06_figure3"),
    Shown("far-over-random-(natural|letters)", "another kind beats untrained layers (natural, letters)", "06_figure3"),
    Shown(
        "far-over-random-(man-made|symbols)", "another kind beats untrained layers (man-made, symbols)", "06_figure3"
    ),
    Shown("random-first", "one or two untrained layers cost accuracy", "06_figure3"),
    Shown("random-third", "on three untrained layers nothing is learnt", "06_figure3"),
    Shown("few-freeze", "few images: freezing beats fine-tuning", "07_map", True),
    Shown("many-tune", "many images: fine-tuning beats freezing", "07_map"),
    Shown("fc-near-tuned", "near target, fine-tuned: better without FC", "09_gains"),
    Shown("fc-near-frozen", "near target, frozen: better without FC", "09_gains", True),
    Shown("fc-far-tuned", "far target, fine-tuned: better with FC", "09_gains", True),
    Shown("fc-far-frozen", "far target, frozen: better with FC", "09_gains", True),
    Shown("fc-few-over-gap", "far, few images, frozen: better with FC", "09_gains"),
    Shown("fc-few-over-tuned", "far, few images, FC: freezing beats fine-tuning", "09_gains"),
    Shown("firewall-pointing", "the last map behind FC layers finds objects better", "10_scenes"),
    Shown("firewall-retrieval", "the last map behind FC layers finds like images better", "10_scenes", True),
    Shown("firewall-spread", "the last map behind FC layers spreads farther", "10_maps"),
)


def judged(folder: Path = TABLES) -> pd.DataFrame:
    """Every claim on every set of images, by the tables of networks in ``folder`` that are there; see ``claims.judge``.

    The word is "not run" where networks are missing. Adds ``place`` (in ``CLAIMS``), ``short``, ``images`` and the name
    of the ``figure``, if it lies in the folder above.
    """
    paths = {name: folder / f"{name}.csv" for name in NETWORKS + HEADS + MAPS}
    tables = {name: pd.read_csv(path) for name, path in paths.items() if path.exists()}
    for name in tables.keys() & set(HEADS):  # networks of equal length stand beside those of equal source accuracy
        tables[name] = tables[name][tables[name]["match"] == "accuracy"]
    networks = pd.concat(tables.values(), ignore_index=True)
    where = ["data", "split", "replicate", "target", "treatment", "key"]  # base networks stand in several tables
    networks = networks[~(networks["treatment"].isin(WITHOUT_CUT) & networks.duplicated(where))]
    parts = []
    for data, rows in networks.groupby("data", sort=False):
        heads = [tables[name][tables[name]["data"] == data] for name in HEADS if name in tables]
        closed = {id: why for its in heads if len(its) for id, why in fc.untestable(claims.claims(), its).items()}
        maps = [tables[name][tables[name]["data"] == data] for name in MAPS if name in tables]
        closed |= {id: why for its in maps if len(its) for id, why in fc.maps_untestable(claims.claims(), its).items()}
        parts.append(claims.judge(claims.claims(), rows, untestable=closed))
    found = pd.concat(parts, ignore_index=True)
    found.loc[found["reason"].str.startswith("no network"), "word"] = NOT_RUN
    shown = [next(each for each in CLAIMS if re.match(each.id, name)) for name in found["id"]]
    found["place"] = [CLAIMS.index(each) for each in shown]
    found["short"] = [each.short for each in shown]
    found["images"] = found["data"].map(IMAGES)
    found["figure"] = [each.figure if (folder.parent / f"{each.figure}.png").exists() else "" for each in shown]
    return found.sort_values("place", kind="stable", ignore_index=True)


def page(rows: pd.DataFrame) -> str:
    """The text of figures/README.md, from what is ``judged``."""
    parts = [HEAD]
    header = ("claim", "compared", "published", "images", "ours", "replicates", "verdict", "figure")
    for paper, its in rows.groupby("paper", sort=False):
        parts += [f"### {paper}", _table(header, map(_line, its.to_dict("records")))]
    return "\n\n".join([*parts, "## The figures", _figures(), SPEED, _speed()]) + "\n"


def block(rows: pd.DataFrame) -> str:
    """The claims that README shows, between its two markers: 15 lines of what is ``judged``."""
    rows = rows.assign(cell=[f"{_ours(row)} {row['word']}".strip() for row in rows.to_dict("records")])
    lines = []
    for place, its in rows.groupby("place"):
        if CLAIMS[place].first:
            cells = its.set_index("images")["cell"]
            ours = cells.reindex(IMAGES.values(), fill_value="")
            lines.append((CLAIMS[place].short, _signed(its["published"].iloc[0]), *ours))
    count = dict.fromkeys((*claims.WORDS, NOT_RUN), 0) | rows["word"].value_counts().to_dict()
    told = (
        f"Verdicts on the papers' claims: {count['holds']} hold, {count['fails']} fail, {count['open']} are open, "
        f"{count['not testable here']} are not testable here, {count[NOT_RUN]} are not run. "
        "All of them, with replicates and figures: [figures/README.md](figures/README.md)."
    )
    return f"{BEGIN}\n{_table(('claim', 'published', *IMAGES.values()), lines)}\n\n{told}\n{END}"


def _line(row: dict) -> tuple[str, ...]:
    compared = f"{row['first']} - {row['second']}, n = {row['cuts'].replace(' ', ', ')}"
    word, count = row["word"], str(row["count"] or "")
    if word == "not testable here":
        word += f": {row['reason']}"
    if word == "open" and row["alone"] != "open":
        word += f" (alone: {row['alone']})"
    figure = f"[{row['figure']}]({row['figure']}.png)" if row["figure"] else ""
    return row["claim"], compared, _signed(row["published"]), row["images"], _ours(row), count, word, figure


def _ours(row: dict) -> str:
    return bracket((row["mean"], row["low"], row["high"]), sign=True)


def _signed(value: float) -> str:
    return bracket((value, float("nan"), float("nan")), sign=True)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (header, ["---"] * len(header), *rows))


def _figures() -> str:
    """Every figure of the committed notebooks with its caption, as they show it."""
    import nbformat

    lines = []
    for path in notebooks():
        for cell in nbformat.read(path, as_version=4).cells:
            names = re.findall(r'nb\.save\([^"]*"(\d\d_\w+)"', cell.source)
            shown = [output.get("data", {}).get("text/markdown", "") for output in cell.get("outputs", [])]
            for name, caption in zip(names, filter(None, shown), strict=False):
                where = f"[notebook {path.name[:2]}](../notebooks/{path.name})"
                lines.append(f"- [{name}]({name}.png), {where}: {caption.strip('*')}")
    return "\n".join(lines)


def _speed() -> str:
    """The measured times of tests/benchmarks/grid.py."""
    table = pd.read_csv(TABLES / "benchmark.csv")
    ours = table[table["who"] == "ours"].set_index("epochs")["seconds"]
    rows = [
        (str(row.epochs), row.who, f"{row.seconds:.1f}", f"{row.seconds / ours[row.epochs]:.1f}", f"{row.MB:.0f}",
         f"{row.date}, {row.machine}, torch {row.torch}, turns: {row.turns}")
        for row in table.itertuples()
    ]  # fmt: skip
    return _table(("epochs", "who", "seconds", "times ours", "MB", "measured"), rows)


def main(arguments: list[str] | None = None) -> int:
    """Write both files, or with ``--check`` only say which of them are not as they should be; the exit status."""
    escape_output()
    parser = argparse.ArgumentParser(prog="results", description=__doc__, allow_abbrev=False)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if a file is not as it should be")
    check, readme = parser.parse_args(arguments).check, PROJECT / "README.md"
    old = readme.read_text(encoding="utf-8")
    first, last = old.find(BEGIN), old.find(END)
    if not -1 < first < last:
        raise InputError(
            f"README.md has no place for the results; write {BEGIN!r} and {END!r} there, one below the other."
        )
    rows, figures = judged(), PROJECT / "figures" / "README.md"
    texts = {readme: old[:first] + block(rows) + old[last + len(END) :], figures: page(rows)}
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    word = "is stale; run python -m fctransfer_utils.results" if check else "written"
    for path in stale:
        if not check:
            write_text(path, texts[path])
        print(f"{path.relative_to(PROJECT)} {word}")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
