"""What a study costs before it is run: a count of images seen, and how fast this machine sees them.

For operations, memory and disk as well: ``experiments.forecast``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..data.outline import PUBLIC
from ..errors import InputError

if TYPE_CHECKING:
    from ..data.image_set import ImageSet
    from ..data.spec import DataSpec
    from ..experiments.spec import RunSpec
    from ..experiments.study import Study
    from ..training.execution import Execution


class Cost(NamedTuple):
    """Seeds and networks of a study, classes and training images of a half, and what all networks see in training."""

    seeds: int
    networks: int
    classes: int
    images: int
    epochs: int
    images_seen: int


def count(study: Study, *, images: ImageSet | None = None) -> Cost:
    """``images_seen`` = the sum over all networks of (training images of its half, or steps x batch size) x epochs.

    A half is half of the classes, rounded down. ``images`` are those of a set whose size is not known beforehand.
    Raises InputError when it is neither given nor known.
    """
    from ..experiments.costs import seen_in_an_epoch

    first = study.runs[0]
    classes, per_class = (images.classes, len(images.train_labels) // images.classes) if images else _size(first.data)
    half = classes // 2
    learnt = [half * (run.images_per_class or per_class) for run in study.runs]
    seen = sum(seen_in_an_epoch(run, own) * run.recipe.epochs for own, run in zip(learnt, study.runs, strict=True))
    seeds = len({run.seed for run in study.runs})
    return Cost(seeds, len(study.runs), half, learnt[0], first.recipe.epochs, seen)


def _size(data: DataSpec) -> tuple[int, int]:
    """Classes and training images per class."""
    if data.name == "glyphs":
        return data.glyph_classes, data.glyphs_per_class
    if data.name not in PUBLIC:
        raise InputError(f"how many images {data.name!r} has is not known; load it and pass it as images.")
    return PUBLIC[data.name][:2]


def training_speed(run: RunSpec, *, classes: int, execution: Execution, seconds: float = 1.0) -> float:
    """Images per second at which one network like ``run`` learns here, measured on noise for about ``seconds``."""
    from ..experiments.forecast import probed

    return probed(run, classes=classes, execution=execution, seconds=seconds).images
