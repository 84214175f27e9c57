"""How large the signal is after each layer, and what the initialisation says that it should be.

For weights of mean 0 and standard deviation s with k inputs each, and rectified outputs, the root mean square of the
signal is multiplied by s * sqrt(k / 2) on average (He et al. 2015, section 2.2; biases 0). He's initialisation chooses
s = sqrt(2 / k), which makes this 1. Maximum pooling raises it, so a measured signal lies above the product of gains.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..errors import InputError


def gain(std: float, fan_in: int) -> float:
    """What a rectified layer multiplies the root mean square of its input by: ``std * sqrt(fan_in / 2)``."""
    if fan_in < 1 or not std >= 0:
        raise InputError(f"a layer with std {std} and {fan_in} inputs has no gain; give std >= 0 and fan_in >= 1.")
    return std * (fan_in / 2) ** 0.5


def layer_gains(weights: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """The gains of layers from their weights (outputs, inputs, ...): ``layer, fan_in, std, gain, product``.

    ``product`` is that of all gains up to the layer. Convolutions have a fan-in of channels times kernel.
    """
    rows, product = [], 1.0
    for layer, weight in weights.items():
        values = np.asarray(weight, dtype=np.float64).reshape(len(weight), -1)
        fan_in, std = values.shape[1], float(values.std())
        product *= gain(std, fan_in)
        rows.append((layer, fan_in, std, gain(std, fan_in), product))
    return pd.DataFrame(rows, columns=["layer", "fan_in", "std", "gain", "product"])


def signal_sizes(activations: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """The size of given activations (N, features) by layer: ``layer, rms, between_images, active``.

    ``rms`` is the root mean square; ``between_images`` the standard deviation of a feature over images (root mean
    square over features), which is what tells images apart: a bias that is the same for all adds to the first only.
    ``active`` is the share of values above 0.
    """
    rows = []
    for layer, values in activations.items():
        values = np.asarray(values, dtype=np.float64)
        if not values.size:
            raise InputError(f"layer {layer} has no activations; select at least one image.")
        rms = float(np.sqrt((values**2).mean()))
        between = float(np.sqrt(values.var(axis=0).mean()))
        rows.append((layer, rms, between, float((values > 0).mean())))
    return pd.DataFrame(rows, columns=["layer", "rms", "between_images", "active"])


def beside_gains(activations: Mapping[str, np.ndarray], weights: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """``signal_sizes`` with the ``layer_gains`` of each layer, and ``product`` as the size that they predict.

    The first entry of ``activations`` is the input: the prediction starts from its root mean square.
    """
    sizes, gains = signal_sizes(activations), layer_gains(weights)
    result = sizes.merge(gains, on="layer", how="left")
    start = float(result["rms"].iloc[0])
    result["product"] = start * result["product"].where(result.index > 0, 1.0)
    return result
