"""Five networks that differ only behind the last convolution: which part of "with FC layers" matters?

Zhang et al. 2017 compare a network with hidden FC layers on the flattened map with one that averages over the map
(GAP). These two differ in three things at once: hidden layers, the places kept by flattening, and the number of
parameters. The arms C, D and E change one of them at a time. All share the trunk conv1..conv5, whose last map has 8 x 8
places.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

from torch import nn

POOLED = 2
"""Side of the max-pooling window of the arms that keep places, and its stride: 8 x 8 places become 4 x 4."""


@dataclass(frozen=True)
class Arm:
    """What stands behind conv5: hidden convolutions, a pooling ("gap" or "max"), hidden FC layers, the last layer."""

    pool: str
    fc: int = 0
    convs: int = 0
    words: str = ""

    @property
    def hidden(self) -> tuple[str, ...]:
        """The names of the layers between the trunk and the last layer."""
        return (*(f"conv{6 + k}" for k in range(self.convs)), *(f"fc{6 + k}" for k in range(self.fc)))


ARMS = {
    "A": Arm("gap", words="average over the map, last layer"),
    "B": Arm("max", fc=2, words="2x2 max pool, flatten, two hidden FC layers, last layer"),
    "C": Arm("gap", fc=2, words="average over the map, two hidden FC layers, last layer"),
    "D": Arm("max", words="2x2 max pool, flatten, last layer"),
    "E": Arm("gap", convs=2, words="two more convolutions with B's parameters, average over the map, last layer"),
}
TRUNK = 5
"""Layers conv1..conv5 that all arms share."""


def arm_layers(
    arm: str, *, channels: int, side: int, units: int, classes: int, batch_norm: bool = False, dropout: float = 0.5
) -> OrderedDict[str, nn.Module]:
    """The named layers of ``arm`` behind maps (N, ``channels``, ``side``, ``side``), to (N, ``classes``) logits.

    Hidden FC layers have ``units`` units each; arm E has as many parameters before the last layer as arm B, as nearly
    as ``matched_filters`` allows.
    """
    from .alexnet import Conv, conv_layer, fc_layer

    plan = ARMS[arm]
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    filters = matched_filters(channels, side, units)
    for name in plan.hidden[: plan.convs]:
        layers[name] = conv_layer(channels, Conv(filters, 3, padding=1), batch_norm=batch_norm)
        channels = filters
    inputs = channels if plan.pool == "gap" else channels * (side // POOLED) ** 2
    pool: list[tuple[str, nn.Module]] = [
        ("pool", nn.AdaptiveAvgPool2d(1) if plan.pool == "gap" else nn.MaxPool2d(POOLED)),
        ("flatten", nn.Flatten()),
    ]
    for name in plan.hidden[plan.convs :]:
        hidden = fc_layer(inputs, units, batch_norm=batch_norm, dropout=dropout)
        layers[name] = nn.Sequential(OrderedDict([*pool, *hidden.named_children()]))
        inputs, pool = units, []
    layers["fc8"] = nn.Sequential(OrderedDict([*pool, ("linear", nn.Linear(inputs, classes))]))
    return layers


def matched_filters(channels: int, side: int, units: int) -> int:
    """How many filters give two 3x3 convolutions the parameters of arm B's two hidden FC layers, biases included.

    A multiple of 16, as processors like it (113 filters instead of 112 take several times as long): within 2 % for the
    widths in use.
    """
    inputs = channels * (side // POOLED) ** 2
    wanted = inputs * units + units + units * units + units
    linear = 9 * channels + 2  # 9 c f + f + 9 f f + f = wanted
    return 16 * max(1, round((math.sqrt(linear**2 + 36 * wanted) - linear) / 18 / 16))
