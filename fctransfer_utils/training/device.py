"""Where and in which numbers a network learns."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..errors import InputError, unknown
from ..seeds import generator

DTYPES = ("float32", "bfloat16")


@dataclass(frozen=True)
class Setting:
    """``device`` as torch names it; ``dtype`` of the products ("float32" or "bfloat16": weights stay float32)."""

    device: str = "cpu"
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise unknown("dtype of products", self.dtype, DTYPES)

    def autocast(self) -> AbstractContextManager:
        """The context in which products are taken."""
        kind = torch.device(self.device).type
        return torch.autocast(kind, dtype=torch.bfloat16, enabled=self.dtype == "bfloat16")

    def place(self, net: nn.Module) -> nn.Module:
        """``net`` on the device, its convolutions in channels-last layout: 1.3 to 1.7 times as fast on a CPU."""
        return net.to(self.device, memory_format=torch.channels_last)


def best_device() -> str:
    """A GPU of NVIDIA's or Apple's where torch sees one, else the CPU."""
    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


def checked(device: str) -> str:
    """``device`` if torch can use it here; else InputError."""
    try:
        torch.zeros(1, device=device).tolist()  # "meta" has shapes, but no numbers
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"device {device!r} cannot be used here ({reason}); this machine has {best_device()!r}."
        ) from error
    return device


def probe(net: nn.Module, batch: Tensor, *, device: str = "cpu", rounds: int = 7, gain: float = 1.15) -> Setting:
    """The faster numbers for steps of this very network on this very ``batch``, floats (N, 3, H, W).

    bfloat16 is chosen where it is ``gain`` times as fast in all pairs of steps but one; on a CPU by processor time. So
    what else the machine does decides little; where the true gain lies near ``gain`` it is still a matter of chance.
    Measured on a copy: ``net`` and all random numbers stay as they are.
    """
    clock = time.process_time if torch.device(device).type == "cpu" else time.perf_counter
    settings = [Setting(device), Setting(device, "bfloat16")]
    copied = settings[0].place(copy.deepcopy(net))
    batch = batch.to(device, memory_format=torch.channels_last)

    def seconds(setting: Setting) -> float:
        start = clock()
        for _ in range(2):
            with setting.autocast():
                value = copied(batch).float().square().mean()
            if value.requires_grad:
                value.backward()
        value.item()  # waits for the device
        return clock() - start

    with seeded(0, device):
        for setting in settings:
            seconds(setting)
        ratios = sorted(seconds(settings[0]) / seconds(settings[1]) for _ in range(rounds))
    return settings[ratios[min(1, rounds - 1)] > gain]


@contextmanager
def seeded(seed: int, device: str) -> Iterator[None]:
    """Dropout on ``device`` draws from ``seed`` inside; afterwards its generator goes on where it stood."""
    before = random_state(device)
    set_random_state(generator(seed, device=device).get_state(), device)
    try:
        yield
    finally:
        set_random_state(before, device)


def random_state(device: str) -> Tensor:
    """The state of the generator that dropout draws from on ``device``."""
    kind = torch.device(device).type
    if kind == "cpu":
        return torch.get_rng_state()
    return torch.cuda.get_rng_state(device) if kind == "cuda" else torch.mps.get_rng_state()


def set_random_state(state: Tensor, device: str) -> None:
    """Put the generator that dropout draws from on ``device`` back to ``state``."""
    kind = torch.device(device).type
    if kind == "cpu":
        torch.set_rng_state(state)
    elif kind == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.mps.set_rng_state(state)
