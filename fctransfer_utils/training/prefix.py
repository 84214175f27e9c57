"""What stands still is computed once: the output of a frozen prefix, kept for all epochs where it never changes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .execution import Execution

MOST_BYTES = 2**29


@dataclass(frozen=True)
class Ready:
    """Stands in for ``Pixels`` where a batch is already what the network takes: kept outputs of a prefix."""

    execution: Execution

    def __call__(self, batch: Tensor) -> Tensor:
        return batch


def constant_layers(net: nn.Sequential, frozen: int) -> int:
    """How many of the ``frozen`` leading layers give the same output for the same input at every step.

    Dropout stays on in frozen layers, so the first layer that drops units ends them.
    """
    for number, layer in enumerate(net[:frozen]):
        if any(isinstance(part, nn.Dropout) and part.p > 0 for part in layer.modules()):
            return number
    return frozen


@torch.no_grad()
def outputs(prefix: nn.Sequential, images: Tensor, *, pixels, batch_size: int) -> Tensor | None:
    """The outputs (N, ...) of ``prefix`` in eval mode for uint8 ``images`` (N, 3, H, W), or None beyond 512 MiB.

    ``pixels`` turns a batch into the network's input; batches are as large as in training, so sums round alike.
    """
    prefix.eval()
    kept: list[Tensor] = []
    for batch in images.split(batch_size):
        with pixels.execution.autocast():
            out = prefix(pixels(batch.to(pixels.execution.device)))
        if not kept and out[0].nbytes * len(images) > MOST_BYTES:
            return None
        kept.append(out)
    return torch.cat(kept).contiguous(memory_format=_format(kept[0], pixels.execution))


def _format(example: Tensor, execution: Execution) -> torch.memory_format:
    return execution.memory_format if example.dim() == 4 else torch.contiguous_format
