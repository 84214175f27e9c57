"""Whether the last map of the networks of ``head_studies`` spreads over an object, finds it, and finds images alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import pandas as pd
import torch
import torch.nn.functional as F
from safetensors.torch import load as unpack
from torch import Tensor, nn

from ..analysis import places
from ..data.documents import scenes
from ..data.images import Images
from ..experiments.engine import trained
from ..experiments.head_studies import TRUNK, HeadSizes, source
from ..experiments.loader import Loader
from ..experiments.network import Network
from ..experiments.store import Store
from ..experiments.studies import Study
from ..experiments.train import FILES, images_of, start
from ..training.loop import accuracy
from ..training.recipe import Recipe

SIDE = 64  # pixels of a scene: twice those of the images that were learnt
MEASURES = ("source", "spread", "box", "pointing", "retrieval")
Row = dict[str, object]


def measured(
    sizes: HeadSizes,
    replicates: Sequence[int],
    store: Store,
    *,
    recipes: Mapping[str, Recipe],
    count: int = 500,
    load: Loader = FILES,
) -> pd.DataFrame:
    """A row for each replicate, map and measure, its value (a share, 0 to 1) as ``top1``.

    ``treatment``: "gap map" and so on behind each head of ``recipes``, and "untrained map"; "whole picture" and
    "centre map", which look at nothing, are the controls of boxes and pointing. ``measure``: the accuracy on the
    "source"; the "spread" on test images of it; in ``count`` scenes the share whose "box" is right and that of
    "pointing" into the object; the mean average precision of "retrieval" among classes that were not learnt.

    What ``store`` lacks is trained. Raises InputError for ``count`` below 1.
    """
    heads = product(replicates, recipes.items())
    study: Study = [({"replicate": k}, source(sizes, head, its, replicate=k)) for k, (head, its) in heads]
    trained(study, store, load=load, keep={network.key for _, network in study})
    rows: list[Row] = []
    for number in replicates:
        scene, boxes = scenes(count=count, size=SIDE, seed=number)
        networks = [network for labels, network in study if labels["replicate"] == number]
        found = [*_of_heads(networks, scene, boxes, store, load), *_controls(boxes)]
        rows += [row | {"replicate": number} for row in found]
    table = pd.DataFrame(rows).melt(["replicate", "treatment"], list(MEASURES), "measure", "top1")
    labels = {"data": sizes.source.data.name, "split": "random", "target": "A", "n": len(TRUNK), "diverged": False}
    return table.dropna(ignore_index=True).assign(**labels).round(5)


def pointed(maps: Tensor, boxes: Tensor) -> Tensor:
    """Whether the brightest place of each map (N, h, w) of a scene lies in its box (N, 4): booleans (N,)."""
    large = F.interpolate(maps[:, None], size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    place = large.flatten(1).argmax(1)
    place = torch.stack([place % SIDE, place // SIDE], 1)
    return (place >= boxes[:, :2]).all(1) & (place < boxes[:, 2:]).all(1)


def _of_heads(networks: Sequence[Network], scene: Images, boxes: Tensor, store: Store, load: Loader) -> list[Row]:
    """What the networks of one replicate show, and what one shows that learnt nothing: all start from the same maps."""
    rows: list[Row] = []
    for network in networks:
        learnt, _, own = images_of(network, load)
        other = images_of(replace(network, classes=network.classes.other), load)[2].normalised_like(learnt)
        asked = own, other, scene.normalised_like(learnt), boxes
        net = start(network, learnt).eval()
        if not rows:
            rows.append({"treatment": "untrained map", **_shown(net, *asked)})
        net.load_state_dict(unpack(store.weights(network)))
        rows.append({"treatment": f"{network.net.head} map", "source": accuracy(net, own), **_shown(net, *asked)})
    return rows


def _shown(net: nn.Sequential, own: Images, other: Images, scene: Images, boxes: Tensor) -> dict[str, float]:
    summed = _maps(net, scene).sum(1)
    return {
        "spread": places.spread(_maps(net, own).sum(1)).mean().item(),
        "box": _hit(places.boxes(summed, size=SIDE), boxes),
        "pointing": _share(pointed(summed, boxes)),
        "retrieval": places.mean_average_precision(places.descriptors(_maps(net, other)), other.labels),
    }


def _controls(boxes: Tensor) -> list[Row]:
    """The whole picture as a box; its middle as the brightest place and, around it, the best of many boxes."""
    whole = torch.tensor([[0, 0, SIDE, SIDE]]).expand_as(boxes)
    inwards = torch.tensor([1, 1, -1, -1])
    middle = torch.zeros(len(boxes), SIDE, SIDE)
    middle[:, SIDE // 2, SIDE // 2] = 1
    best = max(_hit(whole + away * inwards, boxes) for away in range(0, SIDE // 2, 2))
    return [
        {"treatment": "whole picture", "box": _hit(whole, boxes)},
        {"treatment": "centre map", "box": best, "pointing": _share(pointed(middle, boxes))},
    ]


@torch.no_grad()
def _maps(net: nn.Sequential, images: Images) -> Tensor:
    """The maps (N, C, h, w) behind the trunk."""
    return torch.cat([net[: len(TRUNK)](images.normalise(part)) for part in images.pixels.split(100)])


def _hit(found: Tensor, boxes: Tensor) -> float:
    """The share of boxes (N, 4) that overlap the right ones by more than half, as intersection over union."""
    return _share(places.overlap(found, boxes) > 0.5)


def _share(right: Tensor) -> float:
    return right.double().mean().item()
