"""What the rest of a study takes, told before it starts: operations, memory, disk and time. Nothing is trained."""

from __future__ import annotations

import resource
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.outline import Outline, outline
from ..data.rows import MOST_COPIED
from ..data.spec import RENDERED, DataSpec
from ..models import build
from ..training.speed import Speed, training_speed
from ..training.work import FLOAT
from .costs import Cost, cost_of, record_bytes
from .plan import Plan, make_plan
from .record import AnySpec
from .schedule import makespan, schedule
from .store import Store
from .study import Study
from .units import amount, duration, size

if TYPE_CHECKING:
    from ..training.execution import Execution

KEPT_STATES = 2
"""A checkpoint holds weights and momentum."""


class EmptyStore:
    """Stands in for a store that is not there yet."""

    def has(self, key: str) -> bool:
        """Whether there is a record."""
        return False

    def weights_fault(self, key: str) -> str:
        """Why there are no weights."""
        return "they are not kept"

    def records(self) -> list:
        """All records."""
        return []


@dataclass(frozen=True)
class Forecast:
    """What is left of ``study`` by its ``plan``: the ``costs`` of its networks, in order; ``seconds`` of each at the
    measured ``rate`` (operations per second and process), ``source`` says how that was measured; all of them done by
    ``workers`` after ``elapsed`` seconds. ``overhead`` are the bytes of a process before it holds anything.
    """

    study: Study
    plan: Plan
    outlines: Mapping[DataSpec, Outline]
    costs: tuple[Cost, ...]
    rate: float
    source: str
    seconds: tuple[float, ...]
    workers: int
    elapsed: float
    overhead: int
    to_decode: int

    @property
    def operations(self) -> float:
        """Floating-point operations of all networks that are left."""
        return sum(cost.operations for cost in self.costs)

    @property
    def largest(self) -> Cost:
        """The network that needs the most memory."""
        return max(self.costs, key=lambda cost: cost.memory.total)

    @property
    def pixels(self) -> int:
        """Bytes of the images of the network that has the most."""
        return max(cost.pixels for cost in self.costs)

    @property
    def memory(self) -> int:
        """Bytes of one process, in float32: itself, the largest network or crew, and its images if they are copied."""
        crews = Counter(run.crew for run in self.plan.todo if run.crew is not None)
        together = max(crews.values(), default=1)
        own = self.largest.memory
        copied = self.pixels if self.pixels <= MOST_COPIED else 0
        return self.overhead + together * (own.weights + own.gradients) + own.activations + copied

    @property
    def disk(self) -> int:
        """Bytes that the study will write: decoded images, records, the weights of donors, one checkpoint a worker."""
        donors = {run.donor.key for run in self.plan.todo if run.donor is not None}
        kept = sum(
            cost.weights
            for run, cost in zip(self.plan.todo, self.costs, strict=True)
            if run.treatment == "base" or run.key in donors
        )
        records = sum(record_bytes(run) for run in self.plan.todo)
        return self.to_decode + kept + records + self.workers * KEPT_STATES * self.largest.weights


def forecast(
    study: Study,
    store: Store | EmptyStore,
    *,
    known: Collection[str] = (),
    data_root: Path | str | None = None,
    workers: int = 1,
    execution: Execution | None = None,
) -> Forecast | None:
    """What is left of ``study``; None when nothing is. Trains nothing but a probe of a few seconds on noise.

    The probe is left out where ``store`` has networks of the same architecture. Raises InputError for images that are
    not there.
    """
    plan = make_plan(study, store, known=known)
    if not plan.todo:
        return None
    outlines = {data: outline(data, root=data_root) for data in dict.fromkeys(run.data for run in plan.todo)}
    costs = tuple(cost_of(run, outlines) for run in plan.todo)
    rate, source = _rate(plan.todo[0], costs[0], store.records(), outlines, execution)
    seconds = tuple(cost.operations / rate for cost in costs)
    keys = [run.key for run in plan.todo]
    donors = {run.key: run.donor.key for run in plan.todo if run.donor is not None}
    slots = schedule(dict(zip(keys, seconds, strict=True)), donors, keys, workers=workers)
    return Forecast(
        study=study,
        plan=plan,
        outlines=outlines,
        costs=costs,
        rate=rate,
        source=source,
        seconds=seconds,
        workers=workers,
        elapsed=makespan(slots),
        overhead=_own_memory(),
        to_decode=sum(_to_decode(run.data, outlines, data_root) for run in _one_per_set(plan.todo)),
    )


def lines(found: Forecast | None, study: Study) -> list[str]:
    """A forecast in words, with the formulae."""
    if found is None:
        return [f"study {study.name}: all {len(study.runs)} networks are done; there is nothing to train."]
    run, cost = found.plan.todo[0], found.costs[0]
    images = cost.images
    recipe = run.recipe
    bases = sum(each.treatment == "base" for each in found.plan.todo)
    per_epoch = f"{recipe.steps} steps of {recipe.batch_size}" if recipe.steps else "all"
    own = found.largest.memory
    mapped = "" if found.pixels <= MOST_COPIED else ", read from disk batch by batch"
    return [
        f"study {study.name}: {len(study.runs)} networks, {len(found.plan.skipped)} done, {len(found.plan.todo)} to"
        f" train ({bases} bases among them). Nothing is trained now.",
        f"images: {_sets(found.outlines)}; the first network learns {images.classes} classes with {images.learnt:,}"
        f" images and is tested on {images.tested:,}.",
        f"the first network ({run.title}): {recipe.epochs} x {per_epoch} images = {images.seen:,} images seen,"
        f" {cost.memory.weights // FLOAT:,} parameters, {amount(cost.operations)}FLOP.",
        f"work: {amount(found.operations)}FLOP = sum over networks and layers of 2 x multiply-adds x images x"
        " (1 forward + 1 for the gradient of weights + 1 for that of inputs); frozen layers: forward only.",
        f"memory: {size(found.memory)} in each of {found.workers} process(es): {size(found.overhead)} for itself,"
        f" weights {size(own.weights)}, gradients and momentum {size(own.gradients)}, a batch of activations"
        f" {size(own.activations)} (float32; in bfloat16 about half), images {size(found.pixels)}{mapped}.",
        f"disk: {size(found.disk)}: decoded images {size(found.to_decode)}, weights of donors, records, and"
        f" {size(KEPT_STATES * found.largest.weights)} a process while it keeps checkpoints.",
        f"time: {duration(sum(found.seconds))} in one process, {duration(found.elapsed)} in {found.workers}, at"
        f" {amount(found.rate)}FLOP/s for each ({found.source}).",
    ]


def _rate(first: AnySpec, cost: Cost, records: Sequence, outlines, execution) -> tuple[float, str]:
    """Operations per second of one process, and how they were measured."""
    same = [record for record in records if record.spec.net == first.net and record.spec.data == first.data]
    spent = sum(record.seconds for record in same)
    if spent > 0:
        done = sum(cost_of(record.spec, outlines).operations for record in same)
        return done / spent, f"by the {len(same)} such networks in the store"
    from ..training.execution import probe

    execution = execution or probe()
    speed = probed(first, classes=cost.images.classes, execution=execution)
    return speed.operations, f"measured here: {speed.images:,.0f} images/s of a network that learns as a whole, " + (
        execution.label
    )


def probed(run: AnySpec, *, classes: int, execution: Execution, seconds: float = 1.0) -> Speed:
    """How fast the network of ``run`` learns here, all of its layers."""
    net = build(run.net, classes=classes, image_size=run.input_size, seed=0)
    return training_speed(net, image_size=run.data.image_size, recipe=run.recipe, execution=execution, seconds=seconds)


def _sets(outlines: Mapping[DataSpec, Outline]) -> str:
    told = [
        f"{there.name} at {data.image_size} pixels ({there.classes} classes, {sum(there.train):,} to learn and"
        f" {sum(there.test):,} to test)"
        for data, there in outlines.items()
    ]
    return "; ".join(dict.fromkeys(told))


def _one_per_set(runs: Sequence[AnySpec]) -> list[AnySpec]:
    return list({run.data: run for run in runs}.values())


def _to_decode(data: DataSpec, outlines: Mapping[DataSpec, Outline], root: Path | str | None) -> int:
    """Bytes of the decoded copy of a set that is still to be made."""
    from ..data.sources import is_decoded
    from ..errors import InputError

    if data.name in RENDERED:
        return 0
    try:
        there = is_decoded(data, root)
    except InputError:  # not downloaded yet
        there = False
    return 0 if there else outlines[data].images * 3 * data.image_size**2


def _own_memory() -> int:
    """Bytes that this process has taken at most until now: Python, torch and what they loaded."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
