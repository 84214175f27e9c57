"""Measures of networks that a store holds, computed outside a notebook and written where the notebooks read them.

For studies that take longer than anybody watches: train them with ``fctransfer run``, measure with ``fctransfer
measure``. With FCTRANSFER_RENEW=1 the tables go to ``figures/data``, otherwise to ``build/figures/data``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, unknown

if TYPE_CHECKING:
    from ..experiments.study import Study
    from .lesson import Course


def _keep_distances(run: Course, study: Study) -> None:
    from .moved import target_distances

    run.measure("keep_distances", lambda: target_distances(run, study=study).assign(donor_seed=run.seed))


def _fc_distances(run: Course, study: Study) -> None:
    from .fc import DISTANCES, target_distances

    run.measure(DISTANCES, lambda: target_distances(run, study=study).assign(donor_seed=run.seed))


def _firewall(run: Course, study: Study) -> None:
    from .firewall import measure_all, sources

    there = [spec for spec in sources(study) if run.store.has(spec.key)]
    if not there:
        raise InputError(
            f"the store {run.store.path} holds no source network of this study; train it with fctransfer run fc."
        )
    measure_all(run, specs=there)


def _explore_filters(run: Course, study: Study) -> None:
    from .explore import measure_filters

    measure_filters(run, study)


def _explore_maps(run: Course, study: Study) -> None:
    from .explore import measure_maps

    measure_maps(run, study)


MEASURES: dict[str, tuple[str, str, Callable[[Course, Study], None]]] = {
    "keep_distances": ("keep", "11_which_layers_to_keep", _keep_distances),
    "fc_distances": ("fc", "09_fc_versus_gap", _fc_distances),
    "firewall": ("fc", "10_firewall", _firewall),
    "explore_filters": ("transfer", "12_explore", _explore_filters),
    "explore_maps": ("fc", "12_explore", _explore_maps),
}
"""By name: the study whose networks are measured, the notebook that reads the table, and the function."""


def study_of(name: str) -> str:
    """The study that a measure is of. Raises InputError for an unknown measure."""
    if name not in MEASURES:
        raise unknown("measure", name, MEASURES)
    return MEASURES[name][0]


def measure(name: str, study: Study, *, profile: str, data: str, store: Path | str, seed: int = 0) -> Path:
    """Compute the measure ``name`` of ``study`` from the networks in ``store``; the folder that its tables went to.

    Source networks that are missing are trained. Raises InputError for an unknown measure, a profile that trains
    nothing, and a store that cannot be used.
    """
    from ..experiments.store import Store
    from .start import start

    study_of(name)
    there = Store(store)
    run = start(MEASURES[name][1], profile=profile, data=data, seed=seed)
    if not run.trains:
        raise InputError("the profile 'read' trains nothing, so there is nothing to measure; choose quick or full.")
    run.store = there  # in place of the one that the notebooks of this profile share
    MEASURES[name][2](run, study)
    return run.figures / "data"
