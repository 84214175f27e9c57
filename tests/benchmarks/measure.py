"""Run contestants in fresh processes and take their time and the peak memory of their whole process tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .peers import plan
from .task import Task

HERE = Path(__file__).parents[1]
LOOK_EVERY = 0.25


@dataclass(frozen=True)
class Setting:
    """How a contestant runs: ``processes`` side by side, number format, DataLoader workers."""

    name: str
    processes: int = 1
    execution: str = ""
    workers: int = 0

    @property
    def threads(self) -> int:
        """Of each process: the cores are shared out. Our networks take one thread each whatever is set."""
        return max(1, cores() // self.processes)


class Run(NamedTuple):
    """Answers of the processes, wall seconds from start to end, and peak memory in megabytes (PSS, all processes)."""

    answers: list[dict[str, Any]]
    seconds: float
    megabytes: float


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def network(setting: Setting, task: Task) -> Run:
    """One network in each process of ``setting``, all at the same time."""
    job = {"kind": "network", **_common(setting, task)}
    return together([job] * setting.processes)


def losses(setting: Setting, task: Task, steps: int) -> list[float]:
    """The first losses of one network."""
    return together([{"kind": "losses", "steps": steps, **_common(setting, task)}]).answers[0]["losses"]


def grid(setting: Setting, task: Task) -> Run:
    """The grid of 30 networks: ours by its engine; a peer's bases, then the rest, shared out among its processes."""
    common = _common(setting, task)
    if setting.name == "ours":
        return together([{"kind": "grid", "side_by_side": setting.processes, **common}])
    with tempfile.TemporaryDirectory() as folder:
        common |= {"folder": folder}
        count = setting.processes
        first = together([{"kind": "bases", "halves": "AB"[k::count], **common} for k in range(count)])
        rest = together([{"kind": "rest", "first": k, "every": count, **common} for k in range(count)])
    networks = [each for answer in rest.answers for each in answer["rest"]]
    assert len(networks) == len(plan())
    top1: dict[str, list[float]] = {"base": [x for answer in first.answers for x in answer["bases"].values()]}
    for treatment, value in networks:
        top1.setdefault(treatment, []).append(value)
    means = {name: sum(values) / len(values) for name, values in top1.items()}
    return Run([{"top1": means}], first.seconds + rest.seconds, max(first.megabytes, rest.megabytes))


def _common(setting: Setting, task: Task) -> dict[str, Any]:
    return {
        "name": setting.name, "task": asdict(task), "threads": setting.threads, "workers": setting.workers,
        "execution": setting.execution,
    }  # fmt: skip


def together(jobs: Sequence[dict[str, Any]]) -> Run:
    """Run the jobs at the same time, each in a fresh process. Raises RuntimeError with what a failed one said."""
    start = time.perf_counter()
    running = [_process(job) for job in jobs]
    peak, ended = [0.0], threading.Event()
    watch = threading.Thread(target=_watch, args=([each.pid for each in running], peak, ended))
    watch.start()
    said = [each.communicate() for each in running]
    seconds = time.perf_counter() - start
    ended.set()
    watch.join()
    for job, each, (_, complaint) in zip(jobs, running, said, strict=True):
        if each.returncode:
            raise RuntimeError(f"{job['name']} failed at {job['kind']}: {complaint[-2000:]}")
    return Run([json.loads(out.splitlines()[-1]) for out, _ in said], seconds, peak[0])


def environment(*, threads: int) -> dict[str, str]:
    """The variables of a fresh process: it finds the benchmark, and torch takes so many threads."""
    return {
        **os.environ,
        **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads)),
        "PYTHONPATH": str(HERE),
    }


def _process(job: dict[str, Any]) -> subprocess.Popen:
    command = [sys.executable, "-m", "benchmarks.contestant", json.dumps(job)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=environment(threads=job["threads"]), **pipes)


def _watch(pids: Sequence[int], peak: list[float], ended: threading.Event) -> None:
    while not ended.wait(LOOK_EVERY):
        peak[0] = max(peak[0], sum(memory_of_tree(pid) for pid in pids))


def memory_of_tree(pid: int) -> float:
    """Megabytes of a process and all below it; pages that they share count once (PSS). Without /proc: resident."""
    import psutil

    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    total = 0
    for each in family:
        try:
            info = each.memory_full_info()
            total += getattr(info, "pss", None) or info.rss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total / 2**20
