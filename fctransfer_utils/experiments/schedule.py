"""How long networks take on several machines, when each has to wait for the one whose layers it copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from ..errors import InputError


@dataclass(frozen=True)
class Slot:
    """One network on one worker, in the unit of the durations."""

    key: str
    worker: int
    begin: float
    end: float


def schedule(
    durations: Mapping[str, float], donors: Mapping[str, str], order: Sequence[str], *, workers: int
) -> tuple[Slot, ...]:
    """Give the networks ``order`` to ``workers`` as the engine does: a free one takes the first whose donor is there.

    ``durations`` by key; ``donors`` the key of the network that one starts from (left out without one, or where it is
    not in ``order``: then it is there already). Raises InputError without a worker and for donors in a circle.
    """
    if workers < 1:
        raise InputError(f"workers = {workers!r}; give a whole number from 1 on.")
    pending = set(order)
    waiting = list(order)
    free = [(0.0, worker) for worker in range(workers)]
    running: list[tuple[float, str]] = []
    slots = []
    while waiting:
        now, worker = heappop(free)
        while running and running[0][0] <= now:
            pending.discard(heappop(running)[1])
        key = next((each for each in waiting if donors.get(each) not in pending), None)
        if key is None:
            if not running:
                raise InputError(f"the donors of {waiting[0]} wait for each other; check the study.")
            heappush(free, (running[0][0], worker))
            continue
        waiting.remove(key)
        end = now + durations[key]
        slots.append(Slot(key, worker, now, end))
        heappush(running, (end, key))
        heappush(free, (end, worker))
    return tuple(slots)


def makespan(slots: Sequence[Slot]) -> float:
    """When the last network is done."""
    return max((slot.end for slot in slots), default=0.0)


def shortest(durations: Mapping[str, float], donors: Mapping[str, str]) -> float:
    """What no number of workers can beat: the longest chain of a donor and a network that starts from it."""
    return max((time + durations.get(donors.get(key, ""), 0.0) for key, time in durations.items()), default=0.0)
