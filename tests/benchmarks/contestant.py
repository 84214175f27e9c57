"""A fresh process of one contestant: ``python -m benchmarks.contestant JOB``, a JSON text; the answer is a JSON line.

Jobs: ``losses`` (the first losses of one network), ``network`` (one network), ``bases`` and ``rest`` (parts of a
peer's grid), ``grid`` (ours).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch

from fctransfer_utils.training import Execution, parse

from .peers import fit_of, options_of, train_bases, train_rest
from .task import Task


def run(job: dict[str, Any]) -> dict[str, Any]:
    """The answer to ``job``."""
    task, name = Task(**job["task"]), job["name"]
    torch.set_num_threads(job["threads"])
    execution = parse(job["execution"]) if job["execution"] else Execution()
    options = options_of(name, workers=job["workers"], execution=execution)
    if job["kind"] == "losses":
        return {"losses": fit_of(name)(task.network(), task, stop=job["steps"], **options).losses}
    if job["kind"] == "network":
        fitted = fit_of(name)(task.network(), task, **options)
        images = len(task.halves()[0].labels) * task.epochs
        return {"top1": fitted.top1, "rate": images / fitted.seconds}
    if job["kind"] == "bases":
        return {"bases": train_bases(name, task, tuple(job["halves"]), Path(job["folder"]), **options)}
    if job["kind"] == "rest":
        part = slice(job["first"], None, job["every"])
        return {"rest": train_rest(name, task, part, Path(job["folder"]), **options)}
    from .ours import grid

    return {"top1": grid(task, workers=job["side_by_side"], execution=execution)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(json.loads(sys.argv[1]))) + "\n")
