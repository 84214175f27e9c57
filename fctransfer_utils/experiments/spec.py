"""One network of a study as pure data; the hash of its canonical JSON is the run's key."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from ..data.spec import DataSpec
from ..errors import InputError, unknown
from ..fields import plain, settle_fields
from ..files import checksum
from ..models.spec import NARROW, NetSpec
from ..training.recipe import Recipe

TREATMENTS = ("base", "BnB", "BnB+", "AnB", "AnB+", "random", "twice", "random-gaussian", "warm", "stitch")
RANDOM = ("random", "random-gaussian")
WARM = ("warm", "stitch")
SELF_DONOR = ("BnB", "BnB+", "twice", *WARM)
FROZEN = ("BnB", "AnB", *RANDOM, *WARM)
_SIDE_BY_SIDE = ("BnB", "AnB", "random")
LAYERS = 8
SPEC_VERSION = 1


@dataclass(frozen=True)
class RunSpec:
    """A network to train: which images and classes, which layers come from where, and how it learns.

    ``target`` is the half ("A" or "B") that the network learns, ``source`` the half that its donor has learnt (equal to
    ``target`` for BnB, BnB+, twice, warm and stitch, empty for base and random). Layers 1..``n`` are copied (random:
    left as drawn by the net's initialisation; random-gaussian: drawn by the paper's). warm and stitch also copy layers
    n+2..8, so that layer n+1 alone is new; in stitch it alone learns. ``images_per_class`` 0 means all.
    ``donor_recipe`` says how the donor learnt where that differs from ``recipe``.
    """

    data: DataSpec = field(default_factory=DataSpec)
    net: NetSpec = field(default_factory=NetSpec)
    recipe: Recipe = field(default_factory=Recipe)
    split: str = "random0"
    seed: int = 0
    source: str = ""
    target: str = "A"
    treatment: str = "base"
    n: int = 0
    images_per_class: int = 0
    donor_recipe: Recipe | None = None

    def __post_init__(self) -> None:
        settle_fields(self)
        if self.treatment not in TREATMENTS:
            raise unknown("treatment", self.treatment, TREATMENTS)
        allowed = _allowed_cuts(self.treatment)
        if self.n not in allowed:
            raise InputError(
                f"n = {self.n} is not a cut for treatment {self.treatment};"
                f" allowed: {allowed.start}..{allowed.stop - 1}."
            )
        if not self.target:
            raise InputError("target is empty; name the half that the network learns, such as 'A' or 'B'.")
        alone = self.treatment == "base" or self.treatment in RANDOM
        expected = "" if alone else self.target if self.treatment in SELF_DONOR else None
        if expected is not None and self.source != expected:
            raise InputError(
                f"source {self.source!r} does not fit treatment {self.treatment} on target {self.target!r};"
                f" it must be {expected!r}."
            )
        if alone and self.donor_recipe is not None:
            raise InputError(f"treatment {self.treatment} has no donor; leave donor_recipe out.")
        if self.donor_recipe == self.recipe:
            raise InputError("donor_recipe is the same as recipe; leave it out, so that a network has one key.")
        if expected is None and (not self.source or self.source == self.target):
            raise InputError(
                f"source {self.source!r} does not fit treatment {self.treatment}; it must be another half than the"
                f" target {self.target!r}."
            )
        if self.images_per_class < 0:
            raise InputError(f"images_per_class {self.images_per_class} is negative; give 0 for all or a number.")
        check_seed(self.seed)
        self.recipe.seen(self.data.image_size)

    def to_json(self) -> dict[str, Any]:
        """The specification as JSON types; ``from_json`` is its inverse. Later fields are absent where unused."""
        return {"version": SPEC_VERSION, **compact(plain(self))}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> RunSpec:
        """Read what ``to_json`` wrote. Raises InputError for another version or unknown fields."""
        fields = fields_of(value)
        version = fields.pop("version", None)
        if version != SPEC_VERSION:
            raise InputError(
                f"run specification of version {version!r}; this package reads version {SPEC_VERSION}."
                " Use the package version that wrote it, or start a new store."
            )
        try:
            parts = {name: _part(kind, fields.pop(name)) for name, kind in _PARTS.items()}
            if "donor_recipe" in fields:
                parts["donor_recipe"] = Recipe(**fields.pop("donor_recipe"))
            return cls(**parts, **fields)
        except (TypeError, KeyError) as error:
            raise InputError(f"not a run specification: {error}.") from error

    @cached_property
    def key(self) -> str:
        """16 hexadecimal digits that name this run: the hash of its canonical JSON."""
        return checksum(self.to_json())

    @property
    def crew(self) -> RunSpec | None:
        """What networks that learn side by side share; None for one that learns alone.

        Frozen copies of one donor do, at whatever cut, where images are augmented: each batch goes through the donor
        once for all. Without augmentation each keeps what its prefix gives. Wide networks would not fit in memory.
        """
        if self.treatment in _SIDE_BY_SIDE and self.recipe.moves_images and self.net.name in NARROW and self.n:
            return replace(self, n=1)
        return None

    @property
    def input_size(self) -> int:
        """The side in pixels of what the network sees."""
        return self.recipe.seen(self.data.image_size)

    @property
    def title(self) -> str:
        """The run in a few words, such as ``AnB n=4 A->B random0 seed 1``."""
        way = f"{self.source}->{self.target}" if self.source else self.target
        cut = f" n={self.n}" if self.treatment not in ("base", "twice") else ""
        arm = f" arm {self.net.arm}" if self.net.arm else ""
        return f"{self.treatment}{arm}{cut} {way} {self.split} seed {self.seed}"

    @property
    def copied_layers(self) -> tuple[int, ...]:
        """The numbers of the layers that come from the donor."""
        behind = range(self.n + 2, LAYERS + 1) if self.treatment in WARM else ()
        return (*range(1, self.n + 1), *behind) if self.source else ()

    @property
    def frozen_layers(self) -> tuple[int, ...]:
        """The numbers of the layers that keep their weights while the network learns."""
        if self.treatment == "stitch":
            return self.copied_layers
        return tuple(range(1, self.n + 1)) if self.treatment in FROZEN else ()

    @property
    def donor(self) -> RunSpec | None:
        """The base network whose layers are copied; None for base and random.

        BnB, BnB+ and twice copy from a donor that has seen exactly the target's training images; AnB and AnB+ from one
        that has seen all images of the source half, however few the target has.
        """
        if not self.source:
            return None
        images = self.images_per_class if self.source == self.target else 0
        return RunSpec(
            data=self.data,
            net=self.net,
            recipe=self.donor_recipe or self.recipe,
            split=self.split,
            seed=self.seed,
            target=self.source,
            images_per_class=images,
        )


def check_seed(seed: int) -> None:
    """Raises InputError for a seed below 0."""
    if seed < 0:
        raise InputError(f"seed {seed} is negative; give a whole number from 0 on.")


def fields_of(value: Any) -> dict[str, Any]:
    """The fields of a specification in JSON types. Raises InputError for anything but a mapping with texts as names."""
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise InputError(f"not a specification: {type(value).__name__} in place of names with values.")
    return dict(value)


LATER = {
    "steps": 0, "donor_recipe": None, "view": "", "arm": "", "drop_every": 0, "bias_rate": 1.0, "crop": 0,
    "pixels": "standard",
}  # fmt: skip
"""Fields that came after the first networks were trained, with the values that leave them unused."""


def compact(value: dict[str, Any]) -> dict[str, Any]:
    """``value`` without unused LATER fields, at any depth: a network that was trained before them keeps its key."""
    return {
        name: compact(part) if isinstance(part, dict) else part
        for name, part in value.items()
        if not (name in LATER and part == LATER[name])
    }


_PARTS = {"data": DataSpec, "net": NetSpec, "recipe": Recipe}


def _part(kind: type, value: Any) -> Any:
    """A part of a specification; equal parts of thousands of specifications are one object."""
    return _shared(kind, tuple((name, part, type(part)) for name, part in fields_of(value).items()))


@lru_cache(maxsize=1024)
def _shared(kind: type, fields: tuple[tuple[str, Any, type], ...]) -> Any:
    return kind(**{name: value for name, value, _ in fields})


def _allowed_cuts(treatment: str) -> range:
    if treatment == "base":
        return range(0, 1)
    if treatment == "twice":
        return range(LAYERS, LAYERS + 1)
    if treatment in WARM:
        return range(0, LAYERS - 1)
    return range(0, LAYERS)
