"""One network of the FC study as pure data: an arm's network moved to a target by one protocol at one learning rate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..data.spec import DataSpec
from ..errors import InputError, unknown
from ..fields import settle_fields
from ..models.arms import ARMS, TRUNK
from ..models.spec import NetSpec
from ..training.recipe import Recipe
from .spec import RunSpec, check_seed
from .target_spec import ALL, Moved, part_of

PROTOCOLS = ("P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8")
ON_SOURCE = ("converted", "continued")
PROBES = ("P1", "P8")
TUNED = ("P3", "P4", "P5", "P6")
WITH, WITHOUT = "B", "A"
VALIDATION = 8
"""Images per class of the target's training part that only choose the learning rate."""

TRUNK_LAYERS = tuple(f"conv{n}" for n in range(1, TRUNK + 1))


@dataclass(frozen=True)
class FcSpec(Moved):
    """The base network ``source`` (of an arm) moved to ``data`` by ``protocol``.

    P1 linear probe on conv5; P2 trunk frozen, what is behind it learns on; P3 all learn; P4 as P3 with the hidden part
    drawn anew; P5 arm A's trunk under a new head of arm B, all learn; P6 the new last layer first, then all; P7 from
    scratch; P8 linear probe on ``layer``. On the source's own classes: "converted" (arm B's trunk under a new head of
    arm A, trained on) and "continued" (the same network of arm B trained on as it is).

    ``part`` is "all" classes of ``data``, or a half such as "random0:B". ``labels_per_class`` training images of each
    class (0: all that do not validate) are drawn by ``seed``, nested in their number and apart from those that
    validate, of which there are ``validation_per_class``. ``recipe`` holds the learning rate.
    """

    KIND = "fc"

    source: RunSpec
    data: DataSpec
    part: str = ALL
    protocol: str = "P3"
    layer: str = ""
    labels_per_class: int = 0
    validation_per_class: int = VALIDATION
    recipe: Recipe = field(default_factory=Recipe)
    seed: int = 0

    def __post_init__(self) -> None:
        settle_fields(self)
        if self.source.treatment != "base" or self.source.net.arm not in ARMS:
            raise InputError(
                f"source is a {self.source.treatment} network of {self.source.net.label}; the FC study moves bases of"
                f" the arms {', '.join(ARMS)}."
            )
        if self.protocol not in (*PROTOCOLS, *ON_SOURCE):
            raise unknown("protocol", self.protocol, (*PROTOCOLS, *ON_SOURCE))
        check_seed(self.seed)
        part_of(self.part)
        if self.labels_per_class < 0:
            raise InputError(f"labels_per_class {self.labels_per_class} is negative; give 0 for all or a number.")
        if self.validation_per_class < (self.protocol not in ON_SOURCE):
            raise InputError(f"validation_per_class {self.validation_per_class}: give at least 1 image to choose by.")
        wanted = {"P5": WITHOUT, "converted": WITH, "continued": WITH}.get(self.protocol, self.arm)
        if self.arm != wanted:
            raise InputError(f"protocol {self.protocol} starts from arm {wanted}, not from {self.arm}.")
        if self.protocol == "P4" and not ARMS[self.arm].hidden:
            raise InputError(
                f"arm {self.arm} has no hidden part to draw anew; P4 is for arms {', '.join(WITH_HIDDEN)}."
            )
        known = probed_layers(self.arm)
        expected = {"P1": known[TRUNK - 1 : TRUNK], "P8": known}.get(self.protocol, ("",))
        if self.layer not in expected:
            raise unknown(f"layer for {self.protocol} of arm {self.arm}", self.layer, expected)

    @property
    def arm(self) -> str:
        """The arm that ``source`` was trained in."""
        return self.source.net.arm

    @property
    def net(self) -> NetSpec:
        """The architecture on the target: that of ``source``, but for P5 and "converted"."""
        return replace(self.source.net, arm={"P5": WITH, "converted": WITHOUT}.get(self.protocol, self.arm))

    @property
    def treatment(self) -> str:
        """For tables of progress: the protocol."""
        return self.protocol

    @property
    def n(self) -> int:
        """For estimates of time: networks with as many labels take as long."""
        return self.labels_per_class

    @property
    def donor(self) -> RunSpec | None:
        """The network that is moved; None from scratch."""
        return None if self.protocol == "P7" else self.source

    @property
    def copied_layers(self) -> tuple[int, ...]:
        """The numbers of the layers that come from the donor; probes look at the donor itself."""
        if self.donor is None or self.protocol in PROBES:
            return ()
        if self.protocol == "continued":
            return tuple(range(1, TRUNK + len(ARMS[self.arm].hidden) + 2))
        hidden = 0 if self.protocol in ("P4", "P5", "converted") else len(ARMS[self.arm].hidden)
        return tuple(range(1, TRUNK + hidden + 1))

    @property
    def frozen_layers(self) -> tuple[int, ...]:
        """The numbers of the layers that keep their weights from beginning to end."""
        return tuple(range(1, TRUNK + 1)) if self.protocol == "P2" else ()

    @property
    def crew(self) -> tuple | None:
        """What networks that learn side by side share; None for one that learns alone.

        Heads on frozen features do, as long as they have no convolution: the features of a source are computed once.
        """
        if self.protocol in PROBES or (self.protocol == "P2" and not ARMS[self.arm].convs):
            return (self.data, self.part, self.arm)
        return None

    @property
    def title(self) -> str:
        """The run in a few words."""
        layer = f" at {self.layer}" if self.layer else ""
        labels = self.labels_per_class or "all"
        where = self.target_label.rpartition("/")[2]
        return (
            f"arm {self.arm} {self.protocol}{layer} on {where}, {labels} a class, rate"
            f" {self.recipe.learning_rate:g}, seed {self.seed}"
        )


WITH_HIDDEN = tuple(name for name, arm in ARMS.items() if arm.hidden)


def probed_layers(arm: str) -> tuple[str, ...]:
    """The layers of ``arm`` that a linear probe can look at: the trunk's and the hidden ones behind it."""
    return (*TRUNK_LAYERS, *ARMS[arm].hidden)
