"""Train some networks of the committed evidence again and compare: the cheapest ones, a random sample of them.

On the same processor with the same versions a network is the same to the last bit, and on a newer one of its kind, too,
where the newer one keeps to the older one's instructions. Elsewhere sums round otherwise, and a network ends a little
higher or lower, as it would with another seed. The tolerance is what two such networks may
differ by on as many test images: three standard deviations of the difference of two shares, and at least 2 points.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data.outline import outline
from ..errors import InputError, unknown
from .costs import images_of
from .recall import specifications
from .record import AnySpec
from .store import Store
from .study import Study
from .table import read_table
from .target_spec import data_label

if TYPE_CHECKING:
    from ..training.execution import Execution
    from .progress import Reporter

POOL = 0.1
"""The share of all networks, the cheapest ones, that the sample is drawn from."""
DEVIATIONS, LEAST = 3.0, 0.02
DIGITS = 6
UNNOTED = "AVX512_CORE_BF16"
"""The instructions behind rows that do not tell theirs, with channels last in memory: trained again so, those drawn
were equal to six digits."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Compared:
    """A network of the evidence, committed and trained again; accuracies are fractions, losses in nats."""

    study: str
    title: str
    key: str
    committed: float
    now: float
    allowed: float
    equal: bool

    @property
    def within(self) -> bool:
        """Whether the two accuracies differ by at most what is allowed."""
        return abs(self.now - self.committed) <= self.allowed


@dataclass(frozen=True)
class Candidate:
    """A row of a table, its specification, and the seconds that it took with the donor that it needs."""

    row: Row
    spec: AnySpec
    seconds: float


@dataclass(frozen=True)
class Verified:
    """What came out: every network that was trained, those of ``chosen`` and their donors; ``lost`` ones were not, for
    lack of time. ``execution`` is where, ``instructions`` are those used there, ``committed`` those behind the rows.
    """

    chosen: tuple[Candidate, ...]
    compared: tuple[Compared, ...]
    lost: int
    execution: str
    instructions: str
    committed: str


def candidates(tables: Sequence[Path], *, data: str = "glyphs") -> list[Candidate]:
    """The networks of ``tables`` on ``data`` that can be specified again, each once, the cheapest first.

    A network that copies layers is one of them if its donor is in a table, too. Raises InputError when there is none.
    """
    rows: dict[str, Row] = {}
    specs: dict[str, AnySpec] = {}
    labels: set[str] = set()
    for path in tables:
        table = read_table(path)
        labels |= {row["data"].split("[")[0] for row in table}
        mine = [row for row in table if row["data"].split("[")[0] == data]
        specs |= specifications(mine)
        for row in mine:
            rows.setdefault(row["key"], row)
    found = []
    for key, spec in specs.items():
        donor, row = spec.donor, rows[key]
        if (donor is None or donor.key in specs) and data_label(spec.data) == _images(row):
            own = row["seconds"] + (0.0 if donor is None else rows[donor.key]["seconds"])
            found.append(Candidate(row, spec, own))
    if not found:
        raise unknown("data set of the evidence", data, sorted(labels))
    return sorted(found, key=lambda each: (each.seconds, each.row["key"]))


def _images(row: Row) -> str:
    """The set that a row's network learnt, as tables call it."""
    return row.get("target_set", row["data"]).split(" ")[0]


def sample(
    among: Sequence[Candidate], *, count: int, seed: int, studies: Sequence[str] = (), pool: float = POOL
) -> list[Candidate]:
    """``count`` networks of ``studies`` (default: all), drawn by ``seed`` from the cheapest share ``pool`` of them.

    Raises InputError for a count below 1 and for studies without a network.
    """
    if count < 1:
        raise InputError(f"sample {count!r}; give a whole number from 1 on.")
    there = {each.row["study"] for each in among}
    for name in studies:
        if name not in there:
            raise unknown("study of the evidence", name, sorted(there))
    asked = [each for each in among if not studies or each.row["study"] in studies]
    cheapest = asked[: max(count, round(pool * len(asked)))]
    return random.Random(seed).sample(cheapest, min(count, len(cheapest)))


def verify(
    chosen: Sequence[Candidate],
    among: Sequence[Candidate],
    store: Store,
    *,
    tolerance: float | None = None,
    workers: int = 1,
    execution: Execution | None = None,
    newest: str | None = None,
    time_limit: float | None = None,
    progress: Reporter | None = None,
    data_root: Path | str | None = None,
) -> Verified:
    """Train ``chosen`` and their donors (which are ``among`` the candidates, too) in ``store``, and compare.

    ``tolerance`` is a fraction (default: by the number of test images). Without ``execution`` that of the first row is
    taken, where this machine has it, and without ``newest`` no newer instructions are used than were behind that row.
    Where this process would use others, worker processes train. Raises InputError for instructions that have no name.
    """
    from ..training.execution import INSTRUCTIONS, instructions, no_newer_instructions
    from . import engine

    if newest is not None and newest not in INSTRUCTIONS:
        raise unknown("set of instructions", newest, INSTRUCTIONS)
    committed = chosen[0].row["instructions"] or UNNOTED
    study = Study("verify", tuple(each.spec for each in chosen), in_order=True)
    here = instructions()
    with no_newer_instructions(newest or committed):
        engine.run(
            study,
            store,
            workers=workers if here == instructions() else max(workers, 2),
            execution=execution or _same_as(chosen[0].row),
            time_limit=time_limit,
            progress=progress,
            data_root=data_root,
        )
    rows = {each.row["key"]: each.row for each in among}
    specs = {spec.key: spec for each in chosen for spec in (each.spec.donor, each.spec) if spec is not None}
    compared = tuple(
        _compared(rows[key], spec, store, tolerance, data_root) for key, spec in specs.items() if store.has(key)
    )
    used = store.execution()
    told = [store.record(each.key).versions.get("instructions", "") for each in compared]
    return Verified(
        tuple(chosen),
        compared,
        len(specs) - len(compared),
        used.label if used else "",
        ", ".join(dict.fromkeys(told)),
        committed,
    )


def _compared(row: Row, spec: AnySpec, store: Store, tolerance: float | None, root) -> Compared:
    result = store.record(spec.key).result
    tested = images_of(spec, outline(spec.data, root=root)).tested
    same = all(round(getattr(result, name), DIGITS) == round(row[name], DIGITS) for name in ("top1", "train_loss"))
    allowed = tolerance_of(row["top1"], tested) if tolerance is None else tolerance
    return Compared(row["study"], spec.title, spec.key, row["top1"], result.top1, allowed, same)


def tolerance_of(top1: float, tested: int) -> float:
    """What the accuracies of two trainings of one network may differ by on ``tested`` images."""
    return max(LEAST, DEVIATIONS * sqrt(2 * top1 * (1 - top1) / tested))


def _same_as(row: Row) -> Execution | None:
    """The execution that a row names; None (a probe decides) where this machine does not have it."""
    from ..training.execution import parse

    try:
        return parse(row["device"] if row["instructions"] else f"{row['device']}/channels_last")
    except InputError:
        return None


def lines(found: Verified, *, versions: Mapping[str, str]) -> list[str]:
    """The outcome in words: one line for each network, then a summary."""
    told = []
    for each in found.compared:
        verdict = "equal" if each.equal else "within" if each.within else "OUTSIDE"
        told.append(
            f"{verdict:8s} {each.study} {each.key} {each.title}: top-1 {each.committed:.4f} committed,"
            f" {each.now:.4f} now ({100 * (each.now - each.committed):+.1f} points, {100 * each.allowed:.1f} allowed)"
        )
    outside = sum(not each.within for each in found.compared)
    equal = sum(each.equal for each in found.compared)
    noted = found.instructions or "no instructions noted"
    told.append(
        f"{len(found.compared)} networks trained again on {found.execution}, {noted}, torch {versions['torch']}:"
        f" {equal} equal to six digits, {len(found.compared) - equal - outside} within the tolerance, {outside} outside"
        + (f", {found.lost} not trained for lack of time." if found.lost else ".")
    )
    if found.instructions not in ("", found.committed):
        told.append(
            f"The committed ones used {found.committed}, others round otherwise; equal ones are not to be expected."
        )
    return told
