"""What is measured on the networks of ``head_studies``: their heirs, probes on their trunks, how far layers moved."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from safetensors.torch import load as unpack
from torch import Tensor, nn

from ..data.images import Images
from ..models.pretrained import bundled
from ..training.features import features, for_bundled
from ..training.probes import fit_probe
from ..training.recipe import Recipe
from .engine import trained
from .head_studies import TRUNK, Cell, HeadSizes, heir, heirs, source, sources
from .loader import Loader
from .network import Network
from .store import Store
from .studies import Labels, Study
from .train import FILES, images_of, start

if TYPE_CHECKING:
    import pandas as pd

POOLS = (1, 2, 4)  # places a side that the map of the trunk is averaged to


def measured(
    sizes: HeadSizes,
    replicates: Sequence[int],
    store: Store,
    *,
    equal: Mapping[str, Recipe],
    long: Mapping[str, Recipe],
    rates: Mapping[Cell, float],
    load: Loader = FILES,
    **options: Any,
) -> pd.DataFrame:
    """What was found: a row for each source network, heir and probe; what ``store`` lacks is trained.

    ``treatment`` is "fc frozen", "gap probe 2x2" and so on. Rows of ``match`` "accuracy" are from networks of equal
    source accuracy (recipes ``equal``), those of "length" from networks that learnt equally long. ``moved_conv1`` to
    ``moved_fc7`` of fine-tuned networks: see ``moved``. Other options are those of ``engine.run``.
    """
    import pandas as pd

    begin, followers = sources(sizes, equal, long, replicates), heirs(sizes, equal, rates, replicates)
    tuned = [network for labels, network in followers if labels["use"] == "fine-tuned"]
    wanted = {network.key for network in tuned} | {network.key for _, network in begin}
    table = trained(begin + followers, store, load=load, keep=wanted, **options)
    shifts = pd.DataFrame([{"key": network.key} | moved(network, store) for network in tuned])
    parts = [table.merge(shifts, on="key", how="left")]
    for number in replicates:
        its = [row for row in begin if row[0]["replicate"] == number]
        parts.append(probed(sizes, its, store, load=load))
    return pd.concat(parts, ignore_index=True)


def probed(sizes: HeadSizes, begin: Study, store: Store, *, load: Loader = FILES) -> pd.DataFrame:
    """Ridge probes on the map of every trunk of ``begin``, one replicate, and of one that learnt nothing.

    They learn the images of each target that the heirs learn, from the map averaged to 1, 2 and 4 places a side.
    """
    import pandas as pd

    trunks: list[tuple[Labels, Network, nn.Sequential]] = []
    for labels, network in begin:
        learnt = unpack(store.weights(network))
        net = start(network, images_of(network, load)[0])
        if not trunks:  # all heads start from the same trunk
            trunks.append((labels | {"head": "untrained", "diverged": False}, network, copy.deepcopy(net)))
        net.load_state_dict(learnt)
        trunks.append((labels | {"diverged": store.record(network).diverged}, network, net))
    rows = []
    for target, count in [(each, labels) for each in sizes.targets for labels in each.labels]:
        learn, _, test = images_of(heir(sizes, begin[0][1], target, count, "frozen", 1.0), load)
        for labels, network, net in trunks:
            about = labels | {"target": target.name, "kind": target.kind, "labels": count}
            maps = () if about["diverged"] else [_maps(net, images) for images in (learn, test)]
            for pool in POOLS:
                name, found = f"probe {pool}x{pool}", {}
                if maps:  # of a network that diverged there is nothing to read
                    x, x_test = (F.adaptive_avg_pool2d(each, pool).flatten(1) for each in maps)
                    probe = fit_probe(x, learn.labels, classes=len(learn.classes), seed=network.seed)
                    found["top1"] = round(probe.accuracy(x_test, test.labels), 6)
                    found["train_top1"] = round(probe.accuracy(x, learn.labels), 6)
                rows.append(about | {"use": name, "treatment": f"{labels['head']} {name}"} | found)
    return pd.DataFrame(rows)


def distances(sizes: HeadSizes, recipe: Recipe) -> pd.DataFrame:
    """How far each target lies from the source of replicate 0: {target, kind, distance}.

    The distance of their centres in what the bundled ImageNet network, which has learnt neither, says of them, over the
    root mean square of the spreads of both. Images of 32 pixels are enlarged to 64.
    """
    import pandas as pd

    begin = source(sizes, "gap", recipe, replicate=0)
    own, rows = _cloud(begin), []
    for target in sizes.targets:
        other = _cloud(heir(sizes, begin, target, target.labels[0], "frozen", 0.01))
        spread = torch.stack([(each - each.mean(0)).square().sum(1).mean() for each in (own, other)]).mean().sqrt()
        rows.append((target.name, target.kind, ((own.mean(0) - other.mean(0)).norm() / spread).item()))
    return pd.DataFrame(rows, columns=["target", "kind", "distance"])


def _cloud(network: Network) -> Tensor:
    """What the ImageNet network says of 20 pictures of each class that ``network`` learns."""
    images = images_of(network)[0]
    images = images.draw(min(20, len(images) // len(images.classes)), seed=0)
    large = images.pixels.repeat_interleave(2, 2).repeat_interleave(2, 3)
    return features(bundled(), for_bundled(replace(images, pixels=large)), cuts=[18])[18]


def moved(network: Network, store: Store) -> dict[str, float]:
    """For each copied layer the length of the change of its weights, as a share of the length that they began with."""
    before, after = (unpack(store.weights(each)) for each in (network.donor, network))
    names = [name for name in sorted(before) if name.endswith("weight") and not name.startswith("fc8")]
    shares = {name: ((after[name] - before[name]).norm() / before[name].norm()).item() for name in names}
    return {f"moved_{name.split('.')[0]}": round(share, 6) for name, share in shares.items()}


def _maps(net: nn.Sequential, images: Images) -> Tensor:
    """The maps (N, C, 4, 4) behind the trunk; coarser ones are averages of these. InputError where it is smaller."""
    return features(net, images, cuts=[len(TRUNK)], pool=max(POOLS))[len(TRUNK)].unflatten(1, (-1, *[max(POOLS)] * 2))
