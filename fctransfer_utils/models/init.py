"""How new layers are drawn: He et al. 2015, Glorot and Bengio 2010 ("Xavier"), the papers' small Gaussians, zeros.

Whole networks follow ``initialise``, single new layers ``draw_layer``; both take their deviations from ``deviation``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from .. import seeds
from ..errors import unknown

GAUSSIAN_STD = 0.01
GAUSSIAN_STD_HIDDEN_FC = 0.005
LAST_STD = 0.001
DRAWS = ("he", "xavier", "gaussian", "small", "zero")


def deviation(draw: str, *, fan_in: int, fan_out: int) -> float:
    """The standard deviation of the weights of a layer.

    ``he``: variance 2 / fan-in, which keeps the size of a rectified signal; ``xavier``: 2 / (fan-in + fan-out);
    ``gaussian``: 0.01 (Yosinski et al. 2014); ``small``: 0.001 (the last layer of Zhang et al. 2017); ``zero``. Raises
    InputError for another name.
    """
    if draw not in DRAWS:
        raise unknown("initialisation", draw, DRAWS)
    if draw == "he":
        return (2.0 / fan_in) ** 0.5
    if draw == "xavier":
        return (2.0 / (fan_in + fan_out)) ** 0.5
    return {"gaussian": GAUSSIAN_STD, "small": LAST_STD, "zero": 0.0}[draw]


@torch.no_grad()
def draw_layer(module: nn.Conv2d | nn.Linear, draw: str, *, generator: torch.Generator) -> None:
    """Draw the weights of ``module`` in place as ``deviation`` says; its biases become 0."""
    module.weight.normal_(0.0, deviation(draw, **_fans(module)), generator=generator)
    if module.bias is not None:
        module.bias.zero_()


def _fans(module: nn.Conv2d | nn.Linear) -> dict[str, int]:
    window = module.weight[0, 0].numel()
    return {"fan_in": module.weight[0].numel(), "fan_out": len(module.weight) * window}


def weight_layer(layer: nn.Module) -> nn.Conv2d | nn.Linear:
    """The one module of a named layer that holds its weight matrix."""
    return next(part for part in layer.modules() if isinstance(part, nn.Conv2d | nn.Linear))


@torch.no_grad()
def initialise(net: nn.Sequential, init: str, *, biases: Sequence[float], seed: int) -> None:
    """Draw every layer of ``net`` in place, each from its own stream: no layer depends on how the others are drawn.

    ``he``: variance 2 / fan-in for hidden layers and standard deviation 0.001 for the last, biases 0. A last layer
    drawn larger makes random logits that dropout scrambles: such a net spends its first epoch unlearning them.
    ``gaussian``: standard deviation 0.01, 0.005 for hidden FC layers, and the constant ``biases`` (the 2014 paper).
    """
    last = len(net) - 1
    for index, (name, layer) in enumerate(net.named_children()):
        module = weight_layer(layer)
        stream = seeds.generator(seed, "layer", name)
        if init == "he":
            std = deviation("small" if index == last else "he", **_fans(module))
        else:
            std = GAUSSIAN_STD_HIDDEN_FC if isinstance(module, nn.Linear) and index != last else GAUSSIAN_STD
        module.weight.normal_(0.0, std, generator=stream)
        if module.bias is not None:
            module.bias.fill_(biases[index] if init == "gaussian" else 0.0)
        for part in layer.modules():
            if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
                part.reset_parameters()
