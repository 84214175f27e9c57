"""What is compared: choices made inside the images that are learnt, networks that start where the probe ended."""

import numpy as np
import pandas as pd
import pytest
import torch
from made_families import family
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV, PredefinedSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fctransfer_utils.analysis.choices import CHOSEN, LAST, compared, decided
from fctransfer_utils.analysis.stats import nadeau_bengio
from fctransfer_utils.data.images import Images
from fctransfer_utils.models.layers import blocks, last_linear
from fctransfer_utils.training import choices
from fctransfer_utils.training.choices import Treatment, Tuner, as_layer, probe_at, splits, without_scores
from fctransfer_utils.training.features import features, kept_features
from fctransfer_utils.training.loop import scores
from fctransfer_utils.training.probes import cross_validated, fit_probe


def stripes(count=24, *, size=32, seed=0):
    """Images of three classes, told apart by their colours."""
    chance = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    pixels = torch.randint(0, 120, (count, 3, size, size), generator=chance, dtype=torch.uint8)
    pixels[torch.arange(count), labels] += 100
    return Images(pixels, labels, ("a", "b", "c"))


def split_table(**values):
    """Rows of choices with their values by split."""
    return pd.DataFrame(
        {"choice": name, "split": split, "cut": 3, "top1": top1, "seconds": 1.0, "learnt": 5}
        for name, its in values.items()
        for split, top1 in enumerate(its)
    )


@pytest.mark.parametrize("grouped", [False, True])
def test_what_chooses_lies_within_what_is_learnt(grouped):
    labels = torch.arange(60) % 3
    groups = torch.arange(60) // 2 if grouped else None
    for kept, held, inner in splits(labels, 5, repeats=2, groups=groups):
        assert torch.equal(torch.cat([kept, held]).sort().values, torch.arange(60))
        assert torch.equal(torch.cat(inner).sort().values, torch.arange(len(kept)))
        if grouped:
            assert not set(groups[kept].tolist()) & set(groups[held].tolist())
            assert not set(groups[kept[inner[0]]].tolist()) & set(groups[kept[inner[1]]].tolist())


def test_labels_that_judge_choose_nothing():
    """With the labels of the held-out images exchanged, cut, strength and probe are the same."""
    chance = torch.Generator().manual_seed(1)
    labels = torch.arange(60) % 2
    found = {n: torch.randn(60, 4, generator=chance) + n * labels[:, None] for n in (1, 2)}
    split = splits(labels, 5)[0]
    others = labels.clone()
    others[split.held] = 1 - others[split.held]
    for n in found:
        ours, theirs = (probe_at(n, found, each, split, classes=2) for each in (labels, others))
        assert ours.inside == theirs.inside
        assert ours.top1 == pytest.approx(100 - theirs.top1)


def test_a_probe_is_scikit_learn_s_cross_validated_ridge_and_answers_as_its_logistic_regression_does():
    net, size = family("torchvision ResNet")
    images = stripes(120, size=size)
    labels = torch.where(torch.arange(120) % 4 == 0, (images.labels + 1) % 3, images.labels)  # a quarter misleads
    found = features(blocks(net), images, cuts=[2])[2]
    held_out = [split.held for split in splits(labels, 5)]
    fold = torch.zeros(120, dtype=torch.long)
    for number, held in enumerate(held_out):
        fold[held] = number

    def of_sklearn(classifier):
        model, rows = make_pipeline(StandardScaler(), classifier), (found.double().numpy(), labels.numpy())
        return cross_val_score(model, *rows, cv=PredefinedSplit(fold.numpy())).tolist()

    ours = cross_validated(found, labels, held_out=held_out, classes=3, strengths=[10.0])
    assert ours == pytest.approx(of_sklearn(RidgeClassifier(10.0)))
    chosen = np.mean(cross_validated(found, labels, held_out=held_out, classes=3))
    logistic = GridSearchCV(LogisticRegression(max_iter=1000), {"C": [0.001, 0.01, 0.1, 1]}, cv=3)
    assert chosen == pytest.approx(np.mean(of_sklearn(logistic)), abs=0.05)
    assert 0.6 < chosen < 0.9


@torch.no_grad()
def test_a_probe_as_a_layer_gives_its_scores():
    x, labels = torch.randn(40, 6, generator=torch.Generator().manual_seed(0)) * 3 + 1, torch.arange(40) % 3
    probe = fit_probe({1: x[:, :2], 2: x[:, 2:]}, labels, classes=3)
    torch.testing.assert_close(as_layer(probe)(x).double(), probe.scores(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["timm ResNet", "timm VisionTransformer", "torchvision VGG", "timm ConvNeXt"])
def test_the_head_comes_first_and_fine_tuning_leaves_the_network_alone(name):
    net, size = family(name)
    net, images = blocks(net), stripes(size=size)
    before = {key: values.clone() for key, values in net.state_dict().items()}
    found = features(without_scores(net), images)
    tuner, rows, n = Tuner(net, images, found), torch.arange(12), len(net) // 2
    for what in (Treatment(len(net), n), Treatment(n, 0)):
        start = tuner.start(what, rows)
        head = start.get_submodule(last_linear(start))
        torch.testing.assert_close(scores(start, images), head(found[what.cut]).detach(), rtol=1e-3, atol=1e-3)
        of_classes = scores(start, images.at(rows)).argmax(1) == images.labels[rows]
        assert of_classes.double().mean() > 0.5  # the head has learnt before anything else does
        tuned, diverged = tuner.fit(what, rows, 0.01)
        assert not diverged
        moved = [
            name
            for name, values in tuned.named_parameters()
            if name in before and not torch.equal(values, before[name])
        ]
        assert moved
        assert not any(name.startswith(tuple(f"{key}." for key in [*net._modules][: what.frozen])) for name in moved)
        kept = [name for name, _ in tuned.named_buffers() if name in before]  # of batch norm: its statistics
        assert all(torch.equal(tuned.get_buffer(name), before[name]) for name in kept)
    assert all(torch.equal(values, before[key]) for key, values in net.state_dict().items())


def test_frozen_layers_run_once_or_every_time_with_the_same_end(monkeypatch):
    net, size = family("torchvision ResNet")
    net, images = blocks(net), stripes(size=size)
    images = Images(images.pixels, images.labels, images.classes, flip=False)
    found, rows = features(without_scores(net), images), torch.arange(18)
    ends = []
    for room in (2**28, 0):
        monkeypatch.setattr(choices, "KEPT", room)
        tuned, _ = Tuner(net, images, found).fit(Treatment(len(net), 3), rows, 0.01)
        ends.append(scores(tuned, images))
    torch.testing.assert_close(*ends, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(ends[0], scores(net, images)[:, :3], atol=0.1)


def test_features_are_found_again_unless_anything_changed(monkeypatch):
    net, size = family("torchvision ResNet")
    net, images = blocks(net), stripes(size=size)
    first = kept_features(net, images)
    calls = []
    monkeypatch.setattr("fctransfer_utils.training.features.features", lambda *_, **__: calls.append(1) or first)
    again = kept_features(net, images)
    assert not calls
    assert all(torch.equal(first[n], again[n]) for n in first)
    with torch.no_grad():
        next(net.parameters()).view(-1)[0] += 1
    kept_features(net, images)
    kept_features(net, stripes(size=size, seed=1))
    assert len(calls) == 2


def test_intervals_are_paired_and_corrected():
    rows = split_table(**{LAST: [70, 80, 90, 60], CHOSEN: [72, 81, 93, 62], "all together": [71, 78]})
    table = compared(rows, test_share=0.25).set_index("choice")
    assert table.loc[CHOSEN, ["gain", "gain_low", "gain_high"]].tolist() == pytest.approx(
        nadeau_bengio([2, 1, 3, 2], 0.25)[:3]
    )
    assert table.loc["all together", "gain"] == pytest.approx(-0.5)  # over the splits that both have
    assert table.loc["all together", ["low", "high"]].isna().all()  # two splits are too few


def test_the_dearer_choice_is_taken_only_where_its_interval_says_so():
    base = {LAST: [70, 71, 69, 70], CHOSEN: [72, 73, 71, 73]}
    assert decided(split_table(**base, **{"all together": [90, 60, 99, 80]}), test_share=0.25)[0] == CHOSEN
    assert decided(split_table(**base, **{"all together": [80, 81, 80, 82]}), test_share=0.25)[0] == "all together"
    unsure = {LAST: [70, 71, 69, 70], CHOSEN: [90, 60, 99, 59]}  # more on average, by chance as it may be
    assert decided(split_table(**unsure, **{"all together": [80, 81, 80, 82]}), test_share=0.25)[0] == "all together"
    assert decided(split_table(**unsure, **{"all together": [72, 73, 71, 73]}), test_share=0.25)[0] == CHOSEN
    assert decided(split_table(**base, tuned=[99, 98]), test_share=0.25)[0] == CHOSEN  # two splits say nothing
    take, said = decided(split_table(**{LAST: [72, 73], CHOSEN: [70, 71]}), test_share=0.25)
    assert take == LAST
    assert "+2.0 points over 'chosen cut'" in said
