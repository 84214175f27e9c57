"""What the machine can do: matrix products, and each layer of the network alone, in the number format that is used."""

from __future__ import annotations

import time

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from fctransfer_utils.training import Execution, one_thread

from .task import Task

SIZE = 2048
BATCH = 128


def gemm(execution: Execution, *, repeats: int = 8) -> float:
    """Operations per second of one thread in products of 2048 x 2048 matrices; the best of ``repeats``."""
    kind = torch.bfloat16 if execution.precision == "bfloat16" else torch.float32
    with one_thread(execution):
        a, b = torch.randn(SIZE, SIZE, dtype=kind), torch.randn(SIZE, SIZE, dtype=kind)
        a @ b
        return 2 * SIZE**3 / min(_seconds(lambda: a @ b) for _ in range(repeats))


def layer_ceiling(task: Task, execution: Execution, *, repeats: int = 5) -> tuple[float, list[tuple[str, float]]]:
    """Images per second of one thread if a step were nothing but its convolutions and products, each timed alone.

    Forward and backward of every convolution and linear layer with the shapes of a step, best of ``repeats``; also
    the seconds of each layer.
    """
    net = task.network().to(memory_format=execution.memory_format)
    inputs: dict[str, torch.Tensor] = {}
    parts = {name: part for name, part in net.named_modules() if isinstance(part, (nn.Conv2d, nn.Linear))}
    for name, part in parts.items():
        part.register_forward_pre_hook(lambda _, given, name=name: inputs.__setitem__(name, given[0].detach()))
    batch = torch.randn(BATCH, 3, 32, 32).to(memory_format=execution.memory_format)
    with one_thread(execution):
        with execution.autocast():
            net(batch)
        spent = []
        for place, (name, part) in enumerate(parts.items()):
            signal = inputs[name].clone(memory_format=torch.preserve_format).requires_grad_(place > 0)
            with execution.autocast():
                gradient = torch.ones_like(part(signal))

            def step(part=part, signal=signal, gradient=gradient) -> None:
                with execution.autocast():
                    part(signal).backward(gradient)

            step()
            spent.append((name, min(_seconds(step) for _ in range(repeats))))
    return BATCH / sum(seconds for _, seconds in spent), spent


def operations(task: Task) -> int:
    """Floating-point operations of one image in one training step, forward and backward."""
    net = task.network()
    with FlopCounterMode(display=False) as counter:
        net(torch.zeros(1, 3, 32, 32)).sum().backward()
    return counter.get_total_flops()


def _seconds(action) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
