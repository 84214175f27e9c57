"""What a network of ours is, as pure data (imports no torch)."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError, unknown

KINDS = ("mini", "map", "caffenet")
HEADS = ("fc", "gap", "gap_fc")
INITS = ("lecun", "he", "gaussian", "torch")


@dataclass(frozen=True)
class NetSpec:
    """An eight-layer network after AlexNet.

    ``kind``: "mini", the paper's layers at ``width`` filters in conv1 (96 in the paper; the other layers keep the
    paper's proportions); "map", the same without the last pooling, so that conv5 ends in a map that heads differ over;
    "caffenet", the network of Yosinski et al. as published (its own width, groups and normalisation).
    ``head``, for "map": "fc" (two hidden fully connected layers on the flattened map), "gap" (global average pooling,
    then the scores: Zhang et al.'s network without FC), "gap_fc" (the hidden layers behind the pooling).
    ``init``: the variance of a weight, "lecun" 1 / inputs, "he" 2 / inputs, "torch" its default of 1 / (3 inputs), or
    "gaussian", the paper's standard deviation of 0.01 (0.005 in fc6 and fc7) whatever the inputs.
    """

    kind: str = "mini"
    width: int = 12
    dropout: float = 0.2
    head: str = "fc"
    init: str = "lecun"

    def __post_init__(self) -> None:
        for what, allowed in (("kind", KINDS), ("head", HEADS), ("init", INITS)):
            if getattr(self, what) not in allowed:
                raise unknown(f"{what} of network", getattr(self, what), allowed)
        if self.width < 3:
            raise InputError(f"a network of width {self.width} has layers without filters; give 3 or more.")
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout {self.dropout} is not a share of units; give 0 or more and less than 1.")
        if self.kind != "map" and self.head != "fc":
            raise InputError(f"head {self.head!r} needs kind 'map'; a network of kind {self.kind!r} has fc6 to fc8.")
