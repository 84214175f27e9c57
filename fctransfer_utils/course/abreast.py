"""Several notebooks at the same time, each in a process of its own that passes its lines on."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import TYPE_CHECKING

from .report import NOT_RUN, NotebookResult

if TYPE_CHECKING:
    from .runner import Job

    Tell = Callable[[str], None]

ENDED = None
_lines = None  # in a worker: where its lines go


def run_abreast(
    jobs: Sequence[Job], run: Callable[[Job, Tell], NotebookResult], *, most: int, tell: Tell
) -> list[NotebookResult]:
    """``run`` of each job, begun in order and at most ``most`` at a time; what became of them, in order.

    A job that is ``alone`` waits for those before it, and those after it wait for it. ``tell`` gets every line behind
    the number of its notebook. After the first that does not pass, no other one begins.
    """
    context = multiprocessing.get_context("spawn")  # papermill has threads, which do not survive a fork
    lines = context.SimpleQueue()
    found: dict[str, NotebookResult] = {}
    running: dict[str, tuple[Job, Future]] = {}
    waiting = list(jobs)
    with ProcessPoolExecutor(most, context, _begin, (lines,)) as pool:
        while waiting or running:
            while waiting and len(running) < most and _fits(waiting[0], [job for job, _ in running.values()]):
                job = waiting.pop(0)
                future = pool.submit(_work, run, job)
                running[job.name] = job, future
                future.add_done_callback(lambda _, name=job.name: lines.put((name, ENDED)))
            name, line = lines.get()
            if line is not ENDED:
                _say(tell, name, line)
                continue
            found[name] = _result(*running.pop(name))
            if found[name].state != "passed":
                waiting.clear()
    return [found.get(job.name, NotebookResult(job.name, NOT_RUN)) for job in jobs]


def _fits(job: Job, running: Sequence[Job]) -> bool:
    return not running or not (job.alone or any(each.alone for each in running))


def _say(tell: Tell, name: str, line: str) -> None:
    for part in line.splitlines() or [""]:
        tell(f"{name.partition('_')[0]} {part}")


def _result(job: Job, future: Future) -> NotebookResult:
    """What came back; a process that died is a notebook that failed."""
    try:
        return future.result()
    except BrokenProcessPool as error:
        return NotebookResult(job.name, "failed", error=f"its process died: {error}")


def _begin(lines) -> None:
    """Runs in each worker first. Between two notebooks Ctrl-C is the first process's business."""
    global _lines
    _lines = lines
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(run: Callable[[Job, Tell], NotebookResult], job: Job) -> NotebookResult:
    """Runs in the worker."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return run(job, partial(_send, job.name))
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _send(name: str, line: str) -> None:
    _lines.put((name, line))
