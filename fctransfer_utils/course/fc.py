"""The FC study in a notebook: how far each target is before anything is trained on it, and what each arm costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import InputError
from . import networks

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis.distance import Seen
    from ..experiments.fc_spec import FcSpec
    from ..experiments.spec import RunSpec
    from ..experiments.study import Study
    from .lesson import Course

DISTANCES = "fc_distances"
MEASURED_ON = ("A", "B")
LAST = 5  # conv5, the last layer that all arms share
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
    places = {(spec.data, spec.part): spec for spec in specs}
    rows = []
    for spec in places.values():
        rows += _both_arms(_there(run, spec, nets), home, spec.target_label, seed=run.seed)
    return pd.DataFrame(rows)


def arm_costs(source: RunSpec, *, classes: int) -> pd.DataFrame:
    """What each arm costs for ``classes`` classes: ``arm, trunk, head, parameters, multiply_adds`` (of one image).

    ``trunk`` and ``head`` are parameters of conv1 to conv5, and of all behind it. ``source`` is the base network of any
    arm, which says how wide the trunk is and how large an image.
    """
    import pandas as pd

    from ..models import ARMS, build
    from ..models.cost import layer_costs

    rows = []
    for arm in ARMS:
        size = source.data.image_size
        costs = layer_costs(
            build(replace(source.net, arm=arm), classes=classes, image_size=size, seed=0), image_size=size
        )
        trunk = sum(cost.parameters for cost in costs if cost.name.split(".")[0] in _TRUNK)
        whole = sum(cost.parameters for cost in costs)
        rows.append((arm, trunk, whole - trunk, whole, sum(cost.multiply_adds for cost in costs)))
    return pd.DataFrame(rows, columns=["arm", "trunk", "head", "parameters", "multiply_adds"])


def source_of(study: Study) -> RunSpec:
    """The first network of the study that learns the source. Raises InputError when none is moved."""
    return moved_specs(study)[0].source


def source_classes(source: RunSpec) -> int:
    """How many classes a source network learns. Raises InputError for a set whose size is not known beforehand."""
    from ..experiments.study import Study
    from .costs import count

    return count(Study(name="fc", runs=(source,))).classes


_TRUNK = tuple(f"conv{n}" for n in range(1, LAST + 1))


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
    from ..experiments.run_target import target_classes
    from ..experiments.worker import load_images

    images = load_images(spec.data, run.project.data)
    classes, _ = target_classes(spec, images)
    return _seen(run, images, classes, nets)


def _seen(run: Course, images, classes: Sequence[int], nets: dict) -> dict[str, Seen]:
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
