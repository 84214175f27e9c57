"""Which FC layers to keep: every cut from after conv5 to after fc7, old or new hidden layers, frozen or fine-tuned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..data.spec import DataSpec
from ..errors import InputError
from ..models.spec import NetSpec
from ..training.recipe import Recipe
from .spec import RunSpec
from .study import Study, checked_directions, checked_seeds, several
from .target_spec import ALL, PROTOCOLS, TargetSpec

EPOCHS = 2  # with so few labels, looking at the test images in between costs more than learning
# after conv5, fc6, fc7: a new last layer right there, or the rest of the hidden layers drawn anew
ARMS = ((5, "none"), (5, "new"), (6, "none"), (6, "new"), (7, "none"))


def keep_study(
    *,
    data: DataSpec,
    net: NetSpec,
    recipe: Recipe,
    splits: Sequence[str],
    seeds: Sequence[int],
    directions: Sequence[tuple[str, str]],
    labels: Sequence[int],
    steps: int,
    targets: Sequence[DataSpec] = (),
) -> Study:
    """Networks that keep layers of a base and learn few labels of other images; one from scratch beside them.

    For each split and direction (source half, target half) the base of the source half is moved to the target half of
    the same images; the base of the first split and direction is moved to all classes of each of ``targets`` as well.
    ``labels`` are training images per class; every network takes two epochs of ``steps`` steps. Raises InputError for
    unknown names and empty lists.
    """
    if not labels:
        raise InputError("labels names no number of labels per class; give at least one, such as 5.")
    splits, seeds, directions = several("split", splits), checked_seeds(seeds), checked_directions(directions)
    moved = replace(recipe, epochs=EPOCHS, steps=steps)
    runs = []
    for seed in seeds:
        places = []
        for split in splits:
            for source, half in directions:
                base = RunSpec(data=data, net=net, recipe=recipe, split=split, seed=seed, target=source)
                places.append((base, data, f"{split}:{half}"))
        places += [(places[0][0], target, ALL) for target in targets]
        for base, images, part in places:
            for number in sorted(set(labels)):
                common = {"source": base, "data": images, "part": part, "labels_per_class": number, "seed": seed}
                for kept, hidden in ARMS:
                    runs += [
                        TargetSpec(kept=kept, hidden=hidden, protocol=protocol, recipe=moved, **common)
                        for protocol in PROTOCOLS[:2]
                    ]
                runs.append(TargetSpec(kept=0, hidden="new", protocol="scratch", recipe=moved, **common))
    return Study(name="keep", runs=tuple(runs))
