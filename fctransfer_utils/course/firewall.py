"""The measures of notebook 10 for the source networks of the study ``fc``: what their last convolutions look at.

All come from one pass over every network. Places are judged on images with known boxes that no network has learnt: the
rendered set ``glyph-places``, or the held-out classes' validation images of Tiny ImageNet. "untrained" in place of an
arm is arm A before its first step, and "no network" is a box that looks at nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from . import networks
from .firewall_tables import UNTRAINED, Boxed, Source, guesses, map_rows, other_half, picture_rows, rows_of

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from ..data.image_set import ImageSet
    from ..experiments.spec import RunSpec
    from ..experiments.study import Study
    from .lesson import Course

TABLES = ("boxes", "retrieval", "concentration", "separation", "maps", "pictures")
PLACES = "glyph-places"
WITH_BOXES = ("glyphs", "tiny-imagenet")  # sources whose study has images with known boxes
PER_CLASS, SHOWN = 20, 4
Tables = dict[str, "pd.DataFrame"]


def name_of(table: str) -> str:
    """The committed name of a table, such as ``firewall_boxes``."""
    return f"firewall_{table}"


def sources(study: Study) -> list[RunSpec]:
    """The source networks of a study ``fc``: one per split, seed and arm, in that order."""
    from ..experiments.fc_spec import FcSpec

    found = {spec.source.key: spec.source for spec in study.runs if isinstance(spec, FcSpec)}
    return sorted(found.values(), key=lambda spec: (spec.split, spec.seed, spec.net.arm))


def measure_all(
    run: Course, *, per_class: int = PER_CLASS, shown: int = SHOWN, specs: Sequence[RunSpec] | None = None
) -> Tables:
    """Every table of TABLES by its name: computed on all source networks, or in ``read`` as it is committed.

    ``per_class`` images of each class judge, ``shown`` of them are drawn for the pictures, both by the run's seed.
    ``specs`` replaces the source networks of the study. Networks are trained where they are missing. Raises InputError
    for a data set without known boxes.
    """

    planned = run.plan("fc")
    taste = planned.taste and specs is None

    @functools.cache
    def computed() -> Tables:
        return computed_tables(run, specs or sources(planned), per_class=per_class, shown=shown)

    where = {"drawn": run.seed, "per_class": per_class}
    return {
        table: run.measure(
            name_of(table), lambda table=table: computed()[table].assign(**where), where=where, taste=taste
        )
        for table in TABLES
    }


def committed(run: Course, data: str) -> Tables:
    """The committed tables of another data set, without those that are absent."""
    there = [table for table in TABLES if run.has_evidence(name_of(table), data=data)]
    return {table: run.evidence(name_of(table), data=data) for table in there}


def computed_tables(run: Course, specs: Sequence[RunSpec], *, per_class: int, shown: int) -> Tables:
    """What ``measure_all`` tells, computed now. Raises InputError for no network and as ``images_with_boxes``."""
    import pandas as pd

    if not specs:
        raise InputError("the study 'fc' has no source network to look at; give it at least one arm and one seed.")
    judges: dict[tuple, Boxed] = {}
    for spec in specs:
        if _place(spec) not in judges:
            judges[_place(spec)] = images_with_boxes(run, spec, per_class=per_class)
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES}
    first = specs[0].seed
    for place, boxed in judges.items():
        drawn = pictures_drawn(boxed, shown, run.seed)
        rows["boxes"] += guesses(boxed, split=place[1], seed=first)
        rows["pictures"] += picture_rows(boxed, drawn, rendered=boxed.name == PLACES)
    for source in with_begun(run, specs):
        boxed = judges[_place(source.spec)]
        found = rows_of(source, boxed, seed=run.seed)
        if source.spec.seed == first:
            found["maps"] = map_rows(source, boxed, pictures_drawn(boxed, shown, run.seed))
        for table, more in found.items():
            rows[table] += [{**source.place, **row} for row in more]
    return {table: pd.DataFrame(found) for table, found in rows.items()}


def images_with_boxes(run: Course, spec: RunSpec, *, per_class: int) -> Boxed:
    """``per_class`` test images of each class that the network of ``spec`` has not learnt, with their boxes.

    Raises InputError for a data set that has none and for fewer than 2 images of each class.
    """
    from ..data.boxes import test_boxes
    from ..data.spec import RENDERED
    from ..data.splits import make_split
    from ..experiments.worker import load_images

    if spec.data.name not in WITH_BOXES:
        raise InputError(f"no boxes are known for {spec.data.name}; choose one of {', '.join(WITH_BOXES)}.")
    if spec.data.name == "glyphs":
        few = spec.data.glyph_classes if spec.data.glyph_classes <= RENDERED[PLACES] else 0
        data = replace(spec.data, name=PLACES, glyph_classes=few, glyphs_per_class=1)
        images = load_images(data, run.project.data)
        classes, name = tuple(range(images.classes)), PLACES
    else:
        data, images = spec.data, load_images(spec.data, run.project.data)
        half = other_half(spec)
        classes, name = make_split(spec.split, images).halves[half], f"{data.name} {spec.split}:{half}"
    chosen = _drawn(images, classes, per_class, run.seed)
    labels = images.test_labels[chosen]
    return Boxed(
        name=name,
        images=images.test_images[chosen],
        labels=labels.numpy(),
        boxes=test_boxes(data, root=run.project.data)[chosen].double().numpy(),
        classes=tuple(images.class_names[label] for label in labels.tolist()),
    )


def with_begun(run: Course, specs: Sequence[RunSpec]) -> Iterator[Source]:
    """Every network in turn, and after arm A the same before its first step."""
    from ..data.splits import make_split
    from ..experiments.run_network import start_network
    from ..experiments.worker import load_images

    for spec, found in zip(specs, networks.with_weights(run, specs), strict=True):
        images = load_images(spec.data, run.project.data)
        place = {"split": spec.split, "seed": spec.seed}
        yield Source(found.net, {**place, "arm": spec.net.arm}, spec, images)
        if spec.net.arm == "A":
            begun = start_network(spec, images=images, split=make_split(spec.split, images)).eval()
            yield Source(begun, {**place, "arm": UNTRAINED}, spec, images)


def _place(spec: RunSpec) -> tuple:
    """What decides the images that judge a network."""
    return (spec.data, spec.split, spec.target)


def pictures_drawn(boxed: Boxed, count: int, seed: int) -> list[int]:
    """The images of the pictures: drawn, not chosen."""
    import torch

    from ..seeds import generator

    return torch.randperm(len(boxed.boxes), generator=generator(seed, "shown maps"))[:count].tolist()


def _drawn(images: ImageSet, classes: Sequence[int], per_class: int, seed: int) -> Tensor:
    """The numbers of ``per_class`` test images of each of ``classes``, or of all it has, ascending."""
    import torch

    from ..seeds import generator

    if per_class < 2:
        raise InputError(f"per_class {per_class} leaves an image nothing to find; give at least 2.")
    picks = []
    for label in classes:
        own = torch.nonzero(images.test_labels == label).flatten()
        order = torch.randperm(len(own), generator=generator(seed, "images with boxes", images.class_ids[label]))
        picks.append(own[order[:per_class]])
    return torch.cat(picks).sort().values
