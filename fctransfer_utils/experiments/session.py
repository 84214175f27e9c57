"""The state of one call of the engine: what is left to train, where results go, and until when."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .checkpoints import Checkpoints
from .progress import Counter
from .store import Store
from .waiting import Choice, Waiting
from .worker import Job, Outcome

if TYPE_CHECKING:
    from ..data.spec import DataSpec
    from ..training.execution import Execution
    from .record import AnySpec

SLACK = 0.9


@dataclass
class Session:
    """What one call knows: networks that wait, the images that all must see (``images``: files of this machine that
    hold them), and seconds by kind of network.
    """

    store: Store
    counter: Counter
    waiting: Waiting
    data_root: str | None
    keep_weights: str
    deadline: float | None
    limit: float | None = None
    checkpoints: Checkpoints | None = None
    execution: Execution | None = None
    fingerprints: dict[DataSpec, str] = field(default_factory=dict)
    images: Mapping[DataSpec, Path] = field(default_factory=dict)
    seconds: dict[tuple[str, int], float] = field(default_factory=dict)
    diverged: list[str] = field(default_factory=list)
    closing: bool = False

    def seconds_left(self) -> float | None:
        """Until the time limit; None without one."""
        return None if self.deadline is None else self.deadline - time.monotonic()

    def next_runs(self, fits: Choice | None = None) -> tuple[AnySpec, ...]:
        """Take the first network off the list whose donor is there, for which there is time, and that ``fits``; with
        it all of its crew whose donors are there; none without one.
        """
        if self.closing:
            return ()
        return self.waiting.take(lambda runs: self._in_time(runs) and (fits is None or fits(runs)))

    def job(self, runs: tuple[AnySpec, ...]) -> Job:
        """What a process must know to train ``runs``, the weights of their donors among it."""
        every, donors = self.keep_weights == "all", self.waiting.donors
        assert self.execution is not None
        return Job(
            runs=runs,
            execution=self.execution,
            donors={key: self.store.weights_bytes(key) for key in donors_of(runs)},
            data_root=self.data_root,
            fingerprint=self.fingerprints[runs[0].data],
            images=self.images.get(runs[0].data),
            keep=frozenset(run.key for run in runs if every or run.treatment == "base" or run.key in donors),
            seconds=self.seconds_left(),
            checkpoints=self.checkpoints,
        )

    def keep(self, runs: tuple[AnySpec, ...], outcome: Outcome) -> None:
        """Write what came back to the store; after a network that was given up for lack of time none is begun."""
        self.closing = self.closing or not outcome.records
        for run, record in zip(runs, outcome.records, strict=False):
            self.store.add(record, outcome.weights.get(record.key))
            self.seconds[kind_of(run)] = record.seconds
            if record.result.diverged:
                self.diverged.append(record.key)
            self.counter.tell("trained", run=run, record=record)
        self.tell("ended", runs)
        self.waiting.finish(runs[: len(outcome.records)])
        if self.checkpoints is not None and outcome.records:
            self.checkpoints.forget(runs)

    def tell(self, event: str, runs: tuple[AnySpec, ...], **details: Any) -> None:
        """Send an event about ``runs``, which learn together: "begun", "epoch" or "ended"."""
        self.counter.tell(event, run=runs[0], together=len(runs), **details)

    def _in_time(self, runs: tuple[AnySpec, ...]) -> bool:
        """Whether networks like ``runs`` end before the time limit, by those that were trained before.

        Those that are kept while they learn may begin, too, if they have begun before, or if no call is long enough.
        """
        left = self.seconds_left()
        if left is None:
            return True
        known = self.seconds.get(kind_of(runs[0])) or min(self.seconds.values(), default=0.0)
        needed = known * len(runs) * SLACK
        if self.checkpoints is not None and (self.checkpoints.file(runs).exists() or needed > (self.limit or needed)):
            return left > 0
        return left > 0 and needed <= left


def kind_of(run: AnySpec) -> tuple[str, int]:
    """Networks of one kind take about the same time."""
    return run.treatment, run.n


def donors_of(runs: tuple[AnySpec, ...]) -> Mapping[str, AnySpec]:
    """The networks that ``runs`` start from, by key."""
    return {donor.key: donor for run in runs if (donor := run.donor) is not None}
