"""The small experiments of notebook 11 on one donor: what new layers need. Each returns the table of a measure.

Frozen trunks are run once (``Moved.features``); what is trained behind them are heads. Tables have one row per network
or step and a column ``seed``; top-1 values are fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..models.heads import HeadSpec
    from ..training.recipe import Recipe
    from .lesson import Course
    from .moved import Moved

CUT = "conv5"
HALF = 2  # every second test image judges where each epoch is judged twice


def first_steps(
    task: Moved, specs: Mapping[str, HeadSpec], *, seeds: Sequence[int], steps: int, learning_rate: float
) -> pd.DataFrame:
    """The first steps of a head per spec on the frozen last convolution: ``choice, seed, step, loss`` and, of the
    batch's gradient for each layer, its norm: ``norm_fc6, ...``.
    """
    from ..models.heads import build_head
    from ..training import gradients

    learn, _ = task.features(CUT)
    rows = []
    for choice, spec in specs.items():
        for seed in seeds:
            head = build_head(spec, features=tuple(learn.values.shape[1:]), classes=task.classes, seed=seed)
            for step in gradients.first_steps(head, learn, steps=steps, learning_rate=learning_rate, seed=seed):
                norms = {f"norm_{layer}": norm for layer, norm in step.norms.items()}
                rows.append({"choice": choice, "seed": seed, "step": step.step, "loss": step.loss, **norms})
    return pd.DataFrame(rows)


def first_gradients(
    task: Moved, last_inits: Sequence[str], *, cuts: Sequence[str] = (CUT, "fc7"), seeds: Sequence[int]
) -> pd.DataFrame:
    """The first gradient into the trunk by how a new last layer on a cut is drawn.

    Columns ``cut, last_init, seed, gradient`` (norm for all old weights) and ``conv1`` (norm in the lowest layer).
    """
    from ..models.fresh import cut_number, keep_layers
    from ..training.gradients import first_gradients as gradients
    from ..training.gradients import into_trunk

    rows = []
    for cut in cuts:
        for init in last_inits:
            for seed in seeds:
                net = keep_layers(
                    task.net, cut, classes=task.classes, image_size=task.images.image_size, last_init=init, seed=seed
                )
                found = gradients(net, task.learn, kept=cut_number(task.net, cut), **task.pixels)
                rows.append((cut, init, seed, into_trunk(found), found[0].norm))
    return pd.DataFrame(rows, columns=["cut", "last_init", "seed", "gradient", "conv1"])


def head_first(
    task: Moved,
    specs: Mapping[str, HeadSpec],
    *,
    recipe: Recipe,
    seeds: Sequence[int],
    each: Callable[..., Iterable[list[tuple]]] = map,
) -> pd.DataFrame:
    """Each head trained alone, with everything at once, and first alone, then with everything.

    Columns ``choice, way, seed, epoch, top1, degraded_top1, moved, gradient``; see ``training.head_first``. ``each``
    calls a function for every one of them (``Course.each``: side by side).
    """
    from ..data.image_set import Labelled
    from ..data.variants import degraded
    from ..training.head_first import WAYS

    learn, judge = task.features(CUT)
    seen = Labelled(*(values[::HALF] for values in task.judge))
    features = learn, type(judge)(*(values[::HALF] for values in judge))
    worse = Labelled(degraded(seen.images, seed=0), seen.labels)
    common = {
        "learn": task.learn, "judge": seen, "degraded": worse, "features": features,
        "classes": task.classes, "recipe": recipe, "flip": task.images.flip, **task.pixels,
    }  # fmt: skip
    asked = [(choice, spec, way, seed) for choice, spec in specs.items() for way in WAYS for seed in seeds]
    rows = chain.from_iterable(each(partial(_tuned, task.trunk, common), asked))
    return pd.DataFrame(rows, columns=["choice", "way", "seed", "epoch", "top1", "degraded_top1", "moved", "gradient"])


def _tuned(trunk: nn.Sequential, common: Mapping[str, Any], asked: tuple[str, HeadSpec, str, int]) -> list[tuple]:
    from ..training.head_first import tune

    choice, spec, way, seed = asked
    tuned = tune(trunk, spec, way, seed=seed, **common)
    return [(choice, way, seed, *point, tuned.gradient) for point in tuned.curve]


def heads(task: Moved, specs: Mapping[str, HeadSpec], *, recipe: Recipe, seeds: Sequence[int]) -> pd.DataFrame:
    """A head per spec and seed on the frozen last convolution: ``choice, seed, top1, train_top1, parameters``."""
    from ..training.heads import train_heads

    rows = []
    for choice, spec in specs.items():
        for seed in seeds:
            (found,) = train_heads([spec], *task.features(CUT), classes=task.classes, recipe=recipe, seed=seed)
            rows.append((choice, seed, found.top1, found.curve[-1].train_top1, found.parameters))
    return pd.DataFrame(rows, columns=["choice", "seed", "top1", "train_top1", "parameters"])


def image_sizes(
    run: Course, task: Moved, sizes: Sequence[int], *, recipe: Recipe, per_class: int, seeds: Sequence[int]
) -> pd.DataFrame:
    """The same frozen trunk on images of other sizes, with a linear head in three ways.

    Images are rendered or read at twice the trunk's own size and shrunk from there. Columns ``size, way, map, seed,
    top1``: "flatten" the map as it is (a head for every size), "average to own map" first (one head for all sizes), or
    average over all of it ("gap"). ``map`` is the side of the map that comes out of the trunk.
    """
    from ..data.variants import resized
    from ..models.heads import HeadSpec, feature_size
    from ..training.cuts import features_at
    from ..training.heads import train_heads

    learn, judge, own = _larger(run, task, per_class)
    side = feature_size(task.trunk, image_size=own)[-1]
    rows = []
    for size in sizes:
        shape = feature_size(task.trunk, image_size=size)
        parts = [part._replace(images=resized(part.images, size)) for part in (learn, judge)]
        seen = [features_at(task.trunk, part, [CUT], **task.pixels)[CUT] for part in parts]
        seen = [part._replace(values=part.values.reshape(-1, *shape)) for part in seen]
        pooled = [part._replace(values=_averaged(part.values, side)) for part in seen]
        ways = {"flatten": (seen, "flatten"), "average to own map": (pooled, "flatten"), "gap": (seen, "gap")}
        for way, (features, pool) in ways.items():
            for seed in seeds:
                spec = HeadSpec(pool=pool)
                (found,) = train_heads([spec], *features, classes=task.classes, recipe=recipe, seed=seed)
                rows.append((size, way, shape[-1], seed, found.top1))
    return pd.DataFrame(rows, columns=["size", "way", "map", "seed", "top1"])


def vgg19_case(run: Course, weights, *, recipe: Recipe, per_class: int, seeds: Sequence[int]) -> pd.DataFrame:
    """The question from the forums with real weights: VGG-19 cut after fc7, or a new dense layer on its last
    convolution, on half B of the images, enlarged to 224 pixels. Columns of ``training.cuts.CutResult``.
    """
    from ..data.splits import make_split
    from ..models.adapters import IMAGENET_MEAN, IMAGENET_STD, adapted
    from ..training.cuts import compare_cuts
    from .layers import at_most

    images = run.images()
    classes = make_split("random0", images).halves["B"]
    parts = [
        images.select(classes, part=part, per_class=at_most(images, classes, part, per_class), seed=run.seed)
        for part in ("train", "test")
    ]
    found = compare_cuts(
        adapted("vgg19", weights=weights), learn=parts[0], judge=parts[1], classes=len(classes), recipe=recipe,
        mean=IMAGENET_MEAN, std=IMAGENET_STD, image_size=224, seeds=seeds,
    )  # fmt: skip
    return pd.DataFrame(found)


def _averaged(values: Tensor, side: int) -> Tensor:
    import torch.nn.functional as F

    return F.adaptive_avg_pool2d(values, side)


def _larger(run: Course, task: Moved, per_class: int):
    """Half B at twice the image size: training and test images, and the trunk's own size."""
    from ..data.splits import make_split
    from ..experiments.worker import load_images
    from .layers import at_most

    spec = run.plan().runs[0].data
    more = {"glyphs_per_class": per_class} if spec.name == "glyphs" else {}  # rendering all of them takes longer
    images = load_images(replace(spec, image_size=2 * spec.image_size, **more), run.project.data)
    classes = make_split("random0", images).halves["B"]
    parts = [
        images.select(classes, part=part, per_class=at_most(images, classes, part, count), seed=run.seed)
        for part, count in (("train", per_class), ("test", len(task.judge.labels) // task.classes))
    ]
    return *parts, spec.image_size
