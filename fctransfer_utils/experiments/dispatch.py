"""Give networks to the workers of a fleet, one each at a time, and take back what workers lose.

Workers tell of every epoch by an event of Dask's, which goes the way of the signs of life that they send anyhow, on
this machine as on any cluster. It is put on a list that nobody waits for, and dropped where it cannot be sent. It comes
before what its network gives in the end; what is heard of a network that was taken back counts no more.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..training.learner import Epoch
from .fleet import Fleet, Member
from .worker import Job, Outcome, train_job

if TYPE_CHECKING:
    from distributed import Client, Future

    from .record import AnySpec
    from .session import Session

TICK = 1.0
GRACE = 3.0
ATTEMPTS = 3
STUCK = 60.0
EPOCHS = "fctransfer-epochs"


class Lost(Exception):
    """What a worker was doing did not end: it died, hung, or ran out of memory."""


@dataclass
class Flight:
    """Networks that one worker is training."""

    runs: tuple[AnySpec, ...]
    member: Member
    future: Future
    began: float
    patience: float = 5.0


@dataclass
class Dispatch:
    """The networks of ``session`` on the workers of ``fleet``.

    ``patience``: seconds to wait for workers when there is none, unless none can be used (None: for ever in any case).
    """

    client: Client
    session: Session
    fleet: Fleet
    patience: float | None = None
    flights: dict[str, Flight] = field(default_factory=dict)
    lost: Counter[str] = field(default_factory=Counter)
    _alone_since: float | None = None
    _heard: deque[tuple[float, Any]] = field(default_factory=deque)

    def train(self) -> None:
        """Train what waits until nothing is left or the time is over. Raises InputError when that cannot be done."""
        self.session.counter.start()
        try:
            self.client.subscribe_topic(EPOCHS, self._heard.append)  # called in Dask's thread
            while not self._overdue():
                if connected := self._connected():
                    self.fleet.look()
                    self._start()
                self.session.counter.tell("tick")
                if not connected:
                    time.sleep(TICK)
                elif self.flights or self._waits_for_workers():
                    self._land()
                else:
                    return
        except Exception as error:
            self._connected()  # says so when that is the reason
            raise error
        finally:
            with suppress(Exception):
                self.client.cancel([flight.future for flight in self.flights.values()], force=True)

    def _start(self) -> None:
        """One job for every worker that has none; those with the most memory choose first."""
        most = self.fleet.most_memory
        for member in self.fleet.usable():
            if member.address in self.flights:
                continue
            runs = self.session.next_runs(
                lambda runs, member=member: member.memory >= most or not any(self.lost[run.key] for run in runs)
            )
            if runs:
                name = f"{runs[0].key}-{time.time_ns()}"
                where = {"workers": [member.address], "pure": False, "retries": 0}
                future = self.client.submit(_train, self.session.job(runs), key=name, **where)
                self.flights[member.address] = Flight(runs, member, future, time.monotonic())
                self.session.tell("begun", runs)

    def _land(self) -> None:
        """Wait a moment for networks to end; keep those that did, and take back those that never will."""
        from distributed import wait

        futures = [flight.future for flight in self.flights.values()]
        if futures:
            with suppress(TimeoutError, CancelledError):
                wait(futures, timeout=TICK, return_when="FIRST_COMPLETED")
        else:
            time.sleep(TICK)
        self._hear()
        self.fleet.look()
        for address, flight in list(self.flights.items()):
            try:
                if flight.future.done():
                    self._keep(address, flight)
                elif address not in self.fleet.members or self._stuck(address, flight):
                    raise Lost
            except Lost:
                self._lose(address, flight)

    def _hear(self) -> None:
        """Pass on the epochs of networks that are learning."""
        learning = {flight.future.key: flight.runs for flight in self.flights.values()}
        while self._heard:
            _, (key, *values) = self._heard.popleft()
            if key in learning:
                self.session.tell("epoch", learning[key], epoch=Epoch(*values))

    def _stuck(self, address: str, flight: Flight) -> bool:
        """Whether the worker has done nothing for so long that it will not begin any more."""
        return min(self.fleet.idle_for(address), time.monotonic() - flight.began) > STUCK

    def _keep(self, address: str, flight: Flight) -> None:
        try:
            outcome = self._result(flight)
        except InputError as error:
            self._take_back(address, flight)
            self.fleet.refuse(address, f"says: {error}")
            if not any(self.fleet.usable()):
                raise
            return
        if outcome is not None:
            self._hear()  # its last epochs have come, since what it gave has
            del self.flights[address]
            self.session.keep(flight.runs, outcome)

    def _result(self, flight: Flight) -> Outcome | None:
        """What came back; None when it is still on its way. Raises Lost, or what training raised."""
        import torch
        from distributed.scheduler import KilledWorker

        try:
            return flight.future.result(timeout=flight.patience)
        except TimeoutError:
            flight.patience *= 2  # large weights on a slow network
            return None
        except (KilledWorker, CancelledError, MemoryError, torch.OutOfMemoryError) as error:
            raise Lost from error

    def _lose(self, address: str, flight: Flight) -> None:
        """Networks that were lost with their worker are trained again, each alone, where there is the most memory."""
        self._take_back(address, flight, alone=True)
        for run in flight.runs:
            self.lost[run.key] += 1
            if self.lost[run.key] >= ATTEMPTS:
                raise InputError(
                    f"the processes that trained {run.key} ({run.title}) died {ATTEMPTS} times (often: no memory left);"
                    " use fewer --workers, or workers with more memory."
                )

    def _take_back(self, address: str, flight: Flight, *, alone: bool = False) -> None:
        del self.flights[address]
        self.session.tell("ended", flight.runs)
        self.session.waiting.put_back(flight.runs, alone=alone)
        with suppress(Exception):
            self.client.cancel([flight.future], force=True)

    def _waits_for_workers(self) -> bool:
        """Whether something could be trained if there was a worker. Raises InputError when that lasts too long."""
        runs = self.session.next_runs()
        if not runs:
            return False
        self.session.waiting.put_back(runs)
        if any(self.fleet.usable()):
            self._alone_since = None
            return True
        if self._alone_since is None:
            self._alone_since = time.monotonic()
            self.fleet.tell(f"{self.fleet.none_usable()} Waiting for one.")
        waited = time.monotonic() - self._alone_since
        if self.patience is not None and (waited > self.patience or self.fleet.hopeless):
            raise InputError(self.fleet.none_usable())
        return True

    def _connected(self) -> bool:
        """False while the scheduler is looked for again. Raises InputError when it was not found."""
        if self.client.status in ("running", "connecting"):
            return self.client.status == "running"
        raise InputError(
            "the Dask scheduler has ended or cannot be reached any more. Every network finished before is kept; start"
            " it and its workers again, and then the same command: it goes on from there."
        )

    def _overdue(self) -> bool:
        left = self.session.seconds_left()
        return left is not None and left < -GRACE


def _train(job: Job) -> Outcome:
    """Runs in the worker."""
    import torch
    from distributed import Status, get_worker

    torch.set_num_threads(1)
    worker = get_worker()
    key = worker.get_current_task()

    def unwanted() -> bool:
        task = worker.state.tasks.get(key)
        leaving = worker.status in (Status.closing, Status.closed, Status.failed)
        return leaving or task is None or task.state == "cancelled"

    def tell(epoch: Epoch) -> None:
        with suppress(Exception):  # whoever does not hear of it may still want the network
            worker.log_event(EPOCHS, (key, *epoch))

    return train_job(job, on_epoch=tell, unwanted=unwanted)
