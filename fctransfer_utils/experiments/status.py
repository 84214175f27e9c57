"""Where a store and a study stand, in lines of text."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from .plan import make_plan
from .progress import clock
from .store import Store
from .study import Study
from .table import table_keys
from .target_spec import data_label


def store_lines(store: Store) -> list[str]:
    """What ``store`` holds, who writes to it, and what is damaged."""
    records, damaged = store.sorted_out()
    holder = store.holder()
    lines = [
        f"{store.path}: {len(records)} networks, {clock(sum(record.seconds for record in records))} of training,"
        f" {'in use by ' + holder if holder else 'not in use'}."
    ]
    counts = Counter(
        (data_label(record.spec.data), record.spec.net.label, record.spec.recipe.epochs, record.spec.treatment)
        for record in records
    )
    lines += [
        f"  {data}, {net}, {epochs} epochs: {count} {treatment}"
        for (data, net, epochs, treatment), count in sorted(counts.items())
    ]
    lines += [f"  damaged (will be trained again): {key}: {reason}" for key, reason in damaged.items()]
    diverged = [record.key for record in records if record.result.diverged]
    return lines + ([f"  diverged: {', '.join(diverged)}"] if diverged else [])


def study_lines(study: Study, store: Store, *, table: Path | str | None = None) -> list[str]:
    """How much of ``study`` is done and about how long the rest takes in one process, by the networks done so far."""
    plan = make_plan(study, store, known=table_keys(table) if table is not None else frozenset())
    line = f"study {study.name}: {len(plan.skipped)} of {len(study.runs)} networks done, {len(plan.todo)} to train"
    known = [
        record.seconds
        for record in store.records()
        if plan.todo
        and (record.spec.data, record.spec.net, record.spec.recipe)
        == (plan.todo[0].data, plan.todo[0].net, plan.todo[0].recipe)
    ]
    if plan.todo and known:
        line += f", about {clock(len(plan.todo) * sum(known) / len(known))} with one worker"
    return [f"{line}."]
