"""Which network: the part of a run specification that ``models/`` owns."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError, unknown
from ..fields import settle_fields
from .arms import ARMS

NETWORKS = ("alexnet_mini", "alexnet", "caffenet", "alexnet_map")
NARROW = ("alexnet_mini", "alexnet_map")
"""The networks that ``width`` scales."""
INITIALISATIONS = ("he", "gaussian")
WIDEST = 960
"""Ten times the paper's conv1; a wider net would not fit in any memory."""


@dataclass(frozen=True)
class NetSpec:
    """An 8-layer network (conv1..conv5, fc6..fc8) as pure data, or one that ends in an ``arm`` of the FC study.

    ``width`` is the number of filters of conv1 in ``alexnet_mini``, a multiple of 12; the other layers keep the
    paper's proportions 96:256:384:384:256:4096:4096. The large nets ignore it (0). ``init`` is ``he``
    (variance-preserving) or ``gaussian`` (standard deviation 0.01, 0.005 for fc6 and fc7, as in the 2014 paper).
    ``arm`` ("A" to "E", see ``models.arms``) belongs to ``alexnet_map``, whose last map keeps its 8 x 8 places.
    """

    name: str = "alexnet_mini"
    width: int = 24
    batch_norm: bool = False
    dropout: float = 0.5
    init: str = "he"
    arm: str = ""

    def __post_init__(self) -> None:
        settle_fields(self)
        if self.name not in NETWORKS:
            raise unknown("network", self.name, NETWORKS)
        if self.init not in INITIALISATIONS:
            raise unknown("initialisation", self.init, INITIALISATIONS)
        if self.name == "alexnet_map" and self.arm not in ARMS:
            raise unknown("arm", self.arm, ARMS)
        if self.name != "alexnet_map" and self.arm:
            raise InputError(f"arm {self.arm!r} is for the network alexnet_map; leave it out for {self.name}.")
        if self.name in NARROW and (not 12 <= self.width <= WIDEST or self.width % 12):
            raise InputError(
                f"width {self.width} is not a multiple of 12 in 12..{WIDEST}; use 12, 24, 36, 48 or 96 as the paper."
            )
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout {self.dropout} is outside 0 <= p < 1; use 0.5 as the paper or 0 for none.")

    @property
    def label(self) -> str:
        """A short name for tables, such as ``alexnet_mini-24`` or ``alexnet_mini-24-bn``; the same for every arm."""
        parts = [self.name] + ([str(self.width)] if self.name in NARROW else [])
        parts += ["bn"] if self.batch_norm else []
        parts += [] if self.dropout == 0.5 else [f"drop{self.dropout:g}"]
        parts += [] if self.init == "he" else [self.init]
        return "-".join(parts)
