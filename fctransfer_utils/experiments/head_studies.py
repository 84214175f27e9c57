"""Networks with and without fully connected layers, compared at equal source accuracy (imports no torch).

After Zhang et al. (2017): three heads on the same five convolutions, from the same first draw. Each network learns half
A of the classes (its *source*), and what it has learnt is moved to targets near and far. Rates and lengths are chosen
on the replicate ``TUNE``, whose classes of the source no other network sees, by images that none is tested on (of far
targets, which have no other classes, judged networks may learn some of them); where ``HeadSizes.own_lengths`` says
so, lengths are chosen anew in every replicate, by such images of its own classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

from ..data.spec import DataSpec
from ..data.splits import TUNE
from ..errors import InputError, unknown
from ..models.spec import NetSpec
from ..training.recipe import Recipe, best_rate, rates_to_try
from .network import Classes, Network
from .profiles import Profile, profile
from .studies import RATES as USUAL_RATES
from .studies import Labels, Study, base, mean_scores

if TYPE_CHECKING:
    import pandas as pd

HEADS = ("gap", "fc", "gap_fc")  # Zhang et al. without FC and with; FC layers that see no places
USES = ("frozen", "fine-tuned")  # the trunk stands still, their "-fix", or everything learns
TRUNK = (1, 2, 3, 4, 5)  # the convolutions
RATES = (*USUAL_RATES, 0.5, 1.0)  # a single layer on a frozen trunk takes high ones
FIRST = RATES[3:6]
NEAR = 0.003  # share of validation images: a length is not searched for more closely
CLOSE = 1.05  # nor between two lengths of this ratio: training ends with a whole epoch
Cell = tuple[str, str, str, int]
CELL = ["head", "use", "target", "labels"]


@dataclass(frozen=True)
class Target:
    """Images to be told apart by what a network has learnt on others.

    ``kind``: "near", "far", or "layout" where only places tell the class: there a head that sees places has to win, or
    nothing is judged. ``data``: without it, the classes of the source's other half. ``labels``: numbers of images a
    class that are learnt; ``held_out``: those that rates are chosen by.
    """

    name: str
    kind: str
    data: DataSpec | None = None
    labels: tuple[int, ...] = (20, 100)
    held_out: int = 50


@dataclass(frozen=True)
class HeadSizes:
    """``source``: how the three networks learn half A. ``lengths``: the steps that are tried for each of them.

    ``steps``: how long a target is learnt from so many images a class. ``own_lengths``: see ``length_search``.
    """

    source: Profile
    targets: tuple[Target, ...]
    lengths: tuple[int, ...]
    steps: Mapping[int, int] = field(default_factory=lambda: {20: 400, 100: 800})
    own_lengths: bool = False


def head_sizes(name: str, data: str = "glyphs") -> HeadSizes:
    """The sizes of the profile ``name``: "full" on "glyphs" or "tiny-imagenet"; "quick" and "smoke" on "glyphs" alone.

    The photographs' targets are folders beside that of Tiny ImageNet: give the folder that holds them all as root.
    """
    if data not in ("glyphs", "tiny-imagenet"):
        raise unknown("set of images for heads", data, ("glyphs", "tiny-imagenet"))
    made = replace(profile(name, data), net=NetSpec("map", width=4 if name == "smoke" else 12), replicates=5)
    if data == "tiny-imagenet":
        recipe = replace(made.recipe, steps=1410, batch_size=64)
        source = replace(made, data=DataSpec(data, 64), recipe=recipe, each=20, per_class=300)
        targets = (  # few, as each network takes a minute on one core
            Target("other classes", "near", labels=(100,)),
            Target("intel-scenes", "far", DataSpec("folder", 64, folder="intel-scenes"), held_out=20),
            Target("rsscn7", "far", DataSpec("folder", 64, folder="rsscn7"), (20,), 20),
            replace(_rendered("pages", 64), labels=(100,)),
        )
        return HeadSizes(source, targets, (235, 470, 705, 940, 1410), own_lengths=True)
    recipe = replace(made.recipe, steps=1280, batch_size=16)
    source = replace(made, data=DataSpec(data, 32, 100, 160, 100), recipe=recipe, per_class=50, held_out=100)
    targets = (Target("other characters", "near"), _rendered("textures"), _rendered("pages"))
    if name == "full":
        return HeadSizes(source, targets, (320, 640, 1280, 1920))
    each, classes, length, steps = (5, 30, 320, 120) if name == "quick" else (2, 20, 2, 2)
    source = replace(
        source, data=DataSpec(data, 32, classes, 60, 50), recipe=replace(recipe, steps=length), each=each,
        tune_each=2, per_class=40, held_out=20, replicates=1,
    )  # fmt: skip
    few = {"textures": _rendered("textures", count=40), "pages": _rendered("pages", count=40)}
    targets = tuple(replace(few.get(target.name, target), labels=(20,), held_out=20) for target in targets)
    return HeadSizes(source, targets, (length,), {20: steps})


def _rendered(name: str, size: int = 32, *, count: int = 160) -> Target:
    kind, images = {"textures": ("far", "textures"), "pages": ("layout", "documents")}[name]
    return Target(name, kind, DataSpec(images, size, per_class=count, test_per_class=min(count, 100)))


def source(sizes: HeadSizes, head: str, recipe: Recipe, *, replicate: int, half: str = "A") -> Network:
    """The network that learns the source with ``head``; the trunk starts from the same draw for every head."""
    of, tune = sizes.source, replicate == TUNE
    classes = Classes("random", half, replicate, of.tune_each if tune else of.each)
    network = base(replace(of, net=replace(of.net, head=head), recipe=recipe), classes, seed=replicate)
    return replace(network, held_out=of.held_out if tune or sizes.own_lengths else 0)


def heir(sizes: HeadSizes, donor: Network, target: Target, labels: int, use: str, rate: float) -> Network:
    """What learns ``target`` with the trunk and the hidden FC layers of ``donor``; its last layer is drawn anew.

    Raises InputError for images of a size that the FC layers of ``donor`` do not fit.
    """
    hidden, data = () if donor.net.head == "gap" else (6, 7), target.data or donor.data
    if donor.net.head == "fc" and data.size != donor.data.size:
        raise InputError(
            f"fc6 of a network for images of {donor.data.size} pixels does not fit the map of {target.name!r} at "
            f"{data.size} pixels; give images of {donor.data.size} pixels, or a head behind global average pooling."
        )
    recipe = replace(sizes.source.few, steps=sizes.steps[labels], learning_rate=rate)
    return replace(
        donor, donor=donor, copied=TRUNK + hidden, frozen=TRUNK if use == "frozen" else (), recipe=recipe,
        data=data, classes=Classes() if target.data else donor.classes.other, per_class=labels,
        held_out=target.held_out if donor.classes.replicate == TUNE else 0,
        extra_test=0 if target.data else donor.extra_test,
    )  # fmt: skip


def source_search(sizes: HeadSizes, train: Callable[[Study], pd.DataFrame]) -> pd.DataFrame:
    """A rate for each head at the length of the profile, then lengths at this rate: the table of what was tried.

    ``train`` trains a study and gives its table. Both halves of the replicate ``TUNE`` are learnt. A best rate at
    the end of what was tried widens it.
    """
    import pandas as pd

    steps = sizes.source.recipe.steps
    by_rate = _surrounded(HEADS, ["head"], lambda head, rate: _tried(sizes, head, rate, steps), train)
    lengths = length_search(sizes, _best(by_rate, ["head"]), train)
    return pd.concat([by_rate, lengths]).drop_duplicates("key", ignore_index=True)


def length_search(
    sizes: HeadSizes, rates: Mapping[str, float], train: Callable[[Study], pd.DataFrame], *, replicate: int = TUNE
) -> pd.DataFrame:
    """Lengths for each head at its rate: those of the profile on ``TUNE``, in another replicate the longest first.

    Between lengths whose validation accuracies lie on both sides of the aim (see ``matched``) further ones are tried.
    """
    first = sizes.lengths if replicate == TUNE else sizes.lengths[-1:]
    tried = [*product(HEADS, first)]
    while True:
        table = train([row for head, n in tried for row in _tried(sizes, head, rates[head], n, replicate)])
        curves = _curves(table, rates)
        aim = min(curve[max(sizes.lengths)] for curve in curves.values())
        more = [(head, steps) for head, curve in curves.items() for steps in _between(curve, aim)]
        if not more:
            return table
        tried += more


def _tried(sizes: HeadSizes, head: str, rate: float, steps: int, replicate: int = TUNE) -> Study:
    recipe = replace(sizes.source.recipe, learning_rate=rate, steps=steps)
    labels = {"head": head, "learning_rate": rate, "steps": steps}
    halves = ("A", "B") if replicate == TUNE else ("A",)
    return [(labels | {"half": half}, source(sizes, head, recipe, replicate=replicate, half=half)) for half in halves]


def matched(sizes: HeadSizes, table: pd.DataFrame) -> tuple[dict[str, Recipe], dict[str, Recipe]]:
    """The recipe of each head at equal source accuracy, and at equal length (the longest), from the searches above.

    The aim is the accuracy of the head that is weakest at the longest length. Of the others that length is taken whose
    validation accuracy lies nearest to it; of equals the shortest.
    """
    best, longest = _best(table[table["steps"] == sizes.source.recipe.steps], ["head"]), max(sizes.lengths)
    curves = _curves(table, best)
    weakest = min(curves, key=lambda head: curves[head][longest])
    long = {head: replace(sizes.source.recipe, learning_rate=best[head], steps=longest) for head in curves}
    equal = {head: replace(long[head], steps=_nearest(curves[head], curves[weakest][longest])) for head in curves}
    return equal | {weakest: long[weakest]}, long


def shortened(recipes: Mapping[str, Recipe], sizes: HeadSizes, *, chosen_for: HeadSizes) -> dict[str, Recipe]:
    """``recipes`` that were chosen for other sizes, as much shorter as the longest training of ``sizes`` is."""
    share = max(sizes.lengths) / max(chosen_for.lengths)
    return {head: replace(recipe, steps=max(1, round(share * recipe.steps))) for head, recipe in recipes.items()}


def _curves(table: pd.DataFrame, rates: Mapping[str, float]) -> dict[str, dict[int, float]]:
    """For each head, at its rate: {steps: mean validation accuracy} of what was tried, the shortest first.

    Raises InputError for a head that diverged at its longest length, to which none is matched.
    """
    means = table.fillna({"validation_top1": 0}).groupby(["head", "learning_rate", "steps"])["validation_top1"].mean()
    curves = {head: means[head, rates[head]].to_dict() for head in HEADS}
    for head, curve in curves.items():
        if not curve[max(curve)]:
            raise InputError(
                f"head {head!r} diverged at rate {rates[head]} and {max(curve)} steps, so that no other can be trained "
                "to equal accuracy; give it a lower rate."
            )
    return curves


def _nearest(curve: Mapping[int, float], aim: float) -> int:
    return min(curve, key=lambda steps: (round(abs(curve[steps] - aim), 9), steps))


def _between(curve: Mapping[int, float], aim: float) -> list[int]:
    """The length to try next, half way between those where ``curve`` passes ``aim``; none once it is near."""
    if abs(curve[_nearest(curve, aim)] - aim) <= NEAR:
        return []
    for before, after in pairwise([0, *curve]):
        if curve.get(before, 0) < aim <= curve[after] and after > CLOSE * before + 1:
            return [(before + after) // 2]
    return []


def head_search(
    sizes: HeadSizes, recipes: Mapping[str, Recipe], train: Callable[[Study], pd.DataFrame]
) -> pd.DataFrame:
    """A rate for each head, use, target and number of labels, on ``TUNE``: the table of all that was tried."""

    def tried(cell: Cell, rate: float) -> Study:
        labels = dict(zip(CELL, cell, strict=True)) | {"learning_rate": rate}
        return [(labels, _heir_of(sizes, cell, recipes, rate, TUNE))]

    return _surrounded(cells(sizes), CELL, tried, train)


def best_rates(table: pd.DataFrame) -> dict[Cell, float]:
    """What ``head_search`` found best on validation images, of equals the lowest."""
    return _best(table, CELL)


def cells(sizes: HeadSizes) -> list[Cell]:
    """Every head, use, target and number of labels."""
    return [
        (head, use, target.name, labels)
        for target in sizes.targets
        for labels, use, head in product(target.labels, USES, HEADS)
    ]


def sources(
    sizes: HeadSizes, equal: Mapping[str, Recipe], long: Mapping[str, Recipe], replicates: Sequence[int]
) -> Study:
    """The source networks of every head at equal accuracy and at equal length; ``treatment``: "fc source" and so on."""
    study: Study = []
    for replicate, (match, recipes), head in product(replicates, (("accuracy", equal), ("length", long)), HEADS):
        network = source(sizes, head, recipes[head], replicate=replicate)
        labels = _labels(sizes, replicate, "source", "source", head, "source")
        study.append((labels | {"match": match, "steps": recipes[head].steps}, network))
    return study


def heirs(
    sizes: HeadSizes, equal: Mapping[str, Recipe], rates: Mapping[Cell, float], replicates: Sequence[int]
) -> Study:
    """What learns the targets from the networks of equal source accuracy; ``treatment`` is "fc frozen" and so on."""
    study: Study = []
    kinds = {target.name: target.kind for target in sizes.targets}
    for replicate, cell in product(replicates, cells(sizes)):
        head, use, target, labels = cell
        if cell not in rates:
            raise InputError(
                f"no rate is chosen for head {head!r}, {use}, {target!r} with {labels} labels a class; choose by "
                "head_search first."
            )
        about = _labels(sizes, replicate, target, kinds[target], head, use) | {"match": "accuracy"}
        about |= {"labels": labels, "learning_rate": rates[cell]}
        study.append((about, _heir_of(sizes, cell, equal, rates[cell], replicate)))
    return study


def _heir_of(sizes: HeadSizes, cell: Cell, recipes: Mapping[str, Recipe], rate: float, replicate: int) -> Network:
    """The network of ``cell``, whose donor learnt the source by the recipe of its head."""
    head, use, name, labels = cell
    target = next(target for target in sizes.targets if target.name == name)
    return heir(sizes, source(sizes, head, recipes[head], replicate=replicate), target, labels, use, rate)


def _labels(sizes: HeadSizes, replicate: int, target: str, kind: str, head: str, use: str) -> Labels:
    return {
        "data": sizes.source.data.name, "split": "random", "replicate": replicate, "target": target, "kind": kind,
        "head": head, "use": use, "treatment": f"{head} {use}", "n": len(TRUNK),
    }  # fmt: skip


def _surrounded(
    cells: Sequence[Any],
    names: Sequence[str],
    tried: Callable[[Any, float], Study],
    train: Callable[[Study], pd.DataFrame],
) -> pd.DataFrame:
    """Train what ``tried`` gives of each cell at the rates ``FIRST``, then at neighbours until the best has both."""
    rates = {cell: [*FIRST] for cell in cells}
    while True:
        table = train([row for cell, its in rates.items() for rate in its for row in tried(cell, rate)])
        scores = mean_scores(table, names, ["learning_rate"])
        more = {cell: rates_to_try(its, RATES) for cell, its in scores.items()}
        if not any(more.values()):
            return table
        for cell, its in more.items():
            rates[cell] += its


def _best(table: pd.DataFrame, names: Sequence[str]) -> dict[Any, float]:
    """The rate of every cell with the highest mean validation accuracy, of equals the lowest."""
    return {cell: best_rate(its) for cell, its in mean_scores(table, names, ["learning_rate"]).items()}
