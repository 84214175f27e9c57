"""Where and in which number format a network learns: chosen by a short probe, then kept for a whole store."""

from __future__ import annotations

import math
import os
import platform
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
MAX_INSTRUCTIONS = "ONEDNN_MAX_CPU_ISA"
INSTRUCTIONS = {
    "AVX512_CORE_AMX": "amx_bf16", "AVX512_CORE_FP16": "avx512_fp16", "AVX512_CORE_BF16": "avx512_bf16",
    "AVX512_CORE_VNNI": "avx512_vnni", "AVX512_CORE": "avx512_bw", "AVX2_VNNI": "avx_vnni", "AVX2": "avx2",
    "AVX": "avx", "SSE41": "sse4_1",
}  # fmt: skip
"""oneDNN's names of sets of instructions on x86, the newest first, and what torch calls the feature behind each."""


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
        """For records and tables, such as ``cpu/bfloat16/channels_last``; ``parse`` reads it."""
        return f"{self.device}/{self.precision}" + ("/channels_last" if self.channels_last else "")

    @property
    def memory_format(self) -> torch.memory_format:
        """The layout of (N, C, H, W) tensors in memory."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def autocast(self) -> Any:
        """A context in which matrix products run in ``precision``."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.split(":")[0], dtype=torch.bfloat16)


def instructions(device: str = "cpu") -> str:
    """The newest instructions that matrix products use on ``device``: they decide how sums are rounded.

    On x86, oneDNN's name of the set, such as "AVX512_CORE_BF16"; the environment variable ONEDNN_MAX_CPU_ISA keeps
    oneDNN from newer ones, if it is set before the first product. On a GPU, its architecture ("sm_90").
    """
    if device.startswith("cuda"):
        return "sm_{}{}".format(*torch.cuda.get_device_capability(device))
    has = getattr(torch.cpu, "get_capabilities", dict)()  # older versions of torch do not tell
    newest = os.environ.get(MAX_INSTRUCTIONS, "").upper()
    names = list(INSTRUCTIONS)
    allowed = names[names.index(newest) if newest in names else 0 :]
    return next((name for name in allowed if has.get(INSTRUCTIONS[name])), platform.machine())


@contextmanager
def no_newer_instructions(than: str) -> Iterator[None]:
    """Processes that begin inside use no newer instructions than these on x86, so they round as an older machine does.

    In a process that has multiplied matrices before it comes too late.
    """
    before = os.environ.get(MAX_INSTRUCTIONS)
    if than in INSTRUCTIONS:
        os.environ[MAX_INSTRUCTIONS] = than
    try:
        yield
    finally:
        os.environ.pop(MAX_INSTRUCTIONS, None)
        if before is not None:
            os.environ[MAX_INSTRUCTIONS] = before


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
