import numpy as np
import pytest

from fctransfer_utils.analysis.signal_size import beside_gains, gain, layer_gains, signal_sizes
from fctransfer_utils.errors import InputError


def test_the_variance_preserving_initialisation_has_gain_1_and_the_papers_far_less():
    assert gain((2 / 363) ** 0.5, 363) == pytest.approx(1)
    assert gain(0.01, 2304) == pytest.approx(0.339, abs=1e-3)


@pytest.mark.parametrize("std", [0.01, 0.05, 0.3])
def test_a_rectified_random_layer_multiplies_the_signal_by_its_gain(std):
    rng = np.random.default_rng(3)
    signal = {"input": rng.normal(size=(400, 500))}
    weights = {"one": rng.normal(0, std, (600, 500)), "two": rng.normal(0, std, (500, 600))}
    for layer, before in (("one", "input"), ("two", "one")):
        signal[layer] = np.maximum(signal[before] @ weights[layer].T, 0)
    found, expected = signal_sizes(signal).set_index("layer"), layer_gains(weights).set_index("layer")
    assert found.loc["one", "rms"] == pytest.approx(expected.loc["one", "product"], rel=0.05)
    assert found.loc["two", "rms"] == pytest.approx(expected.loc["two", "product"], rel=0.05)
    assert found.loc["one", "active"] == pytest.approx(0.5, abs=0.02)


def test_a_constant_bias_is_size_but_tells_no_images_apart():
    values = np.ones((10, 4)) + 0.01 * np.random.default_rng(0).normal(size=(10, 4))
    found = signal_sizes({"fc6": values}).iloc[0]
    assert found["rms"] == pytest.approx(1, abs=0.01)
    assert found["between_images"] == pytest.approx(0.01, abs=0.005)


def test_the_fan_in_of_a_convolution_is_channels_times_kernel():
    found = layer_gains({"conv": np.random.default_rng(0).normal(0, 0.1, (8, 3, 5, 5))})
    assert found["fan_in"].item() == 75


def test_the_prediction_starts_from_the_size_of_the_input():
    rng = np.random.default_rng(3)
    inputs, weights = 5 * rng.normal(size=(400, 500)), {"one": rng.normal(0, 0.03, (600, 500))}
    found = beside_gains({"input": inputs, "one": np.maximum(inputs @ weights["one"].T, 0)}, weights)
    assert found["product"].tolist() == pytest.approx([5, 5 * gain(0.03, 500)], rel=0.02)
    assert found["rms"].to_numpy() == pytest.approx(found["product"].to_numpy(), rel=0.05)
    assert np.isnan(found["gain"].iloc[0])


def test_what_has_no_size_is_refused():
    with pytest.raises(InputError, match="no gain"):
        gain(-1, 10)
    with pytest.raises(InputError, match="layer fc6 has no activations"):
        signal_sizes({"fc6": np.empty((0, 3))})
