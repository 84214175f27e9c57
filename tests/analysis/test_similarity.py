import numpy as np
import pytest

from fctransfer_utils.analysis.similarity import cka_table, linear_cka
from fctransfer_utils.errors import InputError


@pytest.fixture
def features(rng):
    return rng.normal(size=(60, 8)) * np.arange(1, 9)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.mark.parametrize("debiased", [False, True])
def test_turned_scaled_and_moved_features_are_the_same(features, rng, debiased):
    turn = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    assert linear_cka(features, 3e-6 * features @ turn + 5, debiased=debiased) == pytest.approx(1)
    assert linear_cka(features, features[:, ::-1], debiased=debiased) == pytest.approx(1)


def test_stretching_one_feature_is_another_representation(features):
    stretched = features * np.array([50, 1, 1, 1, 1, 1, 1, 1])
    assert linear_cka(features, stretched) < 0.5


def test_it_is_the_textbook_formula(features, rng):
    other = features[:, :3] + rng.normal(size=(60, 3))
    x, y = (side - side.mean(0) for side in (features, other))
    expected = np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))
    assert linear_cka(features, other) == pytest.approx(expected)
    assert linear_cka(other, features) == pytest.approx(expected)


def test_many_features_of_few_images_look_alike_unless_the_bias_is_taken_out(rng):
    """p independent features of N images each: about p / (p + N), here one half; without bias 0."""
    plain, clean = [], []
    for _ in range(8):
        one, other = rng.normal(size=(2, 100, 100))
        plain.append(linear_cka(one, other))
        clean.append(linear_cka(one, other, debiased=True))
    assert np.mean(plain) == pytest.approx(0.5, abs=0.03)
    assert np.mean(clean) == pytest.approx(0, abs=0.02)


def test_every_layer_is_compared_with_every_other_layer(features, rng):
    found = cka_table({"a": features, "b": features[:, :2]}, {"c": features, "d": rng.normal(size=(60, 2))})
    assert found[["layer", "other_layer"]].to_numpy().tolist() == [["a", "c"], ["a", "d"], ["b", "c"], ["b", "d"]]
    values = found.set_index(["layer", "other_layer"])["cka"]
    assert values["a", "c"] == pytest.approx(1)
    assert values["b", "c"] == pytest.approx(linear_cka(features[:, :2], features))
    assert values["a", "d"] < 0.3


def test_features_that_cannot_be_compared_are_refused(features):
    with pytest.raises(InputError, match="60 and 59 images"):
        linear_cka(features, features[1:])
    with pytest.raises(InputError, match=r"\[50, 60\] images"):
        cka_table({"a": features}, {"b": features[:50]})
    with pytest.raises(InputError, match="3 images are too few"):
        linear_cka(features[:3], features[:3])
    with pytest.raises(InputError, match="same for every image"):
        linear_cka(features, np.ones((60, 2)))
    with pytest.raises(InputError, match="not finite"):
        linear_cka(features, np.full((60, 2), np.nan))
