"""What the layers of a trained network say about images: activations, for probes and comparisons of layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InputError, unknown
from .execution import Execution, one_thread
from .loop import Pixels


@torch.no_grad()
def activations(
    net: nn.Sequential,
    images: Tensor,
    *,
    layers: Sequence[str | int],
    mean: Sequence[float],
    std: Sequence[float],
    execution: Execution | None = None,
    batch_size: int = 250,
    pool: int = 0,
) -> dict[str, Tensor]:
    """The outputs of named ``layers`` (names, or numbers from 1) for uint8 ``images`` (N, 3, H, W).

    Each is float32 (N, features) on the CPU, after the layer's activation and pooling, maps flattened channel by
    channel; ``pool`` k averages every map to k x k first, to bound its size. ``net`` is in eval mode during the call;
    ``mean`` and ``std`` (3,) are those it learnt with. Raises InputError for an unknown layer, no layer, no image and
    a negative ``pool``.
    """
    names = _names(net, layers)
    if pool < 0:
        raise InputError(f"pool {pool} is negative; give 0 for whole maps or the side of the pooled ones, such as 2.")
    if not len(images):
        raise InputError("no images to look at; select at least one.")
    execution = execution or Execution()
    pixels = Pixels.of(mean, std, execution)
    training = net.training
    net.to(execution.device).eval()
    kept: dict[str, list[Tensor]] = {name: [] for name in names}
    try:
        with one_thread(execution):
            for batch in images.split(batch_size):
                with execution.autocast():
                    signal = pixels(batch.to(execution.device))
                    for name, layer in net.named_children():
                        signal = layer(signal)
                        if name in kept:
                            kept[name].append(_flat(signal.float(), pool).cpu())
    finally:
        net.train(training)
    return {name: torch.cat(parts) for name, parts in kept.items()}


def _names(net: nn.Sequential, layers: Sequence[str | int]) -> list[str]:
    """The names of the wanted layers, in their order in the network."""
    known = [name for name, _ in net.named_children()]
    wanted = []
    for layer in layers:
        if isinstance(layer, int) and not isinstance(layer, bool) and 1 <= layer <= len(known):
            wanted.append(known[layer - 1])
        elif layer in known:
            wanted.append(layer)
        else:
            raise unknown("layer", layer, known, mend=f"Numbers 1..{len(known)} are allowed, too.")
    if not wanted:
        raise InputError(f"no layer is named; give at least one of {', '.join(known)}.")
    return [name for name in known if name in wanted]


def _flat(signal: Tensor, pool: int) -> Tensor:
    if pool and signal.dim() == 4 and signal.shape[-1] > pool:
        signal = F.adaptive_avg_pool2d(signal, pool)
    return signal.contiguous().flatten(1)
