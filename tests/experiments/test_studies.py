"""The treatments of Yosinski et al., and that choices are made where nothing is judged."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from made_studies import small_profile, small_study
from statsmodels.stats.power import TTestPower

from fctransfer_utils.analysis.effects import by_replicate
from fctransfer_utils.data.images import Images
from fctransfer_utils.data.sources import Source
from fctransfer_utils.data.splits import TUNE, replicate_halves, set_aside
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments import train
from fctransfer_utils.experiments.profiles import PROFILES, profile
from fctransfer_utils.experiments.studies import (
    RATES,
    best_recipes,
    distant,
    random_filters,
    recipes,
    transfer,
    volume_search,
    volumes,
)
from fctransfer_utils.files import TABLES
from fctransfer_utils.training.recipe import Recipe


def rows(study, **wanted):
    return [network for labels, network in study if wanted.items() <= labels.items()]


@pytest.mark.parametrize("target", ["A", "B"])
def test_treatments_are_those_of_the_paper(target):
    study = transfer(profile("full"), replicates=[0])
    (own,) = rows(study, treatment="base", target=target)
    (other,) = rows(study, treatment="base", target={"A": "B", "B": "A"}[target])
    for name, donor, frozen in (("BnB", own, True), ("AnB", other, True), ("BnB+", own, False), ("AnB+", other, False)):
        found = rows(study, treatment=name, target=target)
        for labels, network in study:
            if network in found:
                first = tuple(range(1, labels["n"] + 1))
                assert (network.copied, network.frozen) == (first, first if frozen else ())
                assert network.donor == donor
                assert network.classes == own.classes
    assert [network.copied[-1] for network in rows(study, treatment="AnB", target=target)] == [1, 2, 3, 4, 5, 6, 7]
    (twice,) = rows(study, treatment="twice", target=target)
    assert (twice.donor, twice.copied, twice.frozen) == (own, (1, 2, 3, 4, 5, 6, 7, 8), ())
    (control,) = rows(study, treatment="long", target=target)
    assert control.recipe.epochs == 2 * own.recipe.epochs
    assert control.stream("init") == own.stream("init")


def test_replicates_share_no_network_seed_or_split():
    study = transfer(small_profile(replicates=3))
    assert len({network.key for _, network in study}) == len(study)
    assert {(labels["replicate"], network.seed, network.classes.replicate) for labels, network in study} == {
        (replicate, replicate, replicate) for replicate in range(3)
    }
    assert set(Counter(labels["replicate"] for labels, _ in study).values()) == {len(study) // 3}


def test_random_filters_are_frozen_and_from_nobody_and_what_lies_above_learns_at_the_rate_of_its_cut():
    sizes = small_profile()
    rates = {n: 0.001 * n for n in sizes.cuts}
    study = random_filters(sizes, rates={"he": rates})
    alone = random_filters(sizes, inits=("he",), rates={"he": rates}, bases=False)
    assert [network for _, network in alone] == rows(study, treatment="random he")
    assert {network.key for network in rows(study, treatment="base")} == {
        network.key for network in rows(small_study(), treatment="base")
    }
    for init in ("he", "gaussian"):
        for network in rows(study, treatment=f"random {init}"):
            assert (network.donor, network.copied, network.drawn) == (None, (), init)
            rate = rates[len(network.frozen)] if init == "he" else sizes.recipe.learning_rate
            assert network.recipe == replace(sizes.recipe, learning_rate=rate)


def test_distant_halves_keep_the_control():
    found = distant(small_profile(), "near-far")
    assert {labels["treatment"] for labels, _ in found} == {"base", "long", "BnB", "AnB"}
    assert {network.classes.split for _, network in found} == {"near-far"}
    assert "long" not in {labels["treatment"] for labels, _ in distant(small_profile(controls=()), "near-far")}


@pytest.mark.parametrize("treatment", ["base", "AnB+", "random he"])
def test_recipes_are_chosen_where_nothing_is_judged(treatment):
    sizes = profile("quick")
    found = recipes(sizes, grid={"learning_rate": (0.01, 0.04), "init": ("he", "torch")}, treatment=treatment, n=3)
    judged = {network.seed for _, network in transfer(profile("full"))}
    everyone = [network for _, network in found] + [network.donor for _, network in found if network.donor]
    for network in everyone:
        assert network.classes.replicate == TUNE
        assert network.seed not in judged
        assert network.held_out > 0
    assert {(labels["learning_rate"], labels["init"]) for labels, _ in found} == {
        (network.recipe.learning_rate, network.net.init) for _, network in found
    }
    assert len(found) == 8
    if treatment == "AnB+":
        assert {network.donor.recipe for _, network in found} == {sizes.recipe}


def test_the_classes_to_tune_on_are_in_no_judged_half():
    sizes = profile("full")
    classes = sizes.data.classes or 50
    tuned = set().union(*replicate_halves(classes, each=sizes.tune_each, replicate=TUNE))
    for replicate in range(sizes.replicates):
        assert not tuned & set().union(*replicate_halves(classes, each=sizes.each, replicate=replicate))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: profile("huge"),
        lambda: profile("quick", "imagenet"),
        lambda: profile("quick", cuts=(0, 3)),
        lambda: profile("quick", tuned_cuts=(8,)),
        lambda: profile("quick", replicates=0),
        lambda: profile("quick", volumes=(5, 0)),
        lambda: profile("quick", volume_cuts=(8,)),
        lambda: profile("quick", few=Recipe()),
        lambda: recipes(profile("quick"), grid={"learning": (1,)}),
        lambda: recipes(profile("quick"), grid={"epochs": (1,)}, treatment="AnA"),
        lambda: volumes(profile("full", volumes=(3,)), {}),
        lambda: volume_search(profile("quick", held_out=0), pytest.fail),
    ],
)
def test_sizes_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError):
        wrong()


def source_of(classes: int, **distant) -> Source:
    images = Images(torch.zeros(classes, 3, 16, 16), torch.arange(classes), tuple(map(str, range(classes))))
    return Source(images, images, distant)


@pytest.mark.parametrize("replicate", [TUNE, 0, 3])
def test_halves_of_no_stated_size_take_all_classes_that_they_may(replicate):
    first, second = source_of(21).halves("random", replicate=replicate)
    assert (len(first), len(second)) == ((2, 2) if replicate == TUNE else (8, 8))
    assert not set(first) & set(second)
    with pytest.raises(InputError, match="more classes"):
        source_of(9).halves("random", replicate=TUNE)


def test_halves_that_differ_in_kind_have_one_size_and_no_class_to_tune_on():
    kinds = tuple(range(40)), tuple(range(40, 60))
    source = source_of(60, kinds=kinds)
    whole, tuned = source.halves("kinds"), source.halves("kinds", replicate=TUNE)
    assert [{*judged} | {*aside} for judged, aside in zip(whole, tuned, strict=True)] == [{*kind} for kind in kinds]
    assert {each for half in tuned for each in half} == set_aside(60)
    for replicate in range(3):
        drawn = source.halves("kinds", each=4, replicate=replicate)
        assert [len(half) for half in drawn] == [4, 4]
        assert all({*half} < {*judged} for half, judged in zip(drawn, whole, strict=True))
    with pytest.raises(InputError, match="from halves of"):
        source.halves("kinds", each=20)


@pytest.mark.parametrize("each", [0, 2])
def test_a_kind_without_classes_to_tune_on_is_refused_whatever_is_asked(each):
    judged = tuple(sorted({*range(20)} - set_aside(20)))
    source = source_of(20, kinds=(judged, tuple(set_aside(20))))
    with pytest.raises(InputError, match="halves of 0 and 4; take a set of more classes"):
        source.halves("kinds", each=each, replicate=TUNE)


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize(
    ("data", "classes"),
    [("glyphs", 30), ("textures", 10), ("documents", 5), ("cifar10", 10), ("cifar100", 100), ("tiny-imagenet", 200)],
)
def test_every_set_has_the_halves_of_its_profiles(name, data, classes):
    for _, network in transfer(profile(name, data)):
        where = network.classes
        assert all(source_of(classes).halves(where.split, each=where.each, replicate=where.replicate))


def pretended(best, peak=0.02, known=lambda steps: 1.0):
    """In place of training: validation accuracy is ``best`` at the rate ``peak``, and falls with the distance.

    ``known``: of the training images after so many steps.
    """

    def run(study):
        rows = []
        for labels, network in study:
            assert network.classes.replicate == TUNE
            assert network.held_out > 0
            assert network.donor is None or network.donor.held_out > 0
            away = abs(RATES.index(labels["learning_rate"]) - RATES.index(peak))
            validation = best(labels["steps"]) - away / 100
            rows.append(labels | {"validation_top1": validation, "train_top1": known(labels["steps"])})
        return pd.DataFrame(rows)

    return run


@pytest.mark.parametrize("peak", RATES[1:-1])
def test_the_best_rate_has_worse_neighbours_on_both_sides(peak):
    sizes = profile("quick", volumes=(1, 3), volume_cuts=(2, 4, 6))
    table = volume_search(sizes, pretended(lambda steps: 0.5 + steps / 10_000, peak))
    found = best_recipes(sizes, table)
    assert set(found) == {
        (volume, *cell)
        for volume in (1, 3)
        for cell in [("scratch", 0), *((name, n) for name in ("frozen", "fine-tuned") for n in (2, 4, 6))]
    }
    assert {(recipe.learning_rate, recipe.steps) for recipe in found.values()} == {(peak, 900)}
    place = RATES.index(peak)
    for cell, rows in table.groupby(["per_class", "treatment", "n"]):
        assert {RATES[place - 1], peak, RATES[place + 1]} <= set(rows.loc[rows["steps"] == 300, "learning_rate"]), cell
        assert {RATES[place - 1], peak} <= set(rows.loc[rows["steps"] == 900, "learning_rate"]), cell


@pytest.mark.parametrize(
    ("fitted_after", "best_after", "found"), [(2000, 9000, 2700), (9000, 1300, 900), (1, 9000, 900)]
)
def test_training_goes_on_until_its_images_are_known_or_more_steps_do_not_help(fitted_after, best_after, found):
    sizes = profile("quick", volumes=(1,), volume_cuts=(4,))
    run = pretended(
        lambda steps: 0.5 - abs(np.log(steps / best_after)) / 10,
        0.01,
        lambda steps: 0.99 if steps > fitted_after else 0.5,
    )
    recipes = best_recipes(sizes, volume_search(sizes, run))
    assert {(recipe.learning_rate, recipe.steps) for recipe in recipes.values()} == {(0.01, found)}


def test_of_equally_good_recipes_the_shortest_is_taken_and_what_diverged_never():
    sizes = profile("quick", volumes=(1,), volume_cuts=(4,))

    def run(study):
        table = pretended(lambda steps: 0.5)(study)
        return table.assign(validation_top1=table["validation_top1"].where(table["learning_rate"] < 0.02))

    best = best_recipes(sizes, volume_search(sizes, run))
    assert {(recipe.learning_rate, recipe.steps) for recipe in best.values()} == {(0.01, 100)}


def test_few_images_start_from_the_base_networks_of_the_other_half():
    sizes = profile("full", volumes=(1, 5), volume_cuts=(2, 6), replicates=1)
    cells = [("scratch", 0), *((name, n) for name in ("frozen", "fine-tuned") for n in (2, 6))]
    chosen = {(volume, *cell): Recipe(learning_rate=0.001 * volume, steps=7) for volume in (1, 5) for cell in cells}
    study = volumes(sizes, chosen)
    bases = rows(transfer(sizes), treatment="base")
    assert {network.donor for _, network in study} - {None} == set(bases)
    assert len(study) == 2 * 2 * len(cells)
    for labels, network in study:
        assert network.per_class == labels["per_class"]
        assert network.recipe.learning_rate == 0.001 * labels["per_class"]
        if network.donor:
            assert network.classes == network.donor.classes.other
            assert network.copied == tuple(range(1, labels["n"] + 1))
            assert network.frozen == (network.copied if labels["treatment"] == "frozen" else ())
        else:
            assert labels["treatment"] == "scratch"


# the reader's own run is large enough to show what it is run for


def test_quick_shows_the_specificity_of_the_last_layers_with_a_power_of_nine_in_ten():
    """AnB - BnB at n = 7 of networks like those of quick, on replicates that no claim is judged on."""
    table, quick = pd.read_csv(TABLES / "quick_power.csv"), profile("quick")
    specificity = by_replicate(table[table["n"].isin((0, 7))], "AnB", "BnB").set_index("replicate")["difference"]
    for mean in (specificity[TUNE], specificity.drop(TUNE).mean()):
        assert TTestPower().power(abs(mean) / specificity.std(), quick.replicates, 0.05) >= 0.9
    assert len(table) == 4 * 2 * (1 + 2 * len(quick.cuts))  # they learnt as those of quick do
    assert set(table["n"]) == {0, *quick.cuts}
    assert not table["diverged"].any()


@pytest.mark.parametrize("treatment", ["base", "long", "twice"])
def test_recipes_can_be_searched_for_in_quick(treatment):
    study = recipes(profile("quick"), grid={"learning_rate": (0.01,)}, treatment=treatment)
    train.check_images([network for _, network in study], train.FILES)
