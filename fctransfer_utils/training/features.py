"""What the layers of a trained network say about images: activations, for probes and comparisons of layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InputError, unknown
from .execution import Execution, one_thread
from .loop import Pixels

BATCH = 250


class View(NamedTuple):
    """One thing to keep of a layer's output: under which ``name``, of which ``layer``, and in which shape."""

    name: str
    layer: str
    shape: Callable[[Tensor], Tensor]


def activations(
    net: nn.Sequential,
    images: Tensor,
    *,
    layers: Sequence[str | int],
    mean: Sequence[float],
    std: Sequence[float],
    execution: Execution | None = None,
    batch_size: int = BATCH,
    pool: int = 0,
) -> dict[str, Tensor]:
    """The outputs of named ``layers`` (names, or numbers from 1) for uint8 ``images`` (N, 3, H, W).

    Each is float32 (N, features) on the CPU, after the layer's activation and pooling, maps flattened channel by
    channel; ``pool`` k averages every map to k x k first, to bound its size. ``net`` is in eval mode during the call;
    ``mean`` and ``std`` (3,) are those it learnt with. Raises InputError for an unknown layer, no layer, no image and
    a negative ``pool``.
    """
    if pool < 0:
        raise InputError(f"pool {pool} is negative; give 0 for whole maps or the side of the pooled ones, such as 2.")
    wanted = [View(name, name, partial(flat, pool=pool)) for name in _names(net, layers)]
    return views(net, images, wanted, mean=mean, std=std, execution=execution, batch_size=batch_size)


@torch.no_grad()
def views(
    net: nn.Sequential,
    images: Tensor,
    wanted: Sequence[View],
    *,
    mean: Sequence[float],
    std: Sequence[float],
    execution: Execution | None = None,
    batch_size: int = BATCH,
) -> dict[str, Tensor]:
    """What ``wanted`` asks for, each image run once: float32 on the CPU, by the name of the view.

    A view's ``shape`` is given a layer's output, float32 (B, C, h, w) or (B, F). Raises InputError as ``activations``.
    """
    if not len(images):
        raise InputError("no images to look at; select at least one.")
    execution = execution or Execution()
    pixels = Pixels.of(mean, std, execution)
    training = net.training
    net.to(execution.device).eval()
    kept: dict[str, list[Tensor]] = {view.name: [] for view in wanted}
    try:
        with one_thread(execution):
            for batch in images.split(batch_size):
                with execution.autocast():
                    signal = pixels(batch.to(execution.device))
                    for name, layer in net.named_children():
                        signal = layer(signal)
                        for view in (each for each in wanted if each.layer == name):
                            kept[view.name].append(view.shape(signal.float()).cpu())
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


def flat(signal: Tensor, *, pool: int = 0) -> Tensor:
    """(N, C, h, w) or (N, F) as (N, features), maps averaged to ``pool`` x ``pool`` first where they are larger."""
    if pool and signal.dim() == 4 and signal.shape[-1] > pool:
        signal = F.adaptive_avg_pool2d(signal, pool)
    return signal.contiguous().flatten(1)
