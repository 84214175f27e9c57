"""One network moved to another set of images, as pure data: which layers it keeps, and what stands on top of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from ..data.spec import DataSpec
from ..errors import InputError, unknown
from ..fields import plain, settle_fields
from ..files import checksum
from ..models.alexnet import LAYER_NAMES
from ..models.spec import NARROW
from ..training.recipe import Recipe
from .spec import SPEC_VERSION, RunSpec, check_seed, compact, fields_of

HEADS = ("none", "new")
PROTOCOLS = ("frozen", "fine-tuned", "scratch")
KEPT = (5, 6, 7)
ALL = "all"


class Moved:
    """What specifications of networks that are moved from a ``source`` to a part of ``data`` have in common."""

    KIND: ClassVar[str]
    source: RunSpec
    data: DataSpec
    part: str
    recipe: Recipe

    @property
    def split(self) -> str:
        """The split that ``part`` is of; empty for all classes."""
        return part_of(self.part)[0]

    @property
    def half(self) -> str:
        """The half that ``part`` names; empty for all classes."""
        return part_of(self.part)[1]

    @property
    def input_size(self) -> int:
        """The side in pixels of what the network sees."""
        return self.recipe.seen(self.data.image_size)

    @property
    def target_label(self) -> str:
        """The target in tables, such as ``glyphs[50x110] inverted random0:B``."""
        words = (data_label(self.data), self.data.view, "" if self.part == ALL else self.part)
        return " ".join(word for word in words if word)

    def to_json(self) -> dict[str, Any]:
        """The specification as JSON types; ``from_json`` is its inverse."""
        value = compact(plain(self)) | {"source": self.source.to_json()}
        return {"version": SPEC_VERSION, "kind": self.KIND, **value}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read what ``to_json`` wrote. Raises InputError for another version or unknown fields."""
        fields = fields_of(value)
        found = fields.pop("version", None), fields.pop("kind", None)
        if found != (SPEC_VERSION, cls.KIND):
            expected = f"{cls.KIND!r}, {SPEC_VERSION}"
            raise InputError(f"specification of kind {found[1]!r}, version {found[0]!r}; expected {expected}.")
        try:
            fields["source"] = RunSpec.from_json(fields["source"])
            fields["data"] = DataSpec(**fields["data"])
            fields["recipe"] = Recipe(**fields["recipe"])
            return cls(**fields)
        except (TypeError, KeyError) as error:
            raise InputError(f"not a specification of a moved network: {error}.") from error

    @cached_property
    def key(self) -> str:
        """16 hexadecimal digits that name this run: the hash of its canonical JSON."""
        return checksum(self.to_json())


@dataclass(frozen=True)
class TargetSpec(Moved):
    """A network that learns the images of ``data`` on top of layers 1..``kept`` of the base network ``source``.

    ``part`` is "all" classes of ``data``, or a half of a split such as "random0:B". ``hidden`` says what stands between
    the kept layers and the new last layer: "none", or the rest of the hidden FC layers drawn anew. The kept layers are
    ``frozen`` or ``fine-tuned``; ``scratch`` keeps none (0) and takes nothing from ``source`` but its architecture.
    ``labels_per_class`` training images of each class (0: all) are drawn by ``seed``, nested in their number.
    """

    KIND = "target"

    source: RunSpec
    data: DataSpec
    part: str = ALL
    kept: int = 5
    hidden: str = "none"
    protocol: str = "frozen"
    labels_per_class: int = 0
    recipe: Recipe = field(default_factory=Recipe)
    seed: int = 0

    def __post_init__(self) -> None:
        settle_fields(self)
        if self.source.treatment != "base":
            raise InputError(f"source is a {self.source.treatment} network; layers are kept from a base.")
        if self.hidden not in HEADS:
            raise unknown("hidden part of the head", self.hidden, HEADS)
        if self.protocol not in PROTOCOLS:
            raise unknown("protocol", self.protocol, PROTOCOLS)
        if self.protocol == "scratch":
            if self.kept or self.hidden != "new":
                raise InputError("scratch keeps nothing and draws every hidden layer; give kept=0 and hidden='new'.")
        elif self.kept not in KEPT:
            raise InputError(f"kept = {self.kept!r}; allowed: 5 (after conv5), 6 (after fc6), 7 (after fc7).")
        elif self.kept == KEPT[-1] and self.hidden == "new":
            raise InputError("after fc7 there is no hidden layer left to draw anew; give hidden='none'.")
        if self.labels_per_class < 0:
            raise InputError(f"labels_per_class {self.labels_per_class} is negative; give 0 for all or a number.")
        check_seed(self.seed)
        part_of(self.part)

    @property
    def arm(self) -> str:
        """Which layers the network is made of, in words: ``conv5+new fc6-fc7``."""
        if self.protocol == "scratch":
            return "scratch"
        last = LAYER_NAMES[self.kept - 1]
        drawn = LAYER_NAMES[self.kept : 7] if self.hidden == "new" else ()
        return f"{last}+new {'-'.join(dict.fromkeys((drawn[0], drawn[-1])))}" if drawn else last

    @property
    def net(self):
        """The architecture, that of ``source``."""
        return self.source.net

    @property
    def treatment(self) -> str:
        """For tables of progress: the protocol."""
        return self.protocol

    @property
    def n(self) -> int:
        """For tables of progress: how many layers are kept."""
        return self.kept

    @property
    def donor(self) -> RunSpec | None:
        """The network whose layers are kept; None from scratch."""
        return self.source if self.kept else None

    @property
    def frozen_layers(self) -> tuple[int, ...]:
        """The numbers of the layers that keep their weights."""
        return tuple(range(1, self.kept + 1)) if self.protocol == "frozen" else ()

    @property
    def crew(self) -> tuple | None:
        """What networks that learn side by side share; None for one that learns alone: see ``RunSpec.crew``."""
        if self.protocol == "frozen" and self.recipe.moves_images and self.net.name in NARROW:
            return (self.source, self.data, self.part, self.recipe, self.seed, self.labels_per_class)
        return None

    @property
    def title(self) -> str:
        """The run in a few words."""
        where = self.data.name if self.part == ALL else f"{self.data.name} {self.part}"
        arm = self.arm if self.protocol == "scratch" else f"{self.arm} {self.protocol}"
        return f"{arm} on {where.rpartition('/')[2]}, {self.labels_per_class or 'all'} a class, seed {self.seed}"


def part_of(part: str) -> tuple[str, str]:
    """The split and the half that ``part`` names, such as ("random0", "B"); two empty texts for all classes.

    Raises InputError for anything else.
    """
    split, _, half = part.rpartition(":")
    if part == ALL:
        return "", ""
    if not split or half not in ("A", "B"):
        raise InputError(f"part {part!r} is neither {ALL!r} nor a half such as 'random0:B'.")
    return split, half


def data_label(data: DataSpec) -> str:
    """The data set in a table: its name; rendered ones with classes x images per class; a folder by its last part."""
    if data.name.startswith("folder:"):
        return f"folder:{Path(data.name.removeprefix('folder:')).name}"
    if data.glyph_classes or data.glyphs_per_class:
        seed = f" seed {data.glyphs_seed}" if data.glyphs_seed else ""
        return f"{data.name}[{data.rendered_classes}x{data.glyphs_per_class}{seed}]"
    return data.name


def spec_from_json(value: dict[str, Any]) -> Any:
    """The specification that ``value`` holds, of whichever kind. Raises InputError."""
    from .fc_spec import FcSpec

    kinds = {cls.KIND: cls for cls in (TargetSpec, FcSpec)}
    kind = fields_of(value).get("kind")
    return kinds.get(kind if isinstance(kind, str) else "", RunSpec).from_json(value)
