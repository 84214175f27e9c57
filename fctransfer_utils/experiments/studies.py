"""Studies: each a list of (labels, network). Labels are what a table calls the network (imports no torch)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

from ..data.splits import TUNE
from ..errors import InputError, unknown
from ..training.recipe import Recipe, best_rate, rates_to_try
from .network import Classes, Network
from .profiles import Profile

if TYPE_CHECKING:
    import pandas as pd

Labels = dict[str, Any]
Study = list[tuple[Labels, Network]]
Cell = tuple[int, str, int]
CELL = ["per_class", "treatment", "n"]
TRIED = ["learning_rate", "steps"]

LAYERS = 8
RATES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
FIRST_RATES = RATES[2:6]
FITTED = 0.95  # of the images that are learnt: a network that knows fewer of them might need more steps


def base(profile: Profile, classes: Classes, *, seed: int) -> Network:
    """A network that learns ``classes`` from its own draw."""
    return Network(
        data=profile.data, classes=classes, net=profile.net, recipe=profile.recipe, seed=seed,
        per_class=profile.per_class, extra_test=profile.extra_test,
    )  # fmt: skip


def long(network: Network) -> Network:
    """The control of equal training: the same network, twice as long."""
    recipe = network.recipe
    twice = {name: 2 * getattr(recipe, name) for name in ("epochs", "steps", "drop_every")}
    return replace(network, recipe=replace(recipe, **twice))


def heir(own: Network, donor: Network, n: int, *, frozen: bool) -> Network:
    """What learns the classes of the base network ``own`` with layers 1..n of ``donor``, frozen or learning on."""
    layers = tuple(range(1, n + 1))
    return replace(own, donor=donor, copied=layers, frozen=layers if frozen else ())


def treatments(profile: Profile, own: Network, other: Network) -> Study:
    """Every treatment of Yosinski et al. (2014) for one target: ``own`` is its base, ``other`` that of the other half.

    ``n`` is the last layer that is copied: 0 for "base" and the control "long", 8 for the control "twice" (a base
    network that learns once more). The order is that of the paper.
    """
    study: Study = [({"treatment": "base", "n": 0}, own)]
    if "long" in profile.controls:
        study.append(({"treatment": "long", "n": 0}, long(own)))
    if "twice" in profile.controls:
        study.append(({"treatment": "twice", "n": LAYERS}, heir(own, own, LAYERS, frozen=False)))
    for name, donor, frozen in (("BnB", own, True), ("AnB", other, True), ("BnB+", own, False), ("AnB+", other, False)):
        for n in profile.cuts if frozen else profile.tuned_cuts:
            study.append(({"treatment": name, "n": n}, heir(own, donor, n, frozen=frozen)))
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
    """Figure 3: base, BnB, AnB, and long if the profile has it, between halves of two kinds, as "natural-manmade"."""
    controls = tuple(name for name in profile.controls if name == "long")
    return transfer(replace(profile, tuned_cuts=(), controls=controls), split=split)


def random_filters(
    profile: Profile,
    *,
    inits: Sequence[str] = ("he", "gaussian"),
    rates: Mapping[str, Mapping[int, float]] | None = None,
    split: str = "random",
    replicates: Sequence[int] = (),
    bases: bool = True,
) -> Study:
    """Figure 3, top right: layers 1..n drawn at random and frozen, beside the base networks of ``transfer``.

    ``rates``: of an init, for each n the rate at which what lies above is learnt; without them that of the base
    networks. ``bases``: whether these are listed, too.
    """
    study: Study = []
    alone = replace(profile, cuts=(), tuned_cuts=(), controls=())
    for labels, own in transfer(alone, split=split, replicates=replicates):
        study += [(labels, own)] * bases
        for init, n in product(inits, profile.cuts):
            recipe = replace(own.recipe, learning_rate=rates[init][n]) if rates and init in rates else own.recipe
            network = replace(own, frozen=tuple(range(1, n + 1)), drawn=init, recipe=recipe)
            study.append((labels | {"treatment": f"random {init}", "n": n}, network))
    return study


def recipes(profile: Profile, *, grid: dict[str, Sequence[Any]], treatment: str = "base", n: int = 0) -> Study:
    """The search for a recipe, on the classes that no judged replicate uses and on validation images of their own.

    ``grid``: values of fields of ``Recipe``, or of ``init``, ``width`` and ``dropout`` of ``NetSpec``. They are those
    of the networks of ``treatment`` at ``n``; donors learn with ``profile.recipe``.
    """
    of_net = ("init", "width", "dropout")
    for name in grid:
        if name not in of_net and name not in Recipe.__dataclass_fields__:
            raise unknown("value to search over", name, (*of_net, *Recipe.__dataclass_fields__))
    study: Study = []
    cuts = (n or 1,)
    profile = replace(profile, each=profile.tune_each, cuts=cuts, tuned_cuts=cuts, controls=("long", "twice"))
    if there := profile.data.per_class:  # as many as validation leaves
        profile = replace(profile, per_class=min(profile.per_class, there - profile.held_out))
    made = random_filters if treatment.startswith("random") else transfer
    for values in product(*grid.values()):
        chosen = dict(zip(grid, values, strict=True))
        net = replace(profile.net, **{name: value for name, value in chosen.items() if name in of_net})
        recipe = replace(profile.recipe, **{name: value for name, value in chosen.items() if name not in of_net})
        tried = replace(profile, net=net, recipe=recipe if treatment == "long" else profile.recipe)  # long doubles it
        for labels, network in made(tried, replicates=[TUNE]):
            if labels["treatment"] == treatment:
                network = network if treatment == "long" else replace(network, recipe=recipe)
                study.append((labels | chosen, _validated(network, profile.held_out)))
    if not study:
        names = ("base", "long", "twice", "BnB", "AnB", "BnB+", "AnB+", "random he", "random gaussian")
        raise unknown("treatment", treatment, names)
    return study


def untrained_search(profile: Profile) -> Study:
    """What lies above n of He's untrained layers, learnt at several rates on the classes set aside."""
    grids = {n: (0.0003, 0.001, 0.003, 0.01) + (0.02,) * (n == 1) for n in (1, 3, 5, 6, 7)}
    tried = (recipes(profile, grid={"learning_rate": grid}, treatment="random he", n=n) for n, grid in grids.items())
    return [row for rows in tried for row in rows]


def volumes(profile: Profile, chosen: Mapping[Cell, Recipe]) -> Study:
    """How much data: each half learnt from ``profile.volumes`` images a class, from scratch or from the other half.

    Treatments "scratch" (n = 0), "frozen" and "fine-tuned" (layers 1..n from the base network that ``transfer`` has
    for the other half, which saw all its images). ``chosen``: the recipe of each, as ``best_recipes`` gives it,
    of which ``profile.most_steps`` are taken at most.
    """
    study: Study = []
    for replicate in range(profile.replicates):
        for cell in _cells(profile, tuned_at=profile.volume_cuts):
            if cell not in chosen:
                volume, treatment, n = cell
                known = ", ".join(map(str, sorted({each[0] for each in chosen if each[1:] == (treatment, n)})))
                raise InputError(
                    f"no recipe is chosen for {volume} images a class, {treatment}, n = {n}; there are recipes for "
                    f"{known or 'no number of'} images. Take one of these, or choose by volume_search first."
                )
            recipe = chosen[cell]
            steps = min(recipe.steps, profile.most_steps or recipe.steps)
            study += _few(profile, replicate, cell, replace(recipe, steps=steps))
    return study


def _few(profile: Profile, replicate: int, cell: Cell, recipe: Recipe) -> Study:
    """One treatment of few images in both directions of a replicate; on ``TUNE`` with validation images."""
    volume, treatment, n = cell
    tune = replicate == TUNE
    study: Study = []
    for target in ("B", "A"):
        classes = Classes("random", target, replicate, profile.tune_each if tune else profile.each)
        network = replace(base(profile, classes, seed=replicate), per_class=volume, recipe=recipe)
        if n:
            donor = base(profile, classes.other, seed=replicate)
            network = heir(network, donor, n, frozen=treatment == "frozen")
        labels = {
            "data": profile.data.name, "split": "random", "width": profile.net.width, "replicate": replicate,
            "target": target, "per_class": volume, "treatment": treatment, "n": n,
            "learning_rate": recipe.learning_rate, "steps": recipe.steps,
        }  # fmt: skip
        study.append((labels, _validated(network, profile.held_out) if tune else network))
    return study


def volume_search(profile: Profile, train: Callable[[Study], pd.DataFrame]) -> pd.DataFrame:
    """Search a rate and a number of steps for each treatment of ``volumes``; the table of all that was tried.

    ``train`` trains a study and gives its table. The rate is chosen first, at the steps of ``profile.few``, and
    neighbours in ``RATES`` are tried until the best has worse ones on both sides. Then a third and three times of
    these steps are tried at this rate; where more steps are better, lower rates too, and where fewer are, higher ones.
    Three times more are tried as long as the longest training is the best and knows less than ``FITTED`` of its images.
    With the fewest images every rate is tried. Fine-tuned networks are tried at the middle cut alone, frozen ones at
    each: they differ in how much is left to learn. Raises InputError where no images are held out to choose by.
    """
    if profile.held_out < 1:
        raise InputError("a recipe is chosen by images that are not learnt, and held_out = 0 leaves none; give more.")
    middle = profile.volume_cuts[len(profile.volume_cuts) // 2]
    tried = {
        cell: [(rate, profile.few.steps) for rate in (RATES if cell[0] == min(profile.volumes) else FIRST_RATES)]
        for cell in _cells(profile, tuned_at=[middle])
    }
    while True:
        table = train(
            [
                row
                for cell, recipes in tried.items()
                for rate, steps in recipes
                for row in _few(profile, TUNE, cell, replace(profile.few, learning_rate=rate, steps=steps))
            ]
        )
        known = mean_scores(table, CELL, TRIED, "train_top1")
        more = {cell: _next(profile, scores, known[cell]) for cell, scores in mean_scores(table, CELL, TRIED).items()}
        if not any(more.values()):
            return table
        for cell, recipes in more.items():
            tried[cell] += recipes


def best_recipes(profile: Profile, table: pd.DataFrame) -> dict[Cell, Recipe]:
    """What ``volume_search`` found best on validation images for every cell of ``volumes``; of equals the shortest."""
    found = {}
    for (volume, treatment, n), scores in mean_scores(table, CELL, TRIED).items():
        rate, steps = _best(scores)
        for at in profile.volume_cuts if treatment == "fine-tuned" else [n]:
            found[volume, treatment, at] = replace(profile.few, learning_rate=rate, steps=steps)
    return found


def _cells(profile: Profile, *, tuned_at: Sequence[int]) -> list[Cell]:
    """What can be done with few images; ``tuned_at``: the n of what is fine-tuned."""
    cuts = {"scratch": (0,), "frozen": profile.volume_cuts, "fine-tuned": tuned_at}
    return [(volume, treatment, n) for volume, treatment in product(profile.volumes, cuts) for n in cuts[treatment]]


def mean_scores(
    table: pd.DataFrame, cell: Sequence[str], tried: Sequence[str], measure: str = "validation_top1"
) -> dict[Any, dict[Any, float]]:
    """{cell: {what was tried in it: its mean ``measure``}}, where what diverged counts as 0.

    A cell, and what was tried, is the value of a column, or of several columns the tuple of their values.
    """
    given = table.fillna({measure: 0})
    wide = given.pivot_table(measure, index=list(tried), columns=list(cell)).round(9)
    return {place: scores.dropna().to_dict() for place, scores in wide.items()}


def _best(scores: Mapping[tuple[float, int], float]) -> tuple[float, int]:
    return max(scores, key=lambda tried: (scores[tried], -tried[1], -tried[0]))


def _next(
    profile: Profile, scores: Mapping[tuple[float, int], float], known: Mapping[tuple[float, int], float]
) -> list[tuple[float, int]]:
    """What to try next in one cell; nothing once the best has been surrounded. ``known``: of the images learnt."""
    first = profile.few.steps
    at_first = {rate: score for (rate, steps), score in scores.items() if steps == first}
    if todo := rates_to_try(at_first, RATES):
        return [(rate, first) for rate in todo]
    rate = best_rate(at_first)
    if todo := [(rate, other) for other in (max(first // 3, 1), 3 * first) if (rate, other) not in scores]:
        return todo
    rate, steps = _best(scores)
    beside = RATES.index(rate) + (-1 if steps > first else 1)
    if steps != first and 0 <= beside < len(RATES) and (RATES[beside], steps) not in scores:
        return [(RATES[beside], steps)]
    longest = steps > first and steps == max(tried[1] for tried in scores)
    return [(rate, 3 * steps)] if longest and known[rate, steps] < FITTED else []


def _validated(network: Network, held_out: int) -> Network:
    """The network, and its donor, with images set aside to choose by."""
    donor = network.donor and _validated(network.donor, held_out)
    return replace(network, donor=donor, held_out=held_out)
