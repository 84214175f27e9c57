"""FC against GAP as a list of networks: the arms' source networks, and each of them moved to targets by protocols."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..data.spec import DataSpec
from ..errors import InputError, unknown
from ..models.arms import ARMS
from ..models.spec import NetSpec
from ..training.recipe import Recipe
from .fc_spec import (
    ON_SOURCE,
    PROTOCOLS,
    TRUNK_LAYERS,
    VALIDATION,
    WITH,
    WITH_HIDDEN,
    WITHOUT,
    FcSpec,
    probed_layers,
)
from .spec import RunSpec
from .study import Study, checked_seeds, several

LEARNT = "A"  # the half that a source network learns; the other one is held out
BATCH = 32  # on a target, where images are few
FIRST_PROTOCOLS = ("P1", "P2", "P3")


def fc_study(
    *,
    data: DataSpec,
    net: NetSpec,
    recipe: Recipe,
    splits: Sequence[str],
    seeds: Sequence[int],
    arms: Sequence[str],
    protocols: Sequence[str],
    labels: Sequence[int],
    rates: Sequence[float],
    steps: int,
    targets: Sequence[tuple[DataSpec, str]],
    validation: int = VALIDATION,
) -> Study:
    """The study of Zhang et al. 2017 as five arms, eight protocols, and targets near and far.

    A source network per arm and seed learns half A of the first split; on each of ``targets`` (a data set and its part:
    "all" or a half) it is moved by each protocol, with each number of ``labels`` per class and at each of ``rates``, in
    ``steps`` steps; ``validation`` other images of each class choose the rate. The probes of every layer (P8) are made
    with the largest number of labels only. Raises InputError for unknown names and empty lists.
    """
    for name, values, allowed in (("arm", arms, tuple(ARMS)), ("protocol", protocols, (*PROTOCOLS, *ON_SOURCE))):
        for value in several(name, values):
            if value not in allowed:
                raise unknown(name, value, allowed)
    for name, numbers in (("number of labels per class", labels), ("learning rate", rates), ("target", targets)):
        if not numbers:
            raise InputError(f"no {name} is given; give at least one.")
    split = several("split", splits)[0]
    sources = {
        (seed, arm): RunSpec(data=data, net=replace(net, arm=arm), recipe=recipe, split=split, seed=seed, target=LEARNT)
        for seed in checked_seeds(seeds)
        for arm in arms
    }
    runs: list[RunSpec | FcSpec] = list(sources.values())
    chosen = set(protocols)
    for part in (FIRST_PROTOCOLS, tuple(name for name in PROTOCOLS if name not in FIRST_PROTOCOLS)):
        for (seed, _), source in sources.items():
            for target, where in targets:
                common = {"source": source, "data": target, "part": where, "seed": seed}
                common["validation_per_class"] = validation
                for count in sorted(set(labels)):
                    for protocol in (name for name in part if name in chosen):
                        if protocol == "P8" and count < max(labels):
                            continue
                        for layer in _layers(protocol, source.net.arm):
                            for rate in sorted(set(rates)):
                                learn = _on_target(recipe, rate, steps)
                                runs.append(
                                    FcSpec(
                                        **common, protocol=protocol, layer=layer, labels_per_class=count, recipe=learn
                                    )
                                )
    runs += _on_source([each for (_, arm), each in sources.items() if arm == WITH], chosen)
    return Study(name="fc", runs=tuple(runs), in_order=True)


def _layers(protocol: str, arm: str) -> tuple[str, ...]:
    """The layers that ``protocol`` probes; one empty name where it does not probe; none where it is not for the arm."""
    if protocol == "P1":
        return (TRUNK_LAYERS[-1],)
    if protocol == "P8":
        return tuple(layer for layer in probed_layers(arm) if layer != TRUNK_LAYERS[-1])
    if (protocol == "P4" and arm not in WITH_HIDDEN) or (protocol == "P5" and arm != WITHOUT):
        return ()
    return ("",)


def _on_target(recipe: Recipe, rate: float, steps: int) -> Recipe:
    """How a network learns on a target: one look at the test images, at the end, and no augmentation."""
    return replace(recipe, epochs=1, steps=steps, batch_size=BATCH, learning_rate=rate, crop_padding=0)


def _on_source(sources: Sequence[RunSpec], chosen: set[str]) -> Iterator[FcSpec]:
    """The paper's own conversion and what to compare it with: networks of arm B trained on by the same recipe."""
    for source in sources:
        for protocol in (name for name in ON_SOURCE if name in chosen):
            part = f"{source.split}:{source.target}"
            yield FcSpec(
                source=source, data=source.data, part=part, protocol=protocol, validation_per_class=0,
                recipe=source.recipe, seed=source.seed,
            )  # fmt: skip
