"""Convex probes: what scikit-learn finds, chosen without a look at the rows that judge; heads trained at once."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from fctransfer_utils.data.images import Images
from fctransfer_utils.errors import InputError
from fctransfer_utils.training import probes
from fctransfer_utils.training.loop import train
from fctransfer_utils.training.probes import combine, cross_validated, fit_heads, fit_probe, folds, widened
from fctransfer_utils.training.recipe import Recipe

torch.set_num_threads(1)
SHAPES = ((150, 30), (60, 200))  # more rows than features, and fewer


def gaussian(rows, width, *, classes=4, apart=0.5, seed=0):
    """Rows of classes whose means lie ``apart`` times standard normal draws, features of unlike size, one constant."""
    chance = torch.Generator().manual_seed(seed)
    means = apart * torch.randn(classes, width, generator=torch.Generator().manual_seed(99))
    labels = torch.randint(0, classes, (rows,), generator=chance)
    x = (means[labels] + torch.randn(rows, width, generator=chance)) * torch.linspace(0.1, 10, width) + 3
    x[:, 1] = 0.7
    return x, labels


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("strength", [0.1, 10, 1000])
def test_a_probe_is_that_of_scikit_learn(strength, shape):
    x, labels = gaussian(*shape)
    others, _ = gaussian(40, shape[1], seed=1)
    probe = fit_probe(x, labels, classes=4, strengths=[strength])
    model = make_pipeline(StandardScaler(), RidgeClassifier(strength)).fit(x.double().numpy(), labels.numpy())
    expected = model.decision_function(others.double().numpy())
    assert probe.scores(others).numpy() == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert probe.strength == strength


def test_a_constant_feature_counts_for_nothing_even_where_it_varies_later():
    x, labels = gaussian(80, 10)
    later = x.clone()
    later[:, 1] = 1000.0
    probe = fit_probe(x, labels, classes=4)
    assert torch.equal(probe.scores(x), probe.scores(later))
    nothing = fit_probe(torch.ones(80, 3), labels, classes=4, strengths=[1.0])
    shares = torch.bincount(labels, minlength=4).double() / 80
    torch.testing.assert_close(nothing.scores(torch.ones(1, 3))[0], 2 * shares - 1)


def test_what_only_rounding_tells_apart_counts_for_nothing_too():
    labels = torch.arange(80) % 2
    steps = 1000 + 6.2e-5 * labels[:, None].float()  # the next number that float32 has
    assert len(steps.unique()) == 2
    assert len(fit_probe(steps, labels, classes=2, strengths=[1.0]).scores(steps).unique()) == 1


def test_of_strengths_that_are_equally_good_the_middle_one_is_taken():
    x, labels = gaussian(100, 20, apart=5.0)
    probe = fit_probe(x, labels, classes=4, strengths=[0.1, 1.0, 10.0])
    assert probe.tried == {0.1: 1.0, 1.0: 1.0, 10.0: 1.0}
    assert probe.strength == 1.0


def test_the_strength_is_the_best_on_held_out_rows():
    x, labels = gaussian(120, 60, apart=0.3)
    held_out = folds(labels, 4)
    grid = [1.0, 10.0, 100.0, 1000.0, 10_000.0]
    probe = fit_probe(x, labels, classes=4, strengths=grid, validation=held_out)
    for strength, accuracy in probe.tried.items():
        each = cross_validated(x, labels, held_out=held_out, classes=4, strengths=[strength])
        assert accuracy == pytest.approx(np.mean(each))
    assert probe.tried[probe.strength] == max(probe.tried.values())
    refitted = fit_probe(x, labels, classes=4, strengths=[probe.strength])
    torch.testing.assert_close(probe.weight, refitted.weight, rtol=1e-3, atol=1e-5)


def test_a_choice_at_the_end_of_the_grid_widens_it():
    x, labels = gaussian(100, 80, apart=0.3)
    wide = fit_probe(x, labels, classes=4, strengths=[10.0**power for power in range(-3, 6)])
    for grid in ([1e-3, 1e-2], [1e4, 1e5]):
        probe = fit_probe(x, labels, classes=4, strengths=grid)
        assert set(grid) < set(probe.tried)
        assert probe.tried[probe.strength] >= max(wide.tried[strength] for strength in grid)
        if len(probe.tried) < len(grid) + probes.WIDEST - 1:
            assert min(probe.tried) < probe.strength < max(probe.tried)


def test_the_seed_draws_the_held_out_rows():
    x, labels = gaussian(100, 30, apart=0.2)
    tried = [fit_probe(x, labels, classes=4, seed=seed).tried for seed in (0, 0, 1)]
    assert tried[0] == tried[1] != tried[2]


def test_several_cuts_weigh_the_same_whatever_their_width_and_size():
    (few, labels), (many, _) = gaussian(90, 5), gaussian(90, 300, seed=3)
    together = {7: many * 1000, 2: few}
    probe = fit_probe(together, labels, classes=4, strengths=[1.0])
    blocks = [(x - x.mean(0)) / x.std(0, correction=0).clamp(min=1e-3) / x.shape[1] ** 0.5 for x in (few, many)]
    lengths = [block.square().sum(1).mean().item() for block in blocks]
    assert lengths == pytest.approx([4 / 5, 299 / 300])  # one feature of each is constant
    targets = 2.0 * torch.nn.functional.one_hot(labels) - 1
    rows, centred = torch.cat(blocks, 1), targets - targets.mean(0)
    expected = rows @ torch.linalg.solve(rows.T @ rows + torch.eye(305), rows.T @ centred) + targets.mean(0)
    torch.testing.assert_close(probe.scores(together).float(), expected, rtol=1e-3, atol=1e-3)
    assert combine(together)[0].shape == (90, 305)


def test_more_features_for_nothing():
    x, _ = gaussian(80, 10)
    others, _ = gaussian(20, 10, seed=1)
    wide, wide_others = widened(x, others, width=500, seed=3)
    assert (wide.shape, wide_others.shape) == ((80, 500), (20, 500))
    assert torch.equal(wide[:, :10], x)
    assert wide[:, 10:].min() == 0
    assert 0.3 < (wide[:, 10:] > 0).float().mean() < 0.7
    moved = widened(x * 5 - 2, width=500, seed=3)[0]
    torch.testing.assert_close(wide[:, 10:], moved[:, 10:], rtol=1e-3, atol=1e-3)
    assert not torch.equal(wide, widened(x, width=500, seed=4)[0])
    with pytest.raises(InputError, match="width = 9"):
        widened(x, width=9)


def test_folds_hold_out_every_row_once_and_every_class_alike():
    labels = torch.cat([torch.zeros(20), torch.ones(31), torch.full((9,), 2)]).long()
    labels = labels[torch.randperm(60, generator=torch.Generator().manual_seed(0))]
    found = folds(labels, 5, seed=1, repeats=3)
    assert len(found) == 15
    for repeat in range(3):
        parts = found[5 * repeat : 5 * repeat + 5]
        assert torch.cat(parts).sort().values.tolist() == list(range(60))
        counts = torch.stack([torch.bincount(labels[part], minlength=3) for part in parts])
        assert (counts.max(0).values - counts.min(0).values).max() <= 1
    assert len({tuple(part.tolist()) for part in found}) == 15
    assert all(torch.equal(a, b) for a, b in zip(found, folds(labels, 5, seed=1, repeats=3), strict=True))


def test_groups_are_held_out_whole_and_classes_still_shared():
    chance = torch.Generator().manual_seed(3)
    groups = torch.randint(0, 40, (300,), generator=chance)
    labels = groups % 3
    shares = torch.bincount(labels) / 300
    for repeat in range(2):
        found = folds(labels, 5, seed=1, repeats=2, groups=groups)[5 * repeat : 5 * repeat + 5]
        assert torch.equal(torch.cat(found).sort().values, torch.arange(300))
        assert sum(len(groups[held].unique()) for held in found) == len(groups.unique())
        for held in found:
            assert (torch.bincount(labels[held], minlength=3) / 60 - shares).abs().max() < 0.15
    with pytest.raises(InputError, match="smallest class has 1 groups"):
        folds(labels, 2, groups=labels)


def test_rows_that_are_held_out_have_no_part_in_the_fit():
    """With labels that no feature knows of, an honest accuracy is that of chance."""
    x, _ = gaussian(200, 400)
    labels = torch.randint(0, 2, (200,), generator=torch.Generator().manual_seed(7))
    found = cross_validated(x, labels, held_out=folds(labels, 5, repeats=2), classes=2)
    assert len(found) == 10
    assert abs(np.mean(found) - 0.5) < 0.1
    assert fit_probe(x, labels, classes=2, strengths=[1.0]).accuracy(x, labels) == 1


X, LABELS = gaussian(20, 5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"classes": 3}, "not among 3 classes"),
        ({"train_x": X[:9]}, "with 20 labels"),
        ({"train_x": X.clone().fill_(torch.nan)}, "finite"),
        ({"strengths": [0.0, 1.0]}, "strength 0.0"),
        ({"train_x": X[:4], "train_y": torch.arange(4)}, "2 rows of every class"),
    ],
    ids=lambda value: str(list(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_be_fitted_gets_one_error(change, said):
    with pytest.raises(InputError, match=said):
        fit_probe(**{"train_x": X, "train_y": LABELS, "classes": 4, **change})


def test_groups_that_leave_a_class_out_of_what_is_learnt_are_refused():
    labels = torch.tensor([0, 2, 1, 2, 0, 0, 0, 0, 1, 1, 0, 0, 0, 2])
    groups = torch.tensor([1, 4, 4, 3, 2, 3, 1, 2, 1, 1, 4, 3, 3, 3])
    with pytest.raises(InputError, match="no row of class 1"):
        folds(labels, 2, groups=groups)


def test_a_class_of_few_images_is_dealt_out_as_well_as_one_of_many():
    """Four people with 100 pictures of class 0; six with two of it and four of class 1."""
    labels = torch.tensor([0] * 400 + 6 * ([0] * 2 + [1] * 4))
    groups = torch.tensor([person for person in range(4) for _ in range(100)] + [4 + k // 6 for k in range(36)])
    for held in folds(labels, 5, groups=groups):
        assert torch.bincount(labels[held], minlength=2).min() > 0


# many heads at once

OF_HEADS = Recipe(epochs=3, batch_size=20, learning_rate=0.05, weight_decay=0.01, warmup=0.2, shift=0)
RATES = [0.01, 0.05, 0.2]


def head(seed, inputs=10):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(inputs, 4))


def test_each_ends_as_by_our_loop():
    features, labels = gaussian(70, 10)
    features = features / 10  # steps of a usual size
    heads = [head(seed) for seed in range(3)]
    lone = copy.deepcopy(heads)
    histories = fit_heads(heads, features, labels, OF_HEADS, rates=RATES, seed=4)
    for net, other, rate, ours in zip(heads, lone, RATES, histories, strict=True):
        history = train(other, Images(features, labels, tuple("abcd")), replace(OF_HEADS, learning_rate=rate), seed=4)
        assert ours.losses == pytest.approx(history.losses, abs=1e-6)
        for one, value in zip(net.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(one, value, rtol=0, atol=1e-6)


def test_one_that_diverges_leaves_the_others_alone():
    features, labels = gaussian(70, 10)
    heads, lone = [head(seed) for seed in range(2)], head(0)
    histories = fit_heads(heads, features, labels, OF_HEADS, rates=[0.05, 1e38])
    fit_heads([lone], features, labels, OF_HEADS)
    assert [history.diverged for history in histories] == [False, True]
    torch.testing.assert_close(heads[0][0].weight, lone[0].weight, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("heads", "said"),
    [
        ([nn.Linear(10, 3), nn.Linear(10, 4)], "different shapes"),
        ([nn.Sequential(nn.Linear(10, 3), nn.Tanh())], "Linear, Tanh"),
        ([head(0, inputs=7)], "read 7 numbers .* features of 10"),
    ],
)
def test_heads_that_cannot_be_stacked_are_refused(heads, said):
    with pytest.raises(InputError, match=said):
        fit_heads(heads, *gaussian(70, 10), OF_HEADS)
