"""How new layers are drawn: the 2014 paper's small Gaussian, or He et al. 2015."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from .. import seeds

GAUSSIAN_STD = 0.01
GAUSSIAN_STD_HIDDEN_FC = 0.005
LAST_STD = 0.001


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
            std = LAST_STD if index == last else (2.0 / module.weight[0].numel()) ** 0.5
        else:
            std = GAUSSIAN_STD_HIDDEN_FC if isinstance(module, nn.Linear) and index != last else GAUSSIAN_STD
        module.weight.normal_(0.0, std, generator=stream)
        if module.bias is not None:
            module.bias.fill_(biases[index] if init == "gaussian" else 0.0)
        for part in layer.modules():
            if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
                part.reset_parameters()
