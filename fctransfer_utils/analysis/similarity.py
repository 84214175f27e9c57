"""How alike the layers of two networks are: linear CKA of every two, for a table.

``linear_cka`` itself lies below all rooms, in ``cka``, since the FC study puts it into the records of its networks.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..cka import linear_cka, of_products, products
from ..errors import InputError

__all__ = ["cka_table", "linear_cka"]


def cka_table(
    one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray], *, debiased: bool = False
) -> pd.DataFrame:
    """Every layer of one network against every layer of another: columns ``layer, other_layer, cka``.

    ``one`` and ``other`` map names of layers to features (N, p) of the same images. Raises InputError as
    ``linear_cka``.
    """
    mine = {name: products(features, debiased=debiased) for name, features in one.items()}
    theirs = {name: products(features, debiased=debiased) for name, features in other.items()}
    counts = {len(gram) for gram in (*mine.values(), *theirs.values())}
    if len(counts) > 1:
        raise InputError(f"the layers hold features of {sorted(counts)} images; give all for the same images.")
    rows = [
        (name, other_name, of_products(gram, other_gram, debiased=debiased))
        for name, gram in mine.items()
        for other_name, other_gram in theirs.items()
    ]
    return pd.DataFrame(rows, columns=["layer", "other_layer", "cka"])
