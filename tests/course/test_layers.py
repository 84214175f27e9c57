import numpy as np
import pytest

from fctransfer_utils.analysis.distance import distances
from fctransfer_utils.analysis.similarity import linear_cka
from fctransfer_utils.course.layers import before_training, layers_of, seen_by_bases, weights_of
from fctransfer_utils.course.start import start
from fctransfer_utils.errors import InputError


@pytest.fixture
def run(project):
    return start("06_distant_tasks_and_random_filters", profile="smoke")


def test_both_bases_see_both_halves_and_the_same_images(run):
    seen = seen_by_bases(run, "letters-symbols", layers=(0, 1, 7))
    assert set(seen) == {("A", "A"), ("A", "B"), ("B", "A"), ("B", "B")}
    first, second = seen["A", "B"], seen["B", "B"]
    assert np.array_equal(first[0].features, second[0].features)  # pixels do not depend on the network
    assert not np.array_equal(first[7].features, second[7].features)
    assert len(first[1].features) == len(first[1].labels) == 4 * 12  # four classes of the 12 images there are
    found = distances(seen["A", "B"][7], seen["B", "B"][7], seen["A", "A"][7])
    assert found["probe_loss"] == pytest.approx(100 * (found["own_probe"] - found["probe"]))
    assert 0 <= found["domain_low"] <= found["domain"] <= found["domain_high"] <= 2
    itself = distances(seen["B", "B"][7], seen["B", "B"][7], seen["B", "B"][7])
    assert itself["probe_loss"] == itself["logme_loss"] == 0


def test_both_initialisations_draw_the_same_features_at_another_size(run):
    """Without biases a rectified network passes a factor through, so only the size of the signal differs."""
    base = run.base_networks()["A"]
    nets = {init: before_training(run, base, init=init) for init in ("he", "gaussian")}
    features = {init: layers_of(net, run.images(), per_class=4) for init, net in nets.items()}
    for layer in ("conv1", "conv3", "fc7"):
        he, gaussian = features["he"][layer], features["gaussian"][layer]
        assert linear_cka(he, gaussian) == pytest.approx(1, abs=1e-4)
        assert np.abs(gaussian).mean() < 0.2 * np.abs(he).mean()
    cosine = [
        (weights_of(nets["he"])[layer] * weights_of(nets["gaussian"])[layer]).sum()
        / np.prod([np.linalg.norm(weights_of(net)[layer]) for net in nets.values()])
        for layer in ("conv1", "fc6")
    ]
    assert cosine == pytest.approx([1, 1], abs=1e-5)


def test_the_input_comes_first_and_whole_maps_on_request(run):
    net = run.base_networks()["A"].net
    found = layers_of(net, run.images(), per_class=2, layers=(0, 1), pool=0)
    assert list(found) == ["input", "conv1"]
    assert found["input"].shape == (16, 3 * 32 * 32)
    assert found["input"].std() == pytest.approx(1, abs=0.2)
    assert found["conv1"].shape == (16, 12 * 16 * 16)


def test_a_split_without_groups_is_one_clear_error_on_every_path(run):
    for ask in (
        lambda: run.study("distant", splits=("natural-manmade",)),
        lambda: seen_by_bases(run, "natural-manmade"),
    ):
        with pytest.raises(InputError, match="needs classes named by ImageNet's wnids.*Use tiny-imagenet"):
            ask()
