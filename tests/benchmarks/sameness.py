"""What may differ between two trainings of one network, measured: bits of the weights, and how far results move.

``python -m benchmarks.sameness JOB`` is the fresh process in which one network learns; the answer is a JSON line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from safetensors.torch import load_file, save_file

from fctransfer_utils.experiments.run_network import run_crew, run_network
from fctransfer_utils.experiments.spec import RunSpec
from fctransfer_utils.experiments.worker import load_images
from fctransfer_utils.training import parse

from . import measure
from .task import Task

HEADER = ["what differs", "same bits", "weights apart", "training loss apart", "top-1 apart (points)"]
CUT = 4


@dataclass(frozen=True)
class Way:
    """One way to train a network, compared with ``reference`` ("base", "frozen" or "kept": as simply as can be).

    ``network``: "base", "frozen" (BnB, images augmented) or "kept" (BnB without augmentation). ``variables`` are those
    of the process. ``threads`` > 0 sets aside that a network learns on one thread.
    """

    what: str
    network: str = "base"
    execution: str = "cpu/float32"
    variables: Mapping[str, str] = field(default_factory=dict)
    threads: int = 0
    crew: bool = False
    keeps: bool = True
    onednn: bool = True
    seed: int = 0


OLDER = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
OLDEST = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"}
WAYS = (
    Way("nothing: another process"),
    Way("two threads outside of training", variables={"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}),
    Way("learning in a crew, not alone", "frozen", crew=True),
    Way("outputs of the frozen prefix computed in every epoch, not kept", "kept", keeps=False),
    Way("two threads in training (never done by the course)", threads=2),
    Way("channels last in memory", execution="cpu/float32/channels_last"),
    Way("bfloat16 in place of float32", execution="cpu/bfloat16"),
    Way("a processor without AVX-512 (its instructions left out)", variables=OLDER),
    Way("a processor without AVX (its instructions left out)", variables=OLDEST),
    Way("other routines for convolutions (oneDNN left out)", onednn=False),
    Way("a GPU in place of the CPU, float32", execution="cuda/float32/channels_last"),
    Way("a GPU in place of the CPU, bfloat16", execution="cuda/bfloat16/channels_last"),
    Way("the seed, for scale", seed=1),
)


def table(task: Task) -> list[list[object]]:
    """One row per way; "not measured" where this machine has no such device."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        references = {name: _trained(Way("", name), task, Path(folder)) for name in ("base", "frozen", "kept")}
        for way in WAYS:
            if way.execution.startswith("cuda") and not torch.cuda.is_available():
                rows.append([way.what, "not measured", "", "", ""])
                continue
            rows.append([way.what, *_compared(references[way.network], _trained(way, task, Path(folder)))])
    return rows


def _compared(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[object]:
    gap = sum(float((one["state"][name] - each).double().square().sum()) for name, each in other["state"].items())
    size = sum(float(each.double().square().sum()) for each in one["state"].values())
    same = all(torch.equal(one["state"][name], each) for name, each in other["state"].items())
    loss = abs(one["loss"] - other["loss"]) / one["loss"]
    return ["yes" if same else "no", (gap / size) ** 0.5, loss, 100 * abs(one["top1"] - other["top1"])]


def _trained(way: Way, task: Task, folder: Path) -> dict[str, Any]:
    """Train in a fresh process; the state and results of the network."""
    file = folder / "weights.safetensors"
    job = {"way": {**asdict(way), "variables": {}}, "task": asdict(task), "file": str(file)}
    environment = {**measure.environment(threads=1), **way.variables}
    command = [sys.executable, "-m", "benchmarks.sameness", json.dumps(job)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"training with {way.what!r} failed: {ended.stderr[-2000:]}")
    return {**json.loads(ended.stdout.splitlines()[-1]), "state": load_file(file)}


def learn(way: Way, task: Task, file: Path) -> dict[str, float]:
    """Runs in the fresh process: the network of ``way``; its weights go to ``file``."""
    task = replace(task, augment=way.network != "kept", seed=way.seed)
    base = RunSpec(data=task.data, net=task.net, recipe=task.recipe, seed=way.seed, target="A")
    images = load_images(task.data, None)
    with ExitStack() as changes:
        if way.threads:
            changes.enter_context(patch("fctransfer_utils.training.loop.one_thread", lambda _: nullcontext()))
            torch.set_num_threads(way.threads)
        if not way.keeps:
            changes.enter_context(patch("fctransfer_utils.training.prefix.MOST_BYTES", 0))
        if not way.onednn:
            changes.enter_context(torch.backends.mkldnn.flags(enabled=False))
        common = {"images": images, "execution": parse(way.execution)}
        record, state = run_network(base, **common)
        if way.network != "base":
            record, state = _frozen(base, state, way, common)
    save_file(state, file)
    return {"top1": record.result.top1, "loss": record.result.train_loss}


def _frozen(base: RunSpec, donor: dict, way: Way, common: dict) -> tuple:
    """A network with frozen layers of ``base``: alone, or with others that start from the same donor."""
    cuts = (CUT, 2, 6) if way.crew else (CUT,)
    specs = [replace(base, treatment="BnB", source="A", n=cut) for cut in cuts]
    return run_crew(specs, donors={base.key: donor}, **common)[0]


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    answer = learn(Way(**given["way"]), Task(**given["task"]), Path(given["file"]))
    sys.stdout.write(json.dumps(answer) + "\n")
