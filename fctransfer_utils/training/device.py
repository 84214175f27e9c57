"""Where and in which numbers a network learns."""

from __future__ import annotations

import statistics
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..errors import InputError


@dataclass(frozen=True)
class Setting:
    """``device`` as torch names it; ``dtype`` of the products ("float32" or "bfloat16": weights stay float32)."""

    device: str = "cpu"
    dtype: str = "float32"

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
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"device {device!r} cannot be used here ({reason}); this machine has {best_device()!r}."
        ) from error
    return device


def probe(net: nn.Module, batch: Tensor, *, device: str = "cpu", rounds: int = 5, gain: float = 1.15) -> Setting:
    """The faster numbers for steps of this very network on this very ``batch`` (N, 3, H, W).

    bfloat16 is chosen where, in pairs of steps, it is ``gain`` times as fast by the median. ``net`` is left as it was.
    """
    kept = {name: values.clone() for name, values in net.state_dict().items()}
    settings = [Setting(device), Setting(device, "bfloat16")]

    def seconds(setting: Setting) -> float:
        start = time.perf_counter()
        for _ in range(2):
            with setting.autocast():
                scores = net(batch)
            scores.float().square().mean().backward()
        float(scores.flatten()[0])  # waits for the device
        return time.perf_counter() - start

    try:
        settings[0].place(net)
        for setting in settings:
            seconds(setting)
        ratios = [seconds(settings[0]) / seconds(settings[1]) for _ in range(rounds)]
    finally:
        net.zero_grad()
        net.load_state_dict(kept)
    return settings[statistics.median(ratios) > gain]


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
