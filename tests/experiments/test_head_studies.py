"""Three heads on one trunk: what they share, what an heir gets, and how equal source accuracy is found."""

from dataclasses import replace

import pandas as pd
import pytest
import torch
from made_studies import SIZE, tiny

from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.data.splits import TUNE
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments import head_measures, train
from fctransfer_utils.experiments import head_studies as heads
from fctransfer_utils.experiments.loader import Files
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.models.spec import NetSpec
from fctransfer_utils.training.recipe import Recipe

torch.set_num_threads(1)
OTHER = DataSpec("textures", SIZE)


def small(**changes) -> heads.HeadSizes:
    """Sizes for ten classes of 16 pixels."""
    made = heads.head_sizes("smoke")
    of = replace(made.source, data=DataSpec(size=SIZE), per_class=4, held_out=2, recipe=Recipe(steps=2, batch_size=8))
    targets = (heads.Target("other", "near", None, (4,), 2), heads.Target("pages", "layout", OTHER, (4,), 2))
    return replace(heads.HeadSizes(of, targets, (2,), {4: 2}), **changes)


def layers(net):
    return {name: values for name, values in net.state_dict().items() if name.endswith("weight")}


@pytest.mark.parametrize("replicate", [0, 3])
def test_heads_begin_with_the_same_trunk_and_see_the_same_batches(replicate):
    nets = [heads.source(small(), head, Recipe(), replicate=replicate) for head in heads.HEADS]
    learn = train.images_of(nets[0], tiny)[0]
    drawn = [layers(train.start(network, learn)) for network in nets]
    for name in ("conv1", "conv2", "conv3", "conv4", "conv5"):
        assert all(torch.equal(weights[f"{name}.0.weight"], drawn[0][f"{name}.0.weight"]) for weights in drawn)
    assert len({frozenset(weights) for weights in drawn}) == 2  # with hidden FC layers and without
    for followers in (nets, [heads.heir(small(), net, small().targets[0], 4, "frozen", 0.1) for net in nets]):
        assert len({network.stream("order") for network in followers}) == 1
        assert len({network.stream("images") for network in followers}) == 1


@pytest.mark.parametrize("head", heads.HEADS)
@pytest.mark.parametrize("use", heads.USES)
def test_an_heir_has_all_but_the_last_layer_and_learns_above_a_frozen_trunk(head, use):
    sizes = small()
    donor = heads.source(sizes, head, Recipe(steps=2, batch_size=8), replicate=0)
    weights = {
        name: values + 1 for name, values in train.start(donor, train.images_of(donor, tiny)[0]).state_dict().items()
    }
    for target in sizes.targets:
        network = heads.heir(sizes, donor, target, 4, use, 0.1)
        learn, _, _ = train.images_of(network, tiny)
        net = train.start(network, learn, weights)
        for name, values in net.state_dict().items():
            copied = values.shape == weights[name].shape and torch.equal(values, weights[name])
            assert copied == (not name.startswith("fc8"))
        stands_still = {name.split(".")[0] for name, part in net.named_parameters() if not part.requires_grad}
        assert stands_still == ({f"conv{n}" for n in range(1, 6)} if use == "frozen" else set())
        assert len(learn) == 4 * len(learn.classes)
        assert learn.mean == train.images_of(donor, tiny)[0].mean
    near = heads.heir(sizes, donor, sizes.targets[0], 4, use, 0.1)
    assert near.classes == donor.classes.other


def pretended(peak, top1, replicate=TUNE):
    """In place of training: ``top1`` of (head, steps) at the rate ``peak`` of that head or cell, less at others."""

    def run(study):
        rows = []
        for labels, network in study:
            assert (network.donor or network).classes.replicate == replicate
            assert network.held_out > 0
            away = abs(heads.RATES.index(labels["learning_rate"]) - heads.RATES.index(peak(labels)))
            value = top1(labels["head"], network.recipe.steps) - away / 50
            rows.append(labels | {"validation_top1": value, "key": network.key})
        return pd.DataFrame(rows)

    return run


def test_lengths_are_searched_until_the_heads_know_their_source_equally_well():
    """GAP ends at 85 % after 1920 steps; the others are there after about 480 and 910."""
    sizes = heads.head_sizes("full")

    def top1(head, steps):
        return {"gap": 0.6 + 0.25 * steps / 1920, "fc": 0.95 - 48 / steps, "gap_fc": 0.95 - 91 / steps}[head]

    table = heads.source_search(
        sizes, pretended(lambda labels: {"gap": 0.05, "fc": 0.002, "gap_fc": 0.01}[labels["head"]], top1)
    )
    equal, long = heads.matched(sizes, table)
    assert {head: recipe.learning_rate for head, recipe in equal.items()} == {"gap": 0.05, "fc": 0.002, "gap_fc": 0.01}
    assert equal["gap"].steps == 1920
    for head in heads.HEADS:
        assert top1(head, equal[head].steps) == pytest.approx(0.85, abs=heads.NEAR)
        assert long[head] == replace(equal[head], steps=1920)


def test_a_replicate_with_lengths_of_its_own_is_judged_by_networks_whose_lengths_were_chosen_there():
    sizes = heads.head_sizes("full", "tiny-imagenet")
    rates = {"gap": 0.05, "fc": 0.02, "gap_fc": 0.02}
    run = pretended(
        lambda labels: rates[labels["head"]],
        lambda head, steps: (0.5 if head == "fc" else 0.45) * (1 - 2.0 ** (-steps / 300)),
        3,
    )
    table = heads.length_search(sizes, rates, run, replicate=3)
    equal, long = heads.matched(sizes, table)
    assert equal["gap"] == long["gap"]
    assert 700 < equal["fc"].steps < 1410
    begin, study = (
        heads.sources(sizes, equal, long, [3]),
        heads.heirs(sizes, equal, dict.fromkeys(heads.cells(sizes), 0.01), [3]),
    )
    keys = {network.key for labels, network in begin if labels["match"] == "accuracy"}
    assert keys <= set(table["key"])  # the very networks that were validated
    assert {network.donor.key for _, network in study} == keys
    assert {network.held_out for _, network in study} == {0}


def test_each_cell_gets_the_rate_whose_neighbours_are_worse():
    sizes = small()
    names = heads.cells(sizes)
    peaks = {cell: heads.RATES[1 + place % (len(heads.RATES) - 2)] for place, cell in enumerate(names)}
    recipes = dict.fromkeys(heads.HEADS, Recipe(steps=2))
    cell_of = lambda labels: tuple(labels[name] for name in heads.CELL)  # noqa: E731
    table = heads.head_search(sizes, recipes, pretended(lambda labels: peaks[cell_of(labels)], lambda head, steps: 0.5))
    assert heads.best_rates(table) == peaks


def test_what_is_judged_is_learnt_by_networks_of_the_table_of_choices():
    sizes = small()
    recipes = {head: Recipe(steps=place + 1, batch_size=8) for place, head in enumerate(heads.HEADS)}
    long = dict.fromkeys(heads.HEADS, Recipe(steps=9, batch_size=8))
    rates = {cell: heads.RATES[place % 5] for place, cell in enumerate(heads.cells(sizes))}
    begin, study = heads.sources(sizes, recipes, long, [0, 1]), heads.heirs(sizes, recipes, rates, [0, 1])
    equal = {network for labels, network in begin if labels["match"] == "accuracy"}
    assert {network.donor for _, network in study} == equal
    assert not {network.classes.replicate for network in equal} & {TUNE}
    for labels, network in study:
        cell = tuple(labels[name] for name in heads.CELL)
        assert network.recipe.learning_rate == rates[cell]
        assert network.per_class == labels["labels"]
        assert network.held_out == 0
    del rates[cell]
    with pytest.raises(InputError, match="head_search"):
        heads.heirs(sizes, recipes, rates, [0])


def test_a_replicate_has_heirs_probes_and_how_far_layers_moved(tmp_path):
    sizes = small()
    recipes = dict.fromkeys(heads.HEADS, Recipe(steps=2, batch_size=8, learning_rate=0.05))
    rates = dict.fromkeys(heads.cells(sizes), 0.05)
    options = {"equal": recipes, "long": recipes, "rates": rates, "load": tiny}
    both = head_measures.measured(sizes, [0, 1], Store(tmp_path), **options)
    assert both.groupby("replicate").size().tolist() == [len(both) / 2] * 2
    table = both[both["replicate"] == 1].set_index(["match", "target", "use", "head"])
    judged = table.loc["accuracy"]
    assert len(judged) == 3 + 2 * (3 * 2 + 4 * 3)  # sources; of two targets heirs and, with the untrained trunk, probes
    assert judged["top1"].between(0, 1).all()
    for head in heads.HEADS:
        tuned, frozen = (judged.loc[("pages", use, head)] for use in ("fine-tuned", "frozen"))
        assert tuned["moved_conv1"] > 0
        assert pd.isna(frozen["moved_conv1"])
        assert (tuned["moved_fc6"] > 0) == (head != "gap")


def test_what_does_not_fit_is_refused_with_its_sizes():
    sizes, large = small(), heads.Target("large", "far", DataSpec("textures", 64), (4,), 2)
    flat, *pooled = (heads.source(sizes, head, Recipe(steps=2), replicate=0) for head in ("fc", "gap", "gap_fc"))
    assert all(heads.heir(sizes, donor, large, 4, "frozen", 0.1).copied for donor in pooled)
    with pytest.raises(InputError, match="16 pixels does not fit .* 64"):
        heads.heir(sizes, flat, large, 4, "frozen", 0.1)
    with pytest.raises(InputError, match="cifar10"):
        heads.head_sizes("full", "cifar10")


def test_several_folders_lie_below_one_root(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("fctransfer_utils.data.sources.load", lambda spec, root, progress: asked.append(root))
    Files(str(tmp_path))(DataSpec("folder", folder="dtd10"))
    Files(str(tmp_path))(DataSpec("folder"))
    assert [str(root) for root in asked] == [str(tmp_path / "dtd10"), str(tmp_path)]
    with pytest.raises(InputError, match="dtd10"):
        DataSpec("glyphs", folder="dtd10")


@pytest.mark.parametrize(("name", "data"), [("full", "glyphs"), ("full", "tiny-imagenet"), ("quick", "glyphs")])
def test_sizes_ask_for_no_more_images_than_there_are(name, data):
    """Of rendered sets; where classes are set aside to choose on, both halves are found there."""
    sizes = heads.head_sizes(name, data)
    assert sizes.source.net == NetSpec("map")
    for target in sizes.targets:
        there = target.data.per_class if target.data else sizes.source.data.per_class
        for labels in target.labels:
            assert labels in sizes.steps
            assert not there or labels + target.held_out <= there
    there = sizes.source.data.per_class
    assert not there or sizes.source.per_class + sizes.source.held_out <= there


def test_no_head_is_matched_to_one_that_diverged():
    rows = [("gap", 1280, 0.86), ("gap", 1920, 0.97), ("fc", 640, 0.96), ("fc", 1920, 0.98)]
    rows += [("gap_fc", 1280, 0.95), ("gap_fc", 1920, 0.97)]
    searched = pd.DataFrame(rows, columns=["head", "steps", "validation_top1"]).assign(learning_rate=0.01)
    sizes = replace(heads.head_sizes("full"), lengths=(640, 1280, 1920))
    sizes = replace(sizes, source=replace(sizes.source, recipe=replace(sizes.source.recipe, steps=1920)))
    assert heads.matched(sizes, searched)[0]["fc"].steps == 640
    lost = (searched["steps"] == 1920) & (searched["head"] == "gap")
    searched["validation_top1"] = searched["validation_top1"].mask(lost)
    with pytest.raises(InputError, match="'gap' diverged at rate 0.01 and 1920 steps"):
        heads.matched(sizes, searched)


def test_probes_of_a_trunk_that_diverged_are_rows_without_accuracy(tmp_path):
    sizes = small()
    recipes = dict.fromkeys(heads.HEADS, Recipe(steps=2, batch_size=8, learning_rate=0.05))
    recipes["fc"] = replace(recipes["fc"], learning_rate=1e30)
    options = {"equal": recipes, "long": recipes, "rates": dict.fromkeys(heads.cells(sizes), 0.05), "load": tiny}
    table = head_measures.measured(sizes, [0], Store(tmp_path), **options)
    lost = table[table["use"].str.startswith("probe") & (table["head"] == "fc")]
    assert lost["diverged"].all()
    assert lost["top1"].isna().all()
    assert table.loc[table["head"] == "gap", "top1"].notna().all()
