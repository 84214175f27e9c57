"""Where and in which number format a network learns: chosen by a short probe, then kept for a whole store."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..errors import InputError, unknown

PRECISIONS = ("float32", "bfloat16")
FAR = 1.5
"""Times the shortest step so far: who needs longer is not the fastest."""


@dataclass(frozen=True)
class Execution:
    """``device`` ("cpu", "cuda", "cuda:1", "mps"), number format of the matrix products, and memory layout.

    On the CPU a network always learns on one thread: how sums are split among threads changes their last bits, and
    records must be the same whether networks are trained one after another or side by side.
    """

    device: str = "cpu"
    precision: str = "float32"
    channels_last: bool = False

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise unknown("precision", self.precision, PRECISIONS)
        kind = self.device.split(":")[0]
        if kind not in ("cpu", "cuda", "mps"):
            raise unknown("device", self.device, ("cpu", "cuda", "cuda:N", "mps"))

    def check_device(self) -> None:
        """Raises InputError when this process has no such device; another one may have it."""
        if self.device.startswith("cuda") and not torch.cuda.is_available():
            raise InputError(f"device {self.device!r} needs a CUDA GPU and none is found; use 'cpu'.")

    @property
    def label(self) -> str:
        """For records and tables, such as ``cpu/bfloat16``."""
        return f"{self.device}/{self.precision}"

    @property
    def memory_format(self) -> torch.memory_format:
        """The layout of (N, C, H, W) tensors in memory."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def autocast(self) -> Any:
        """A context in which matrix products run in ``precision``."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.split(":")[0], dtype=torch.bfloat16)


@contextmanager
def one_thread(execution: Execution) -> Iterator[None]:
    """On the CPU, one thread inside and the old number outside; elsewhere nothing."""
    before = torch.get_num_threads()
    if execution.device == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def probe(net: nn.Module | None = None, *, image_size: int = 32, repeats: int = 5) -> Execution:
    """The fastest execution for training ``net`` (default: a small convolutional net) on this machine.

    Takes the first GPU if there is one, with bfloat16 where the hardware has it. On a CPU it times training steps of
    every precision and layout in turn, round by round (a busy moment of the machine then meets them all), about a
    second in all, and keeps the one with the shortest step; those far behind after two rounds are timed no more. The
    environment variable ``FCTRANSFER_EXECUTION`` ("cpu/float32", "cuda/bfloat16", with "/channels_last" behind it)
    overrides the probe.
    """
    chosen = os.environ.get("FCTRANSFER_EXECUTION")
    if chosen:
        execution = parse(chosen)
        execution.check_device()
        return execution
    if torch.cuda.is_available():
        return Execution("cuda", "bfloat16" if torch.cuda.is_bf16_supported() else "float32", channels_last=True)
    if torch.backends.mps.is_available():
        return Execution("mps")
    candidates = [Execution("cpu", precision, layout) for precision in PRECISIONS for layout in (False, True)]
    net = net or _small_net()
    with one_thread(candidates[0]):
        for candidate in candidates:
            _step_seconds(net, candidate, image_size)  # warm
        shortest = dict.fromkeys(candidates, math.inf)
        for turn in range(repeats):
            for candidate in candidates:
                shortest[candidate] = min(shortest[candidate], _step_seconds(net, candidate, image_size))
            if turn == 1:
                candidates = [each for each in candidates if shortest[each] < FAR * min(shortest.values())]
    return min(shortest, key=shortest.__getitem__)


def parse(text: str) -> Execution:
    """Read "device/precision" or "device/precision/channels_last"."""
    parts = text.split("/")
    if len(parts) not in (2, 3) or (len(parts) == 3 and parts[2] != "channels_last"):
        raise InputError(
            f"execution {text!r} is not of the form device/precision or device/precision/channels_last,"
            " such as 'cpu/float32'."
        )
    return Execution(parts[0], parts[1], len(parts) == 3)


def _small_net() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 24, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(24, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 96, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(96 * 16, 512), nn.ReLU(), nn.Linear(512, 100),
    )  # fmt: skip


def _step_seconds(net: nn.Module, execution: Execution, image_size: int) -> float:
    net.to(memory_format=execution.memory_format)
    batch = torch.zeros(64, 3, image_size, image_size).to(memory_format=execution.memory_format)
    start = time.perf_counter()
    with execution.autocast():
        loss = net(batch).float().square().mean()
    loss.backward()
    net.zero_grad(set_to_none=True)
    return time.perf_counter() - start
