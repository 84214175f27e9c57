"""What identifies a network to train, as pure data (imports no torch).

"AnB at n = 3" is what a study calls a network. The network itself is its images and classes, its layers, its recipe
and seed, its donor, which layers are copied from it and which stand still. Studies that list the same network share it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from typing import Any

from ..data.spec import DataSpec
from ..errors import InputError
from ..files import checksum
from ..models.spec import INITS, NetSpec
from ..seeds import derive
from ..training.recipe import Recipe


@dataclass(frozen=True)
class Classes:
    """Which classes are learnt: all of them, or ``half`` ("A" or "B") of a ``split``.

    For ``split``, ``replicate`` and ``each`` (classes a half) see ``data.sources.Source.halves``.
    """

    split: str = "all"
    half: str = ""
    replicate: int = 0
    each: int = 0

    def __post_init__(self) -> None:
        if self.split != "all" and self.half not in ("A", "B"):
            raise InputError(f"half {self.half!r} of split {self.split!r} is unknown; allowed: 'A' and 'B'.")

    @property
    def other(self) -> Classes:
        """The other half of the same split."""
        return replace(self, half={"A": "B", "B": "A"}[self.half])


@dataclass(frozen=True)
class Network:
    """``classes`` of ``data`` learnt by ``net`` with ``recipe``; every draw comes from ``seed``.

    ``donor``: the network whose layers ``copied`` (numbered from 1) this one starts with; the others are drawn afresh.
    Layers ``frozen`` stand still; those of them that are not copied are drawn by ``drawn`` (an init of ``NetSpec``).

    Of each class, ``held_out`` training images only choose between recipes, ``extra_test`` further ones join the test
    images, and of the rest ``per_class`` are learnt (0: all).

    The ``key`` is taken of the fields that do not stand at their defaults, so a field may be added without giving old
    networks another key.
    """

    data: DataSpec = field(default_factory=DataSpec)
    classes: Classes = field(default_factory=Classes)
    net: NetSpec = field(default_factory=NetSpec)
    recipe: Recipe = field(default_factory=Recipe)
    seed: int = 0
    donor: Network | None = None
    copied: tuple[int, ...] = ()
    frozen: tuple[int, ...] = ()
    drawn: str = ""
    per_class: int = 0
    held_out: int = 0
    extra_test: int = 0

    def __post_init__(self) -> None:
        for name in ("copied", "frozen"):
            layers = getattr(self, name)
            if list(layers) != sorted(set(layers)) or (layers and layers[0] < 1):
                raise InputError(f"{name} layers {layers} are not in order; give different numbers from 1, rising.")
        if self.copied and not self.donor:
            raise InputError(f"layers {self.copied} cannot be copied without a donor; name one, or copy none.")
        drawn_and_frozen = set(self.frozen) - set(self.copied)
        if self.drawn and (self.drawn not in INITS or not drawn_and_frozen):
            raise InputError(
                f"drawn = {self.drawn!r} has no effect; it is one of {', '.join(INITS)} and says how layers that are "
                "frozen and not copied are drawn."
            )

    @cached_property
    def key(self) -> str:
        """16 hexadecimal digits that name this network."""
        return checksum(beyond_defaults(self))

    @cached_property
    def shares_prefix(self) -> str:
        """Networks for which this is equal have the same frozen first layers, as far as the shortest of them reaches.

        These layers can run once for all of them. Other networks have their own key here.
        """
        first = self.frozen == tuple(range(1, len(self.frozen) + 1))
        if not self.frozen or not first or self.copied not in ((), self.frozen):
            return self.key
        shared = {name: value for name, value in beyond_defaults(self).items() if name not in ("copied", "frozen")}
        return checksum(shared | {"copies": bool(self.copied)})

    def stream(self, purpose: str) -> int:
        """The seed of one use of chance: "init", "order" (batches, augmentation and dropout) or "images".

        Networks of one seed and half share their draws, so that they can be compared in pairs. What starts from a
        donor has draws of its own: else B1B would see the batches that its donor saw, and A1B would not.
        """
        generation = "" if purpose == "images" else "second" if self.donor else "first"
        return derive(self.seed, purpose, generation, self.classes.split, self.classes.half)

    def described(self) -> dict[str, Any]:
        """Every field as JSON types, the donor's included."""
        return json.loads(json.dumps(asdict(self)))


def donors_first(networks: list[Network]) -> list[Network]:
    """The networks and all donors that they need, each once, behind its donor."""

    def lineage(network: Network) -> list[Network]:
        return [*(lineage(network.donor) if network.donor else []), network]

    return list(dict.fromkeys(each for network in networks for each in lineage(network)))


def agrees(kept: Any, asked: Any) -> bool:
    """Whether a description that was kept fits ``asked``, apart from fields that were not known when it was kept."""
    if isinstance(kept, Mapping) and isinstance(asked, Mapping):
        return all(agrees(value, asked.get(name)) for name, value in kept.items())
    return kept == asked


def beyond_defaults(spec: Any) -> dict[str, Any]:
    """The fields of a dataclass that do not stand at their defaults."""
    found = {}
    for each in fields(spec):
        value = getattr(spec, each.name)
        default = each.default_factory() if callable(each.default_factory) else each.default
        if value != default:
            found[each.name] = beyond_defaults(value) if is_dataclass(value) else value
    return found
