"""A paper's question as a list of networks: which runs, in which order, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ..data.spec import DataSpec
from ..errors import InputError, unknown
from ..models.spec import NetSpec
from ..training.recipe import Recipe
from .record import AnySpec
from .spec import LAYERS, RANDOM, SELF_DONOR, TREATMENTS, WARM, RunSpec

DIRECTIONS = (("A", "B"), ("B", "A"))
DEFAULT_TREATMENTS = ("base", "BnB", "BnB+", "AnB", "AnB+", "twice")


@dataclass(frozen=True)
class Study:
    """A named list of runs without duplicates, bases first.

    The order of the others is the order of training: whatever part of it has been done is balanced over treatments.
    ``in_order`` keeps to the order of ``runs`` where otherwise all of one seed and split comes before the next. A
    ``taste`` shows how a study works with networks that are trained for too short to belong to its evidence.
    """

    name: str
    runs: tuple[AnySpec, ...]
    in_order: bool = False
    taste: bool = False

    def __post_init__(self) -> None:
        if not self.runs:
            raise InputError(f"study {self.name!r} has no runs; name at least one treatment, cut, seed and direction.")
        keys = [run.key for run in self.runs]
        if len(set(keys)) != len(keys):
            raise InputError(f"study {self.name!r} names a run twice; each network may appear once.")

    @property
    def keys(self) -> tuple[str, ...]:
        """The key of every run, in order."""
        return tuple(run.key for run in self.runs)


def transfer_study(
    *,
    data: DataSpec,
    net: NetSpec,
    recipe: Recipe,
    splits: Sequence[str] = ("random0",),
    seeds: Sequence[int] = (0,),
    directions: Sequence[tuple[str, str]] = DIRECTIONS,
    treatments: Sequence[str] = DEFAULT_TREATMENTS,
    cuts: Sequence[int] = tuple(range(1, LAYERS)),
    images_per_class: int = 0,
    name: str = "transfer",
) -> Study:
    """The A/B experiment of Yosinski et al. 2014, section 3, as a study.

    A direction is (source half, target half). AnB and AnB+ copy from the source's base; BnB, BnB+ and twice from the
    target's own. Every base that a network or a comparison needs is in the study once. warm and stitch need a layer
    behind the new one, so they leave n = 7 out. Raises InputError for unknown names, cuts outside 0..7, empty lists.
    """
    splits = several("split", splits)
    seeds = checked_seeds(seeds)
    directions = checked_directions(directions)
    treatments = _treatments(treatments)
    cuts = _cuts(cuts)
    common = [
        RunSpec(data=data, net=net, recipe=recipe, split=split, seed=seed, target=target)
        for seed in seeds
        for split in splits
        for _, target in directions[:1]
    ]
    rest = [run for start in common for run in _block(start, directions, treatments, cuts, images_per_class)]
    bases = [run for start in common for run in _bases(start, directions, treatments, images_per_class)]
    return Study(name=name, runs=tuple(dict.fromkeys(bases + rest)))


def spread(cuts: Sequence[int]) -> list[int]:
    """``cuts`` ordered so that any beginning of the list covers the range: 1, 7, 4, 2, ...

    Each next one is the farthest from those already taken, the smaller first.
    """
    left = sorted(set(cuts))
    order = left[:1]
    while len(order) < len(left):
        order.append(max((cut for cut in left if cut not in order), key=lambda cut: (_distance(cut, order), -cut)))
    return order


def _distance(cut: int, taken: Iterable[int]) -> int:
    return min(abs(cut - other) for other in taken)


def _bases(start: RunSpec, directions, treatments, images_per_class: int) -> list[RunSpec]:
    """The bases that the block of ``start`` compares with or copies from: the target's own first."""
    bases = []
    for source, target in directions:
        bases.append(replace(start, target=target, images_per_class=images_per_class))
        if {"AnB", "AnB+"} & set(treatments):
            bases.append(replace(start, target=source, images_per_class=0))
    if "base" in treatments and images_per_class == 0:
        bases += [replace(start, target=half) for pair in directions for half in pair]
    return bases


def _block(start: RunSpec, directions, treatments, cuts, images_per_class: int) -> list[RunSpec]:
    """Everything but the bases for one seed and split: cut by cut, all treatments of a cut together."""
    runs = []
    for place, cut in enumerate(spread(cuts)):
        for source, target in directions:
            there = replace(start, target=target, images_per_class=images_per_class)
            for treatment in treatments:
                donor = "" if treatment in RANDOM else target if treatment in SELF_DONOR else source
                if treatment == "twice":
                    if place == 0:
                        runs.append(replace(there, treatment=treatment, source=donor, n=LAYERS))
                elif treatment != "base" and not (treatment in WARM and cut > LAYERS - 2):
                    runs.append(replace(there, treatment=treatment, source=donor, n=cut))
    return runs


def several(kind: str, values: Sequence[str]) -> tuple[str, ...]:
    """Names without repetition. Raises InputError for none, and for a text in place of a list."""
    if isinstance(values, str):
        raise InputError(f"{kind}s must be a list, not the text {values!r}; write [{values!r}].")
    names = tuple(dict.fromkeys(values))
    if not names or not all(isinstance(name, str) and name for name in names):
        raise InputError(f"{kind}s {values!r} names none; give at least one {kind}.")
    return names


def _treatments(values: Sequence[str]) -> tuple[str, ...]:
    names = several("treatment", values)
    for name in names:
        if name not in TREATMENTS:
            raise unknown("treatment", name, TREATMENTS)
    return names


def checked_seeds(values: Sequence[int]) -> tuple[int, ...]:
    """Seeds without repetition. Raises InputError for none and for what is no whole number from 0 on."""
    seeds = tuple(dict.fromkeys(values))
    if not seeds:
        raise InputError("no seed is given; give at least one, such as 0.")
    for seed in seeds:
        if not _whole(seed) or seed < 0:
            raise InputError(f"seed {seed!r} is not a whole number from 0 on; give numbers such as 0, 1, 2.")
    return seeds


def checked_directions(values: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Directions (source half, target half) without repetition. Raises InputError for none and for unknown ones."""
    directions = tuple(dict.fromkeys(tuple(pair) for pair in values))
    if not directions:
        raise InputError("no direction is given; allowed: ('A', 'B') and ('B', 'A').")
    for pair in directions:
        if pair not in DIRECTIONS:
            raise unknown("direction", "-".join(map(str, pair)), ["-".join(pair) for pair in DIRECTIONS])
    return directions


def _cuts(values: Sequence[int]) -> tuple[int, ...]:
    cuts = tuple(dict.fromkeys(values))
    if not cuts:
        raise InputError(f"no cut is given; allowed: n = 0..{LAYERS - 1}, such as 1, 4, 7.")
    for cut in cuts:
        if not _whole(cut) or not 0 <= cut < LAYERS:
            raise InputError(
                f"n = {cut!r} is not a cut; allowed: 0..{LAYERS - 1}"
                f" (copying all {LAYERS} layers is the treatment 'twice', which needs no cut)."
            )
    return cuts


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
