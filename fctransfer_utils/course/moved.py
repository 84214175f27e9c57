"""A network moved to other images, for the measures of a notebook: the donor, the target's images, the distance."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import networks

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    from ..data.image_set import ImageSet, Labelled
    from ..experiments.study import Study
    from ..training.heads import Features
    from .lesson import Course

LAYERS = (5, 7)  # after the last convolution, after the last hidden FC layer


@dataclass(frozen=True)
class Moved:
    """The base of half A (``net``, in eval mode) and half B of the same images: ``learn`` and ``judge`` are labelled.

    ``images`` is the whole set, for its channel statistics and whether mirrored images make sense.
    """

    net: nn.Sequential
    images: ImageSet
    learn: Labelled
    judge: Labelled
    classes: int
    _features: dict = field(default_factory=dict, repr=False)

    @property
    def pixels(self) -> dict:
        """The keyword arguments ``mean`` and ``std`` of whatever takes images."""
        return {"mean": self.images.mean, "std": self.images.std}

    @property
    def trunk(self) -> nn.Sequential:
        """conv1 to conv5 of the donor."""
        return self.net[:5]

    def features(self, cut: str = "conv5") -> tuple[Features, Features]:
        """What the donor makes of both parts after ``cut``: vectors (N, F), or whole maps (N, C, h, w) for a
        convolution. Each image goes through the network once.
        """
        from ..models.heads import feature_size
        from ..training.cuts import features_at
        from ..training.heads import Features

        if cut not in self._features:
            names = [name for name, _ in self.net.named_children()]
            size = feature_size(self.net[: names.index(cut) + 1], image_size=self.images.image_size)
            parts = [features_at(self.net, part, [cut], **self.pixels)[cut] for part in (self.learn, self.judge)]
            self._features[cut] = tuple(Features(p.values.reshape(-1, *size), p.labels) for p in parts)
        return self._features[cut]


def moved(run: Course, *, per_class: int, test_per_class: int = 20, split: str = "random0") -> Moved:
    """The base of half A of ``split``, and ``per_class`` training images of each class of half B.

    Fewer where a class has fewer. The base is trained where it is missing, so call it inside ``run.measure``.
    """
    from ..data.splits import make_split
    from .layers import at_most

    images = run.images()
    classes = make_split(split, images).halves["B"]
    base = next(
        spec for spec in run.plan(splits=(split,), seeds=(run.seed,)).runs
        if spec.treatment == "base" and spec.target == "A"
    )  # fmt: skip
    (donor,) = networks.with_weights(run, [base])
    parts = [
        images.select(classes, part=part, per_class=at_most(images, classes, part, count), seed=run.seed)
        for part, count in (("train", per_class), ("test", test_per_class))
    ]
    return Moved(donor.net, images, *parts, len(classes))


def target_distances(run: Course, *, study: Study | None = None) -> pd.DataFrame:
    """How far each target set of the study ``keep`` is from its source, on the donor's features, before any training.

    Columns ``split, source, target_set, layer, n, probe, logme, domain, domain_low, domain_high, images``: top-1 of a
    linear probe of the target's classes, LogME (nats), and the proxy A-distance (0 to 2) of the target's test images
    from the source's, with its interval and count. Donors are trained where they are missing.
    """
    import pandas as pd

    from ..data.splits import make_split
    from ..experiments.run_target import target_classes
    from ..experiments.worker import load_images
    from .layers import seen_by

    runs = (study or run.plan("keep", seeds=(run.seed,))).runs
    places = {(spec.source.key, spec.data, spec.part): spec for spec in runs if spec.donor is not None}
    sources = list({spec.source.key: spec.source for spec in places.values()}.values())
    donors = dict(zip([s.key for s in sources], networks.with_weights(run, sources), strict=True))
    home = {}
    for spec in sources:
        classes = make_split(spec.split, run.images()).halves[spec.target]
        home[spec.key] = seen_by(donors[spec.key].net, run.images(), classes, layers=LAYERS, seed=run.seed)
    rows = []
    for (key, data, _), spec in places.items():
        images = load_images(data, run.project.data)
        classes, _ = target_classes(spec, images)
        there = seen_by(donors[key].net, images, classes, layers=LAYERS, seed=run.seed)
        place = {"split": spec.source.split, "source": spec.source.target, "target_set": spec.target_label}
        rows += [{**place, **_far(there[n], home[key][n], n, run.seed)} for n in LAYERS]
    return pd.DataFrame(rows)


def _far(there, home, n: int, seed: int) -> dict:
    from ..analysis.distance import logme, proxy_a_distance
    from ..models import LAYER_NAMES

    domain = proxy_a_distance(home.test_features, there.test_features, seed=seed)
    return {
        "layer": LAYER_NAMES[n - 1],
        "n": n,
        "probe": there.probe.top1,
        "logme": logme(there.features, there.labels),
        "domain": domain.distance,
        "domain_low": domain.low,
        "domain_high": domain.high,
        "images": domain.images,
    }


def fresh_trunk(task: Moved, *, seed: int) -> nn.Sequential:
    """conv1 to conv5 of the donor's architecture, drawn anew."""
    import copy

    from ..models.fresh import redraw

    net = copy.deepcopy(task.net)
    redraw(net, [name for name, _ in task.trunk.named_children()], seed=seed)
    return net[:5]
