"""Loaded by the workers of the tests (``dask worker --preload``): each notes what it begins, and waits at a gate.

GATE names a folder. While it holds a file ``closed``, no network begins to learn; ``begun-PID-KEY`` says which process
has begun which network.
"""

import os
import time
from pathlib import Path

import torch._dynamo  # what a first network would import while the scheduler waits for signs of life

from fctransfer_utils.experiments import dispatch, run_network, worker

FOLDER = Path(os.environ["GATE"])
PATIENCE = 300.0
READY = (torch, run_network)


def at_the_gate(job, **options):
    for run in job.runs:
        (FOLDER / f"begun-{os.getpid()}-{run.key}").touch()
    until = time.monotonic() + PATIENCE
    while (FOLDER / "closed").exists() and time.monotonic() < until:
        time.sleep(0.02)
    return worker.train_job(job, **options)


dispatch.train_job = at_the_gate
