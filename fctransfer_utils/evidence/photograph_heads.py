"""The three heads on photographs, from the search on ``TUNE`` to what every replicate finds."""

from __future__ import annotations

import pandas as pd

from ..experiments import engine
from ..experiments.head_measures import measured as measured_in
from ..experiments.head_studies import HeadSizes, best_rates, head_search, length_search, matched, source_search
from ..experiments.loader import Loader
from ..experiments.store import Store
from ..experiments.studies import Study


def measured(sizes: HeadSizes, store: Store, *, load: Loader, workers: int = 1) -> pd.DataFrame:
    """What ``head_measures.measured`` gives for all replicates; the lengths of their sources are searched in each.

    ``sizes``: those of ``head_sizes("full", "tiny-imagenet")``, whose targets lie as folders beside Tiny ImageNet.
    """

    def train(study: Study) -> pd.DataFrame:
        return engine.trained(study, store, load=load, workers=workers)

    equal, long = matched(sizes, source_search(sizes, train))
    rates = best_rates(head_search(sizes, equal, train))
    best, parts = {head: recipe.learning_rate for head, recipe in long.items()}, []
    for number in range(sizes.source.replicates):
        equal, long = matched(sizes, length_search(sizes, best, train, replicate=number))
        parts.append(measured_in(sizes, [number], store, equal=equal, long=long, rates=rates, load=load))
    return pd.concat(parts)
