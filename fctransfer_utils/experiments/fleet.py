"""The workers of a Dask cluster that networks may learn on: who is there, who fits, who comes and who is gone."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import InputError

if TYPE_CHECKING:
    from distributed import Client, Future

    from ..training.execution import Execution

LOOK_EVERY = 0.5
ANSWER = 0.05
MOST_DEATHS = 3
LATE = 5.0


@dataclass(frozen=True)
class Facts:
    """What a worker process says about itself: versions, kinds of device, and the GPU that it sees first ("")."""

    versions: Mapping[str, str]
    devices: tuple[str, ...]
    gpu: str = ""


def facts() -> Facts:
    """Runs in the worker."""
    import torch

    from .record import versions

    devices, gpu = ["cpu"], ""
    if torch.cuda.is_available():
        devices.append("cuda")
        gpu = str(getattr(torch.cuda.get_device_properties(0), "uuid", torch.cuda.get_device_name(0)))
    if torch.backends.mps.is_available():
        devices.append("mps")
    return Facts(versions(), tuple(devices), gpu)


def unfit(worker: Facts, *, versions: Mapping[str, str], execution: Execution | None) -> str:
    """Why networks of a study must not learn on ``worker``; "" when they may.

    ``versions`` are those that the records of the study state.
    """
    for name, wanted in versions.items():
        found = worker.versions.get(name, "none")
        if found != wanted:
            what = "this package" if name == "fctransfer" else name
            return f"has version {found} of {what}, the others {wanted}; install the same versions everywhere."
    if execution is not None and (kind := execution.device.split(":")[0]) not in worker.devices:
        return f"has no device {kind!r}, which the study learns on ({execution.label}); start it where there is one."
    return ""


@dataclass
class Member:
    """A worker: its address, the memory it may use (bytes, infinite without a limit), and what it says of itself."""

    address: str
    memory: float
    asked: Future
    facts: Facts | None = None
    idle_since: float | None = None
    running: bool = True


@dataclass
class Fleet:
    """The workers of ``client`` as they are now. ``tell`` hears in a line who is not used, and why."""

    client: Client
    tell: Callable[[str], Any] = lambda _: None
    execution: Execution | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    _deaths: Counter[str] = field(default_factory=Counter)
    _homes: dict[str, str] = field(default_factory=dict)
    _looked: float = -math.inf

    def look(self, *, now: bool = False) -> None:
        """See who is there; ask newcomers what they are. Does nothing when it was done half a second ago."""
        if not now and time.monotonic() - self._looked < LOOK_EVERY:
            return
        self._looked = time.monotonic()
        try:
            there = self.client.sync(self.client.scheduler.identity, n_workers=-1)["workers"]
        except (OSError, RuntimeError):
            return  # the scheduler does not answer, or the client is being closed: nothing is known of the workers
        for address in self.members.keys() - there.keys():
            self._gone(address)
        for address in [address for address in self.refused if address not in there]:
            del self.refused[address]
        for address, info in sorted(there.items()):
            if address not in self.members and address not in self.refused:
                self._welcome(address, info)
        for address, member in self.members.items():
            self._note(member, there[address])
        self._hear_answers()

    def usable(self) -> Iterator[Member]:
        """Workers that networks can be given to, those with the most memory first."""
        known = [each for each in self.members.values() if each.facts is not None and each.running]
        yield from sorted(known, key=lambda each: -each.memory)

    def settle(self, execution: Execution) -> None:
        """From now on only workers that have the device of ``execution`` are used."""
        self.execution = execution
        for member in list(self.members.values()):
            if member.facts and (reason := unfit(member.facts, versions=self.versions, execution=execution)):
                self.refuse(member.address, reason)

    @property
    def hopeless(self) -> bool:
        """Whether all who are there have been refused."""
        return bool(self.refused) and not self.members

    @property
    def most_memory(self) -> float:
        """Of a usable worker, in bytes."""
        return max((each.memory for each in self.usable()), default=0.0)

    def refuse(self, address: str, reason: str) -> None:
        """Use the worker no more."""
        if self.members.pop(address, None) is not None:
            self.refused[address] = reason
            self.tell(f"the worker {address} is not used: it {reason}")

    def idle_for(self, address: str) -> float:
        """For how many seconds the worker has had nothing at work, be it paused for lack of memory or in disorder."""
        since = self.members[address].idle_since if address in self.members else None
        return 0.0 if since is None else time.monotonic() - since

    def gather(self, *, patience: float) -> None:
        """Wait until those who are there have said what they are; for late ones only a moment, since they may yet join.

        Raises InputError when there is nobody to be used, or nobody answers within ``patience`` seconds.
        """
        start = time.monotonic()
        self.look(now=True)
        while not self.hopeless:
            some, waited = any(self.usable()), time.monotonic() - start
            late = not self.members or any(each.facts is None and each.running for each in self.members.values())
            if waited > (LATE if some else patience) or (some and not late):
                break
            time.sleep(ANSWER)
            self._hear_answers()
            self.look()
        if not any(self.usable()):
            raise InputError(self.none_usable())

    def ask(self, function: Callable, *arguments: Any, patience: float) -> Any:
        """The answer of ``function`` from a worker; one that cannot give it is not used, and the next is asked.

        Raises InputError when there is no usable one (more) within ``patience`` seconds.
        """
        while True:
            self.gather(patience=patience)
            member = next(self.usable())
            future = self._submit(member.address, "ask", function, *arguments)
            while member.address in self.members:
                try:
                    return future.result(timeout=LOOK_EVERY)
                except (TimeoutError, CancelledError):
                    self.look()
                except InputError as error:
                    self.refuse(member.address, f"says: {error}")

    def none_usable(self) -> str:
        """Why there is nobody, in a line."""
        place = self.client.scheduler.address
        for address, reason in self.refused.items():
            return f"no worker of {place} can be used: {address} {reason}"
        return (
            f"no worker has joined {place} or none answers; start some with: dask worker {place} --nthreads 1 (and"
            " --nworkers for several)."
        )

    def text(self) -> str:
        """Who is there, in a line."""
        members = [*self.usable()]
        memory = sorted({_size(each.memory) for each in members if each.memory < math.inf})
        line = f"{len(members)} worker{'s' if len(members) != 1 else ''} of one thread"
        if memory:
            line += f" with {' to '.join(dict.fromkeys((memory[0], memory[-1])))}"
        gpus = {each.facts.gpu for each in members if each.facts and each.facts.gpu}
        return line + (f" on {len(gpus)} GPU{'s' if len(gpus) != 1 else ''}" if gpus else "")

    def _welcome(self, address: str, info: Mapping[str, Any]) -> None:
        home = info.get("nanny") or address
        self._homes[address] = home
        memory = float(info["memory_limit"] or math.inf)
        self.members[address] = Member(address, memory, asked=self._submit(address, "facts", facts))
        if info["nthreads"] != 1:
            self.refuse(
                address,
                f"has {info['nthreads']} threads, and networks need processes of one thread: start it with --nthreads"
                " 1 (and --nworkers for several).",
            )
        elif self._deaths[home] >= MOST_DEATHS:
            self.refuse(
                address, f"has died {MOST_DEATHS} times (often: no memory left); use fewer --workers, or give it more."
            )

    def _gone(self, address: str) -> None:
        del self.members[address]
        self._deaths[self._homes.pop(address)] += 1

    def _note(self, member: Member, info: Mapping[str, Any]) -> None:
        member.running = info["status"] == "running"
        working = info.get("metrics", {}).get("task_counts", {}).get("executing", 0)
        if working:
            member.idle_since = None
        elif member.idle_since is None:
            member.idle_since = time.monotonic()

    def _hear_answers(self) -> None:
        for member in list(self.members.values()):
            if member.facts is None and member.asked.done():
                self._hear(member)

    def _hear(self, member: Member) -> None:
        try:
            found = member.asked.result(timeout=LOOK_EVERY)
        except (TimeoutError, CancelledError):
            return
        except Exception as error:
            self.refuse(
                member.address,
                f"cannot import this package ({error}); start it in an environment that has it installed.",
            )
            return
        self.versions = self.versions or found.versions
        if reason := unfit(found, versions=self.versions, execution=self.execution):
            self.refuse(member.address, reason)
        else:
            member.facts = found

    def _submit(self, address: str, name: str, function: Callable, *arguments: Any) -> Future:
        key = f"{name}-{address}-{time.time_ns()}"
        return self.client.submit(function, *arguments, key=key, workers=[address], pure=False)


def _size(count: float) -> str:
    return f"{count / 2**30:.1f} GiB"
