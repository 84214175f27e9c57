"""What a study still needs, given what a store and a committed table hold."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from .record import AnySpec
from .store import Store
from .study import Study


@dataclass(frozen=True)
class Plan:
    """``todo`` in the order of training, donors before those who need them; ``skipped``: runs that count as done."""

    todo: tuple[AnySpec, ...]
    skipped: tuple[AnySpec, ...]


def make_plan(study: Study, store: Store, *, known: Collection[str] = ()) -> Plan:
    """Compare ``study`` with ``store`` and the keys ``known`` from a table. Reads only.

    A network is done when its record is in the store or its row in the table, except a donor whose weights are needed
    by a network that is not done: it is trained (again), in the study or not. All of one seed and split comes before
    the next, so that what is finished early is a whole comparison, unless the study has an order of its own.
    """
    done = {run.key for run in study.runs if run.key in known or store.has(run.key)}
    needed = dict.fromkeys(run.donor for run in study.runs if run.key not in done and run.donor is not None)
    weightless = {donor.key: donor for donor in needed if store.weights_fault(donor.key)}
    missing = [run for run in study.runs if run.key not in done or run.key in weightless]
    strangers = [donor for key, donor in weightless.items() if key not in study.keys]
    todo = strangers + missing
    if not study.in_order:
        places = dict.fromkeys((run.seed, run.split) for run in (*strangers, *study.runs))
        blocks = {place: rank for rank, place in enumerate(places)}
        todo.sort(key=lambda run: (blocks[run.seed, run.split], run.treatment != "base"))
    names = {run.key for run in todo}
    return Plan(tuple(todo), tuple(run for run in study.runs if run.key not in names))
