"""The studies of the course beside the transfer study: what each adds to it, as lists of networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..errors import InputError, unknown
from ..models.spec import NetSpec
from ..training.recipe import Recipe
from .spec import RunSpec
from .study import Study, transfer_study

VOLUME_TREATMENTS = ("base", "AnB", "AnB+")
RANDOM_TREATMENTS = ("base", "random", "random-gaussian")
DIP_TREATMENTS = ("base", "BnB", "warm", "stitch")


def distant_study(**options: Any) -> Study:
    """Halves that differ in kind (Yosinski et al. 2014, section 4.2): the transfer study on such a split."""
    return transfer_study(name="distant", **options)


def random_study(*, net: NetSpec, treatments: Sequence[str] = RANDOM_TREATMENTS, **options: Any) -> Study:
    """Frozen filters that nobody trained (Yosinski et al. 2014, section 4.3) under two initialisations.

    The control is a whole network drawn by the paper's Gaussian, nothing frozen: a base of another ``net``.
    """
    _only(treatments, RANDOM_TREATMENTS, study="random")
    drawn = _learners(transfer_study(net=net, treatments=treatments, **options))
    paper = replace(net, init="gaussian")
    control = [replace(run, net=paper) for run in drawn if run.treatment == "base" and net != paper]
    return Study(name="random", runs=(*control, *drawn))


def volume_study(
    *,
    recipe: Recipe,
    volumes: Sequence[int],
    few_steps: int,
    treatments: Sequence[str] = VOLUME_TREATMENTS,
    **options: Any,
) -> Study:
    """Networks that learn a target of few images (Figure S1 and the practical question): afresh, frozen, fine-tuned.

    ``volumes`` are images per class; all images come as well, by ``recipe``. Networks of fewer images all take
    ``few_steps`` steps per epoch. Their donors have seen all images of the other half, by ``recipe``. Raises InputError
    for a volume below 1 and for treatments without such a donor.
    """
    _only(treatments, VOLUME_TREATMENTS, study="volume")
    if not volumes:
        raise InputError("volumes names no number of images per class; give at least one, such as 5.")
    for images in volumes:
        if isinstance(images, bool) or not isinstance(images, int) or images < 1:
            raise InputError(f"volume {images!r} is not a number of images per class; give whole numbers from 1 on.")
    runs = list(transfer_study(recipe=recipe, treatments=treatments, **options).runs)
    few = replace(recipe, steps=few_steps)
    donor_recipe = recipe if few != recipe else None
    for images in sorted(set(volumes)):
        made = transfer_study(recipe=few, treatments=treatments, images_per_class=images, **options).runs
        learners = [run for run in made if run.images_per_class]  # the others are donors, already there
        runs += [replace(run, donor_recipe=donor_recipe) if run.source else run for run in learners]
    return Study(name="volume", runs=tuple(dict.fromkeys(runs)))


def dip_study(
    *,
    net: NetSpec,
    recipe: Recipe,
    long_epochs: int,
    batch_norms: Sequence[bool] = (False, True),
    treatments: Sequence[str] = DIP_TREATMENTS,
    **options: Any,
) -> Study:
    """Is the fall of BnB in the middle a matter of optimisation (Yosinski et al. 2014, section 4.1)?

    BnB with the usual and with ``long_epochs`` epochs (and a base trained as long), warm and stitch; each without and
    with batch norm. A longer BnB copies from the usual base. Raises InputError unless ``long_epochs`` is longer.
    """
    _only(treatments, DIP_TREATMENTS, study="dip")
    if long_epochs <= recipe.epochs:
        raise InputError(f"long_epochs {long_epochs} is not longer than the {recipe.epochs} epochs of the recipe.")
    longer = replace(recipe, epochs=long_epochs)
    runs = []
    for batch_norm in batch_norms:
        kind = replace(net, batch_norm=batch_norm)
        runs += _learners(transfer_study(net=kind, recipe=recipe, treatments=treatments, **options))
        again = [name for name in treatments if name in ("base", "BnB")]
        long_runs = _learners(transfer_study(net=kind, recipe=longer, treatments=again, **options))
        runs += [replace(run, donor_recipe=recipe) if run.source else run for run in long_runs]
    return Study(name="dip", runs=tuple(dict.fromkeys(runs)))


def _learners(study: Study) -> list[RunSpec]:
    """The networks of ``study`` without the bases of halves that nothing else in it learns."""
    targets = {run.target for run in study.runs if run.treatment != "base"}
    return [run for run in study.runs if not targets or run.target in targets]


def _only(treatments: Sequence[str], allowed: Sequence[str], *, study: str) -> None:
    for name in treatments:
        if name not in allowed:
            raise unknown(f"treatment of study {study}", name, allowed)
