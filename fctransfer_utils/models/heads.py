"""What follows the convolutions: the heads that Zhang et al. compare, and a new last layer."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from ..errors import InputError, unknown


def head_layers(
    kind: str, *, channels: int, side: int, classes: int, hidden: int, dropout: float = 0.0
) -> OrderedDict[str, nn.Sequential]:
    """The named layers from a map (N, channels, side, side) to scores (N, classes).

    "flat": fc6 and fc7 on the flattened map, then fc8. "fc": the same behind a 2 x 2 max pooling, as Zhang et al. add
    it to a network whose map is large. "gap": global average pooling and fc8 alone. "gap_fc": fc6 and fc7 behind the
    pooling. Raises InputError for a map too small for its pooling.
    """
    average = [nn.AdaptiveAvgPool2d(1)]
    pooling = {"flat": [], "fc": [nn.MaxPool2d(2)], "gap": average, "gap_fc": average}
    if kind not in pooling:
        raise unknown("head", kind, pooling)
    if kind == "fc" and side < 2:
        raise InputError(f"a map of {side} x {side} is too small for 2 x 2 pooling; use larger images or head 'gap'.")
    inputs = channels * {"flat": side, "fc": side // 2}.get(kind, 1) ** 2
    flat = [*pooling[kind], nn.Flatten()]
    if kind == "gap":
        return OrderedDict(fc8=nn.Sequential(*flat, nn.Linear(inputs, classes)))
    return OrderedDict(
        fc6=nn.Sequential(*flat, nn.Linear(inputs, hidden), nn.ReLU(), nn.Dropout(dropout)),
        fc7=nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout)),
        fc8=nn.Sequential(nn.Linear(hidden, classes)),
    )
