import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from fctransfer_utils.analysis.distance import Seen, distances, linear_probe, logme, probe_rows, proxy_a_distance
from fctransfer_utils.errors import InputError


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def classes(rng, *, apart: float, count: int = 40, width: int = 6):
    """Three classes of normal features whose centres are ``apart`` standard deviations from 0."""
    labels = np.repeat(np.arange(3), count)
    return rng.normal(size=(3 * count, width)) + apart * np.eye(3, width)[labels], labels


def test_a_probe_finds_what_is_there_and_guesses_where_nothing_is(rng):
    clear = linear_probe(*classes(rng, apart=9), *classes(rng, apart=9))
    assert (clear.top1, clear.classes, clear.images) == (1.0, 3, 120)
    nothing = linear_probe(*classes(rng, apart=0), *classes(rng, apart=0, count=200))
    assert nothing.top1 == pytest.approx(1 / 3, abs=0.08)


def test_a_probe_does_not_depend_on_the_scale_of_a_feature_and_bears_dead_ones(rng):
    (features, labels), (test, test_labels) = classes(rng, apart=2), classes(rng, apart=2)
    scale = np.array([1e-5, 1, 1e4, 1, 1, 1])
    same = linear_probe(features * scale, labels, test * scale, test_labels)
    assert same == linear_probe(features, labels, test, test_labels)
    dead = [np.concatenate([side, np.zeros((len(side), 2))], axis=1) for side in (features, test)]
    assert linear_probe(dead[0], labels, dead[1], test_labels).top1 == pytest.approx(same.top1, abs=0.02)


def test_logme_orders_features_by_what_they_are_worth(rng):
    scores = [logme(*classes(np.random.default_rng(1), apart=apart)) for apart in (0, 1, 2, 4)]
    assert scores == sorted(scores)
    assert scores[-1] - scores[0] > 0.3


def test_logme_prefers_few_features_that_suffice_to_many_that_do_not_help(rng):
    features, labels = classes(rng, apart=3)
    padded = np.concatenate([features, rng.normal(size=(120, 60))], axis=1)
    assert logme(features, labels) > logme(padded, labels)


def test_logme_is_the_largest_evidence_of_the_linear_model(rng):
    """Written out: y ~ N(0, F F' / alpha + I / beta), maximised over both precisions by a general search."""
    features, labels = classes(rng, apart=1.5, count=20)
    expected = []
    for label in range(3):
        target = (labels == label).astype(float)

        def lost(logs, target=target):
            covariance = features @ features.T / np.exp(logs[0]) + np.eye(len(target)) / np.exp(logs[1])
            return -stats.multivariate_normal(np.zeros(len(target)), covariance).logpdf(target)

        expected.append(-optimize.minimize(lost, [0, 0], method="Nelder-Mead").fun / len(target))
    assert logme(features, labels) == pytest.approx(np.mean(expected), abs=1e-3)


def test_logme_does_not_depend_on_the_scale_of_the_features(rng):
    features, labels = classes(rng, apart=1.5)
    assert logme(1e-7 * features, labels) == pytest.approx(logme(features, labels))


def test_logme_bears_more_features_than_images_and_worthless_ones(rng):
    labels = np.repeat([0, 1], 10)
    assert np.isfinite(logme(rng.normal(size=(20, 100)), labels))
    assert np.isfinite(logme(np.zeros((20, 3)), labels))


def test_images_of_one_kind_are_at_distance_0(rng):
    found = [proxy_a_distance(*rng.normal(size=(2, 300, 5)), seed=seed) for seed in range(5)]
    assert np.mean([d.distance for d in found]) < 0.15
    assert np.mean([d.error for d in found]) == pytest.approx(0.5, abs=0.05)
    assert all(d.low <= d.distance <= d.high and d.low == 0 for d in found)


def test_images_that_a_line_separates_are_at_distance_2(rng):
    one, other = rng.normal(size=(2, 100, 5)) + np.array([0, 30])[:, None, None]
    found = proxy_a_distance(one, other)
    assert (found.distance, found.error, found.images) == (2, 0, 100)
    assert 1.8 < found.low < found.high == 2


def test_the_distance_grows_with_the_shift_and_only_counts_images_held_out(rng):
    base = rng.normal(size=(400, 5))
    shifts = [proxy_a_distance(base, rng.normal(size=(400, 5)) + s).distance for s in (0, 0.5, 1, 2)]
    assert shifts == sorted(shifts)
    wide = rng.normal(size=(2, 40, 500))  # with more features than images every classifier fits what it learnt
    assert proxy_a_distance(*wide).distance < 0.8


def test_the_larger_set_is_thinned_so_that_guessing_is_wrong_half_of_the_time(rng):
    found = proxy_a_distance(rng.normal(size=(1000, 3)), rng.normal(size=(100, 3)))
    assert found.images == 100
    assert found.error > 0.3


def test_the_distances_of_a_task_are_what_its_probes_and_evidence_lack(rng):
    def seen(apart):
        return Seen(*classes(rng, apart=apart), *classes(rng, apart=apart))

    other, own, home = seen(1), seen(4), seen(1)
    found = distances(other, own, home)
    assert found["probe_loss"] == pytest.approx(100 * (own.probe.top1 - other.probe.top1))
    assert found["logme_loss"] == pytest.approx(found["own_logme"] - found["logme"])
    assert min(found["probe_loss"], found["logme_loss"]) > 0
    assert found["domain"] < 0.8  # the same images but for their noise
    assert distances(own, own, Seen(*(part + 50 for part in home)))["domain"] == 2


def test_probes_stand_in_rows_of_their_own():
    table = pd.DataFrame(
        {"split": "random0", "target": ["A", "B"], "n": 3, "probe": [0.1, 0.2], "own_probe": [0.3, 0.4]}
    )
    found = probe_rows(table).set_index(["learnt", "target"])["top1"]
    assert found.to_dict() == {("own", "A"): 0.3, ("own", "B"): 0.4, ("other", "A"): 0.1, ("other", "B"): 0.2}


def test_what_cannot_be_measured_is_refused(rng):
    features, labels = classes(rng, apart=1)
    with pytest.raises(InputError, match="120 features and 119 labels"):
        logme(features, labels[1:])
    with pytest.raises(InputError, match="at least 2 classes"):
        linear_probe(features[:40], labels[:40], features, labels)
    with pytest.raises(InputError, match="from the same layer"):
        linear_probe(features, labels, features[:, :3], labels)
    with pytest.raises(InputError, match="from the same layer"):
        proxy_a_distance(features, features[:, :3])
    with pytest.raises(InputError, match="3 images of one kind are too few"):
        proxy_a_distance(features, features[:3])
    with pytest.raises(InputError, match="no test features"):
        linear_probe(features, labels, features[:0], labels[:0])
    with pytest.raises(InputError, match="not finite"):
        logme(np.full((4, 2), np.inf), [0, 0, 1, 1])
