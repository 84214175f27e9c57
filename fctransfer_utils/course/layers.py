"""What the layers of networks make of images, for probes, distances and comparisons in a notebook's measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from ..analysis.distance import Seen
    from ..data.image_set import ImageSet
    from .lesson import Course
    from .networks import Trained

LAYERS = (1, 2, 3, 4, 5, 6, 7)
PIXELS = 0  # in place of a layer's number: the image itself, averaged to 8 x 8 pixels
PIXEL_GRID = 8
GRID = 4  # maps are averaged to this many cells a side: where something is stays visible, and probes stay cheap
TRAINING, TEST = 24, 20  # images per class that a probe learns, and that it is scored on


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
        images.select(classes, part=part, per_class=_at_most(images, classes, part, count), seed=seed)
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
    chosen = images.select(every, part="test", per_class=_at_most(images, every, "test", per_class), seed=seed).images
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


def _at_most(images: ImageSet, classes: Sequence[int], part: str, count: int) -> int:
    """``count``, or what the smallest of ``classes`` has in ``part``."""
    labels = images.train_labels if part == "train" else images.test_labels
    return min(count, int(labels.bincount(minlength=images.classes)[list(classes)].min()))
