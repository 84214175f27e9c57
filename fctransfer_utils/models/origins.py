"""Where the layers of a network come from, found by comparing bits instead of trusting a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from .init import weight_layer


def differing_layers(one: nn.Module | Mapping[str, Tensor], other: nn.Module | Mapping[str, Tensor]) -> tuple[str, ...]:
    """The names of the layers in which any parameter or buffer differs in any bit, in order.

    Each of the two is a network of named layers or its state (name -> tensor). Raises InputError when they do not have
    the same tensors.
    """
    left, right = _state(one), _state(other)
    if left.keys() != right.keys():
        odd = sorted(left.keys() ^ right.keys())[0]
        raise InputError(f"only one of the two networks has {odd!r}; compare networks of one architecture.")
    names = dict.fromkeys(name.split(".")[0] for name in left)
    unequal = {name.split(".")[0] for name in left if not torch.equal(left[name].cpu(), right[name].cpu())}
    return tuple(name for name in names if name in unequal)


def origins(net: nn.Sequential, donors: Mapping[str, nn.Module | Mapping[str, Tensor]]) -> list[dict[str, Any]]:
    """What ``plots.surgery`` draws of ``net``: a dict per layer with ``layer, origin, frozen, shape``.

    ``donors`` are networks or states by name. ``origin`` is the first whose layer is equal bit for bit, else "new"; a
    layer is ``frozen`` when none of its parameters gets a gradient; ``shape`` is that of its weights.
    """
    unlike = {donor: differing_layers(net, other) for donor, other in donors.items()}
    return [
        {
            "layer": name,
            "origin": next((donor for donor in donors if name not in unlike[donor]), "new"),
            "frozen": not any(parameter.requires_grad for parameter in layer.parameters()),
            "shape": tuple(weight_layer(layer).weight.shape),
        }
        for name, layer in net.named_children()
    ]


def layer_table(net: nn.Sequential, *, image_size: int) -> list[dict[str, Any]]:
    """A dict per layer: ``n, layer, weights`` (their shape), ``output`` (C, H, W) or (K,), ``parameters``.

    Nothing is computed but shapes when ``net`` was built under ``torch.device("meta")``.
    """
    device = next(net.parameters()).device
    rows, signal = [], torch.zeros(1, 3, image_size, image_size, device=device)
    training = net.training
    net.eval()
    with torch.no_grad():
        for n, (name, layer) in enumerate(net.named_children(), start=1):
            signal = layer(signal)
            parameters = sum(parameter.numel() for parameter in layer.parameters())
            weights = tuple(weight_layer(layer).weight.shape)
            rows.append(
                {
                    "n": n,
                    "layer": name,
                    "weights": weights,
                    "output": tuple(signal.shape[1:]),
                    "parameters": parameters,
                }
            )
    net.train(training)
    return rows


def _state(net: nn.Module | Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    return net.state_dict() if isinstance(net, nn.Module) else net
