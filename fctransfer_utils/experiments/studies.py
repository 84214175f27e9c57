"""Studies: each a list of (labels, network). Labels are what a table calls the network (imports no torch)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from ..data.splits import TUNE
from ..errors import unknown
from ..training.recipe import Recipe
from .network import Classes, Network
from .profiles import Profile

Labels = dict[str, Any]
Study = list[tuple[Labels, Network]]

LAYERS = 8


def base(profile: Profile, classes: Classes, *, seed: int) -> Network:
    """A network that learns ``classes`` from its own draw."""
    return Network(
        data=profile.data, classes=classes, net=profile.net, recipe=profile.recipe, seed=seed,
        per_class=profile.per_class, extra_test=profile.extra_test,
    )  # fmt: skip


def long(network: Network) -> Network:
    """The control of equal training: the same network, twice as long."""
    recipe = network.recipe
    return replace(network, recipe=replace(recipe, epochs=2 * recipe.epochs, steps=2 * recipe.steps))


def heir(own: Network, donor: Network, n: int, *, frozen: bool, recipe: Recipe | None = None) -> Network:
    """What learns the classes of the base network ``own`` with layers 1..n of ``donor``, frozen or learning on."""
    layers = tuple(range(1, n + 1))
    return replace(
        own, donor=donor, copied=layers, frozen=layers if frozen else (), recipe=recipe or own.recipe
    )  # fmt: skip


def treatments(profile: Profile, own: Network, other: Network) -> Study:
    """Every treatment of Yosinski et al. (2014) for one target: ``own`` is its base, ``other`` that of the other half.

    ``n`` is the last layer that is copied: 0 for "base" and the control "long", 8 for the control "twice" (a base
    network that learns once more). The order is that of the paper.
    """
    study: Study = [
        ({"treatment": "base", "n": 0}, own),
        ({"treatment": "long", "n": 0}, long(own)),
        ({"treatment": "twice", "n": LAYERS}, heir(own, own, LAYERS, frozen=False, recipe=profile.tuned)),
    ]
    for name, donor, frozen in (("BnB", own, True), ("AnB", other, True), ("BnB+", own, False), ("AnB+", other, False)):
        for n in profile.cuts if frozen else profile.tuned_cuts:
            network = heir(own, donor, n, frozen=frozen, recipe=profile.frozen if frozen else profile.tuned)
            study.append(({"treatment": name, "n": n}, network))
    return study


def transfer(profile: Profile, *, split: str = "random", replicates: Sequence[int] = ()) -> Study:
    """Figure 2: every treatment in both directions of every replicate; the target is the half that is tested.

    A replicate has a split and a seed of its own. ``split``: see ``data.sources.Source.halves``. "AnB" in the row of
    target "A" has its first layers from B: the name is the paper's and stands for the other half. ``replicates``:
    which ones, if not all of the profile's.
    """
    study: Study = []
    for replicate in replicates or range(profile.replicates):
        bases = {
            half: base(profile, Classes(split, half, replicate, profile.each), seed=replicate) for half in ("A", "B")
        }
        for target, other in (("B", "A"), ("A", "B")):
            where = {"data": profile.data.name, "split": split, "replicate": replicate, "target": target}
            study += [(where | labels, network) for labels, network in treatments(profile, bases[target], bases[other])]
    return study


def distant(profile: Profile, split: str) -> Study:
    """Figure 3: base, long, BnB and AnB between halves that differ in kind, such as "natural-manmade"."""
    rows = transfer(replace(profile, tuned_cuts=()), split=split)
    return [(labels, network) for labels, network in rows if labels["treatment"] != "twice"]


def random_filters(profile: Profile, *, inits: Sequence[str] = ("he", "gaussian")) -> Study:
    """Figure 3, top right: layers 1..n drawn at random and frozen, beside the base networks of ``transfer``."""
    study: Study = []
    for labels, own in transfer(replace(profile, cuts=(), tuned_cuts=())):
        if labels["treatment"] == "base":
            study.append((labels, own))
            for init, n in product(inits, profile.cuts):
                network = replace(own, frozen=tuple(range(1, n + 1)), drawn=init, recipe=profile.frozen or own.recipe)
                study.append((labels | {"treatment": f"random {init}", "n": n}, network))
    return study


def recipes(profile: Profile, *, grid: dict[str, Sequence[Any]], treatment: str = "base", n: int = 0) -> Study:
    """The search for a recipe, on the classes that no judged replicate uses and on validation images of their own.

    ``grid``: values of fields of ``Recipe``, or of ``init``, ``width`` and ``dropout`` of ``NetSpec``. They are those
    of the networks of ``treatment`` at ``n``; donors learn with ``profile.recipe``.
    """
    of_net = dict.fromkeys(("init", "width", "dropout"), profile.net)
    for name in grid:
        if name not in of_net and name not in Recipe.__dataclass_fields__:
            raise unknown("value to search over", name, (*of_net, *Recipe.__dataclass_fields__))
    study: Study = []
    for values in product(*grid.values()):
        chosen = dict(zip(grid, values, strict=True))
        net = replace(profile.net, **{name: value for name, value in chosen.items() if name in of_net})
        changed = {name: value for name, value in chosen.items() if name not in of_net}
        recipe = replace(profile.recipe, **changed)
        tried = replace(
            profile, net=net, each=profile.tune_each, cuts=(n or 1,), tuned_cuts=(n or 1,), frozen=recipe, tuned=recipe,
            recipe=recipe if treatment in ("base", "long") else profile.recipe,
        )  # fmt: skip
        for labels, network in transfer(tried, replicates=[TUNE]):
            if labels["treatment"] == treatment:
                study.append((labels | chosen, _validated(network, profile.held_out)))
    if not study:
        raise unknown("treatment", treatment, ("base", "long", "twice", "BnB", "AnB", "BnB+", "AnB+"))
    return study


def _validated(network: Network, held_out: int) -> Network:
    """The network, and its donor, with images set aside to choose by."""
    donor = network.donor and _validated(network.donor, held_out)
    return replace(network, donor=donor, held_out=held_out)
