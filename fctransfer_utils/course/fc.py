"""The FC study in a notebook: how far each target is before anything is trained on it, and what each arm costs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import InputError
from . import networks

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from ..analysis.distance import Seen
    from ..data.image_set import ImageSet
    from ..experiments.fc_spec import FcSpec
    from ..experiments.spec import RunSpec
    from ..experiments.study import Study
    from .lesson import Course

DISTANCES = "fc_distances"
MEASURED_ON = ("A", "B")
LAST = 5  # conv5, the last layer that all arms share
FEW = 4  # rendered images per class where pictures are only shown
MEANS = ("probe", "logme", "domain", "domain_low", "domain_high")


def moved_specs(study: Study) -> list[FcSpec]:
    """The networks of a study that are moved to a target. Raises InputError when there is none."""
    from ..experiments.fc_spec import ON_SOURCE, FcSpec

    found = [spec for spec in study.runs if isinstance(spec, FcSpec) and spec.protocol not in ON_SOURCE]
    if not found:
        raise InputError(f"the study {study.name!r} moves no network to a target; give it at least one target.")
    return found


def target_distances(run: Course, *, study: Study | None = None) -> pd.DataFrame:
    """How far each target of the study ``fc`` is from its source, on the conv5 features of arms A and B.

    Measured on the sources before anything is trained on a target. Columns ``arm, target_set, classes, probe, logme,
    domain, domain_low, domain_high, images``: arm "A", "B" or "mean" (of both, so that neither arm's features say what
    is far), number of classes, top-1 of a linear probe of the target's classes, LogME (nats), and the proxy A-distance
    (0 to 2) of the target's test images from the source's, with its interval and the number of images that judge.
    Sources are trained where they are missing. Raises InputError when the study has no target or lacks arm A or B.
    """
    import pandas as pd

    specs = moved_specs(study or run.plan("fc", seeds=(run.seed,)))
    sources = _sources(specs)
    donors = networks.with_weights(run, list(sources.values()))
    nets = {arm: trained.net for arm, trained in zip(sources, donors, strict=True)}
    home = _home(run, next(iter(sources.values())), nets)
    rows = []
    for spec in _places(specs):
        rows += _both_arms(_there(run, spec, nets), home, spec.target_label, seed=run.seed)
    return pd.DataFrame(rows)


def arm_costs(rows: pd.DataFrame) -> pd.DataFrame:
    """What each arm of the trained networks costs: ``arm, trunk, head, parameters, multiply_adds`` (of one image).

    ``rows`` (``data, net, image_size``) say how wide the trunk is, how large an image, and how many classes the source
    has: half of its set. ``trunk`` and ``head`` are parameters of conv1 to conv5, and of all behind it. Raises
    InputError for a set whose number of classes is not known.
    """
    import pandas as pd

    from ..models import ARMS, NetSpec, build
    from ..models.cost import layer_costs

    label, size = str(rows["net"].iloc[0]).split("-"), int(rows["image_size"].iloc[0])
    classes = source_classes(str(rows["data"].iloc[0]))
    found = []
    for arm in ARMS:
        spec = NetSpec(name=label[0], width=int(label[1]), batch_norm="bn" in label, arm=arm)
        costs = layer_costs(build(spec, classes=classes, image_size=size, seed=0), image_size=size)
        trunk = sum(cost.parameters for cost in costs if cost.name.split(".")[0] in _TRUNK)
        whole = sum(cost.parameters for cost in costs)
        found.append((arm, trunk, whole - trunk, whole, sum(cost.multiply_adds for cost in costs)))
    return pd.DataFrame(found, columns=["arm", "trunk", "head", "parameters", "multiply_adds"])


def source_classes(label: str) -> int:
    """How many classes a source network learns, by the label of its set in a table: half of them, rounded down.

    Raises InputError for a set whose number of classes is not known.
    """
    from .costs import PUBLIC

    sizes = re.search(r"\[(\d+)x\d+", label)
    if sizes is None and label not in PUBLIC:
        raise InputError(f"how many classes {label!r} has is not known; pass rows of glyphs or of {', '.join(PUBLIC)}.")
    return (int(sizes.group(1)) if sizes else PUBLIC[label][0]) // 2


def target_pictures(run: Course, wanted: Sequence[str], *, columns: int = 9) -> dict[str, tuple[Tensor, list[str]]]:
    """``columns`` test images of each target set of ``wanted``, of as many classes as there are, for ``image_grid``.

    The sets are rendered anew with few images each, so that it takes no time. Empty for sources other than glyphs:
    other people's photographs are not kept as pictures.
    """
    import torch

    from ..analysis.fc import VIEWS, group_of, plain_target
    from ..data.sources import load
    from ..experiments.profiles import FC_GLYPHS

    if run.data != "glyphs":
        return {}
    asked, found = {plain_target(name) for name in wanted}, {}
    for spec in _places(moved_specs(run.plan("fc", views=VIEWS, targets=FC_GLYPHS))):
        name = plain_target(spec.target_label)
        if name not in asked:
            continue
        images = load(replace(spec.data, glyphs_per_class=FEW), root=run.project.data)
        classes = _classes_of(spec, images)
        chosen = dict.fromkeys(classes[number % len(classes)] for number in range(columns))
        parts = [images.select([index], part="test", seed=run.seed).images for index in chosen]
        shown = torch.cat([part[: -(-columns // len(parts))] for part in parts])[:columns]
        found[f"{name} ({group_of(spec.target_label)})"] = (shown, [""] * len(shown))
    return found


_TRUNK = tuple(f"conv{n}" for n in range(1, LAST + 1))


def _places(specs: Sequence[FcSpec]) -> list[FcSpec]:
    """One network of every target."""
    return list({(spec.data, spec.part): spec for spec in specs}.values())


def _sources(specs: Sequence[FcSpec]) -> dict[str, RunSpec]:
    """The base networks of arms A and B of the first seed."""
    seed = min(spec.seed for spec in specs)
    found = {spec.arm: spec.source for spec in specs if spec.seed == seed}
    absent = [arm for arm in MEASURED_ON if arm not in found]
    if absent:
        raise InputError(f"the study has no network of arm {absent[0]}; distances are measured on arms A and B.")
    return {arm: found[arm] for arm in MEASURED_ON}


def _home(run: Course, source: RunSpec, nets: dict) -> dict[str, Seen]:
    from ..data.splits import make_split
    from ..experiments.worker import load_images

    images = load_images(source.data, run.project.data)
    classes = make_split(source.split, images).halves[source.target]
    return _seen(run, images, classes, nets)


def _there(run: Course, spec: FcSpec, nets: dict) -> dict[str, Seen]:
    from ..experiments.worker import load_images

    images = load_images(spec.data, run.project.data)
    return _seen(run, images, _classes_of(spec, images), nets)


def _classes_of(spec: FcSpec, images: ImageSet) -> tuple[int, ...]:
    from ..experiments.run_target import target_classes

    return target_classes(spec, images)[0]


def _seen(run: Course, images: ImageSet, classes: Sequence[int], nets: dict) -> dict[str, Seen]:
    from .layers import seen_by

    return {arm: seen_by(net, images, classes, layers=(LAST,), seed=run.seed)[LAST] for arm, net in nets.items()}


def _both_arms(there: dict[str, Seen], home: dict[str, Seen], name: str, *, seed: int) -> list[dict]:
    """One row per arm, and one of their means; the ends of the mean's interval are the means of both ends."""
    from ..analysis.distance import logme, proxy_a_distance

    rows = []
    for arm, seen in there.items():
        domain = proxy_a_distance(home[arm].test_features, seen.test_features, seed=seed)
        probe = seen.probe
        rows.append(
            {
                "arm": arm,
                "target_set": name,
                "classes": probe.classes,
                "probe": probe.top1,
                "logme": logme(seen.features, seen.labels),
                "domain": domain.distance,
                "domain_low": domain.low,
                "domain_high": domain.high,
                "images": domain.images,
            }
        )
    both = {key: sum(row[key] for row in rows) / len(rows) for key in MEANS}
    return [*rows, {**rows[0], "arm": "mean", **both}]
