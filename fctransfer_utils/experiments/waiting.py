"""The networks of a call that are still to be begun, in their order; each waits for its donor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from heapq import heapify, heappop, heappush

from .record import AnySpec

Choice = Callable[[tuple[AnySpec, ...]], bool]


class Waiting:
    """A list of networks from which those whose donor is there are taken, the first of the list first.

    A donor that is not in ``runs`` counts as there. Every step costs a handful of look-ups however long the list is.
    """

    def __init__(self, runs: Sequence[AnySpec]) -> None:
        self._runs = list(runs)
        self._place = {run.key: place for place, run in enumerate(self._runs)}
        self._waits = set(self._place)
        self._unfinished = set(self._place)
        self._donors = {run.key: donor.key for run in self._runs if (donor := run.donor) is not None}
        self._heirs: dict[str, list[str]] = defaultdict(list)
        for key, donor in self._donors.items():
            self._heirs[donor].append(key)
        self._crews: dict[Hashable, list[str]] = defaultdict(list)
        self._crew: dict[str, Hashable] = {}
        for run in self._runs:
            if (crew := run.crew) is not None:
                self._crews[crew].append(run.key)
                self._crew[run.key] = crew
        self._ready = [place for key, place in self._place.items() if self._has_donor(key)]
        heapify(self._ready)

    def __len__(self) -> int:
        return len(self._waits)

    @property
    def donors(self) -> frozenset[str]:
        """The keys of all networks that others of the list start from."""
        return frozenset(self._heirs)

    def take(self, allowed: Choice) -> tuple[AnySpec, ...]:
        """The first network that is ready and ``allowed``, with all of its crew that is ready; () without one.

        ``allowed`` is asked about the network and its crew together.
        """
        refused = []
        try:
            while self._ready:
                place = heappop(self._ready)
                if self._runs[place].key not in self._waits:
                    continue  # it went with its crew
                refused.append(place)
                runs = self._with_crew(self._runs[place])
                if allowed(runs):
                    self._waits -= {run.key for run in runs}
                    refused.pop()
                    return runs
            return ()
        finally:
            for place in refused:
                heappush(self._ready, place)

    def finish(self, runs: Sequence[AnySpec]) -> None:
        """Networks are trained: those that start from them are ready."""
        for run in runs:
            self._unfinished.discard(run.key)
            for heir in self._heirs.get(run.key, ()):
                if heir in self._waits:
                    heappush(self._ready, self._place[heir])

    def put_back(self, runs: Sequence[AnySpec], *, alone: bool = False) -> None:
        """Networks that were taken wait again, where they stood; ``alone`` they leave their crew."""
        for run in runs:
            self._waits.add(run.key)
            heappush(self._ready, self._place[run.key])
            if alone and (crew := self._crew.pop(run.key, None)) is not None:
                self._crews[crew].remove(run.key)

    def _with_crew(self, run: AnySpec) -> tuple[AnySpec, ...]:
        crew = self._crew.get(run.key)
        if crew is None:
            return (run,)
        keys = [key for key in self._crews[crew] if key in self._waits and self._has_donor(key)]
        return tuple(self._runs[self._place[key]] for key in keys)

    def _has_donor(self, key: str) -> bool:
        return self._donors.get(key) not in self._unfinished
