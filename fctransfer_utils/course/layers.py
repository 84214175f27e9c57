"""What the layers of networks make of images, for probes, distances and comparisons in a notebook's measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from torch import nn

    from ..analysis.distance import Seen
    from ..data.image_set import ImageSet
    from .lesson import Course
    from .networks import Trained

LAYERS = (1, 2, 3, 4, 5, 6, 7)
PIXELS = 0  # in place of a layer's number: the image itself, averaged to 8 x 8 pixels
PIXEL_GRID = 8
GRID = 4  # maps are averaged to this many cells a side: where something is stays visible, and probes stay cheap
TRAINING, TEST = 16, 20  # images per class that a probe learns, and that it is scored on


def seen_by(
    net: nn.Sequential,
    images: ImageSet,
    classes: Sequence[int],
    *,
    layers: Sequence[int] = LAYERS,
    training: int = TRAINING,
    test: int = TEST,
    seed: int = 0,
) -> dict[int, Seen]:
    """What each of ``layers`` (1..8; 0 is the image itself) makes of a draw of the images of ``classes``.

    ``training`` and ``test`` are images per class, fewer where a class has fewer; ``seed`` draws them.
    """
    from ..analysis.distance import Seen

    parts = [
        images.select(classes, part=part, per_class=at_most(images, classes, part, count), seed=seed)
        for part, count in (("train", training), ("test", test))
    ]
    maps = [_features(net, part.images, images, layers) for part in parts]
    labels = [part.labels.numpy() for part in parts]
    return {n: Seen(maps[0][n], labels[0], maps[1][n], labels[1]) for n in layers}


def seen_by_bases(
    run: Course, split: str, *, layers: Sequence[int] = LAYERS, seed: int | None = None
) -> dict[tuple[str, str], dict[int, Seen]]:
    """What the bases of ``split`` make of both halves: ``{(half that the base learnt, half seen): {n: Seen}}``.

    Networks are trained where they are missing, so call it inside ``run.measure``.
    """
    from ..data.splits import make_split

    halves = make_split(split, run.images()).halves
    nets = run.base_networks(split=split, seed=seed)
    return {
        (learnt, half): seen_by(nets[learnt].net, run.images(), classes, layers=layers, seed=run.seed)
        for learnt in nets
        for half, classes in halves.items()
    }


def before_training(run: Course, trained: Trained, *, init: str = "") -> nn.Sequential:
    """The network of a base before its first step; ``init`` ("he", "gaussian") draws it so from the same numbers."""
    from ..data.splits import make_split
    from ..experiments.run_network import start_network

    spec = trained.record.spec
    if init:
        spec = replace(spec, net=replace(spec.net, init=init))
    return start_network(spec, images=run.images(), split=make_split(spec.split, run.images())).eval()


def layers_of(
    net: nn.Sequential,
    images: ImageSet,
    *,
    per_class: int,
    layers: Sequence[int] = LAYERS,
    pool: int = GRID,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """The features of every layer, by its name, for ``per_class`` test images of every class; ``pool`` 0: whole maps.

    Number 0 among ``layers`` is the input itself (``input``), normalised as the network gets it.
    """
    from ..training.execution import Execution
    from ..training.features import activations
    from ..training.loop import Pixels

    every = range(images.classes)
    chosen = images.select(every, part="test", per_class=at_most(images, every, "test", per_class), seed=seed).images
    wanted = [n for n in layers if n != PIXELS]
    found = activations(net, chosen, layers=wanted, mean=images.mean, std=images.std, pool=pool)
    signal = {"input": Pixels.of(images.mean, images.std, Execution())(chosen).flatten(1)} if PIXELS in layers else {}
    return {name: values.numpy() for name, values in (signal | found).items()}


def weights_of(net: nn.Sequential) -> dict[str, np.ndarray]:
    """The weights of every layer by its name."""
    from ..models.init import weight_layer

    return {name: weight_layer(layer).weight.detach().numpy() for name, layer in net.named_children()}


def _features(net: nn.Sequential, pictures, images: ImageSet, layers: Sequence[int]) -> Mapping[int, np.ndarray]:
    import torch.nn.functional as F

    from ..training.features import activations

    names = [name for name, _ in net.named_children()]
    wanted = [n for n in layers if n != PIXELS]
    found = activations(net, pictures, layers=wanted, mean=images.mean, std=images.std, pool=GRID) if wanted else {}
    result = {n: found[names[n - 1]].numpy() for n in wanted}
    if PIXELS in layers:
        result[PIXELS] = F.adaptive_avg_pool2d(pictures.float(), PIXEL_GRID).flatten(1).numpy()
    return result


def at_most(images: ImageSet, classes: Sequence[int], part: str, count: int) -> int:
    """``count``, or what the smallest of ``classes`` has in ``part``."""
    labels = images.train_labels if part == "train" else images.test_labels
    return min(count, int(labels.bincount(minlength=images.classes)[list(classes)].min()))


def untrained_layers(run: Course, split: str, target: str) -> pd.DataFrame:
    """The base of ``target`` before training, drawn by He and by the paper's Gaussian, and trained: layer by layer.

    Columns of ``analysis.signal_size.beside_gains`` and ``net`` (he, gaussian, trained), ``n`` (0 is the input),
    ``probe`` (top-1 of a linear probe of the target's classes) and ``images`` (that it is scored on).
    """
    import pandas as pd

    from ..analysis.signal_size import beside_gains
    from ..data.splits import make_split

    images, base = run.images(), run.base_networks(split=split)[target]
    classes = make_split(split, images).halves[target]
    nets = {init: before_training(run, base, init=init) for init in ("he", "gaussian")} | {"trained": base.net}
    parts = []
    for name, net in nets.items():
        signal = layers_of(net, images, per_class=4, layers=(PIXELS, *LAYERS), pool=0, seed=run.seed)
        weights = {layer: weight for layer, weight in weights_of(net).items() if layer in signal}
        probes = [seen.probe for seen in seen_by(net, images, classes, seed=run.seed).values()]
        sizes = beside_gains(signal, weights)
        top1 = [float("nan"), *(probe.top1 for probe in probes)]
        parts.append(sizes.assign(net=name, n=range(len(sizes)), probe=top1, images=probes[0].images))
    return pd.concat(parts, ignore_index=True)


def task_distances(run: Course, splits: Sequence[str]) -> pd.DataFrame:
    """How far the halves of each split are apart, in both directions and through each layer of the bases.

    Columns ``split, source, target, n``, those of ``analysis.distance.distances``, and ``domain_pixels`` with its upper
    end: the proxy A-distance of the images themselves, which has no direction and no layer.
    """
    import pandas as pd

    from ..analysis.distance import distances, proxy_a_distance

    rows = []
    for split in splits:
        seen = seen_by_bases(run, split, layers=(PIXELS, *LAYERS))
        one, other = (seen["A", half][PIXELS].test_features for half in "AB")
        pixels = proxy_a_distance(one, other, seed=run.seed)
        for source, target in (("A", "B"), ("B", "A")):
            for n in LAYERS:
                views = seen[source, target][n], seen[target, target][n], seen[source, source][n]
                place = {"split": split, "source": source, "target": target, "n": n}
                also = {"domain_pixels": pixels.distance, "domain_pixels_high": pixels.high}
                rows.append({**place, **distances(*views, seed=run.seed), **also})
    return pd.DataFrame(rows)


def likeness(run: Course, near: str, far: str) -> pd.DataFrame:
    """CKA without bias of every two layers of pairs of networks: ``pair, which, layer, other_layer, cka``.

    ``pair`` is "other classes" (a base A and a base B of ``near``, of this and the next seed: four pairs), "other seed"
    (two bases of one half: two pairs), "other kind" (both bases of ``far``) and "training" (a base before and after:
    two pairs); ``which`` names the two. All see the same test images of all classes.
    """
    import pandas as pd

    from ..analysis.similarity import cka_table

    first, again = (run.base_networks(split=near, seed=run.seed + later) for later in (0, 1))
    nets = {half: first[half].net for half in "AB"} | {f"{half}'": again[half].net for half in "AB"}
    nets |= {f"{half} untrained": before_training(run, first[half]) for half in "AB"}
    nets |= {f"far {half}": trained.net for half, trained in run.base_networks(split=far).items()}
    seen = {name: layers_of(net, run.images(), per_class=10, seed=run.seed) for name, net in nets.items()}
    pairs = {
        "other classes": (("A", "B"), ("A", "B'"), ("A'", "B"), ("A'", "B'")),
        "other seed": (("A", "A'"), ("B", "B'")),
        "other kind": (("far A", "far B"),),
        "training": (("A untrained", "A"), ("B untrained", "B")),
    }
    parts = [
        cka_table(seen[one], seen[other], debiased=True).assign(pair=pair, which=f"{one} and {other}")
        for pair, those in pairs.items()
        for one, other in those
    ]
    return pd.concat(parts, ignore_index=True)[["pair", "which", "layer", "other_layer", "cka"]]
