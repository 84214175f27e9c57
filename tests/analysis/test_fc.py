"""The FC study's rows: what they must hold, which rate is chosen, and how pairs become one value per seed."""

import numpy as np
import pytest

from fctransfer_utils.analysis import fc
from fctransfer_utils.errors import InputError
from tests.made_fc import GROUP, LABELS, RATES, TARGETS, fc_table, made_distances


@pytest.fixture(scope="module")
def table():
    return fc_table()


@pytest.fixture(scope="module")
def rows(table):
    return fc.fc_rows(table)


@pytest.mark.parametrize(
    ("target", "group"),
    [
        *GROUP.items(),
        ("tiny-imagenet random0:B", "near"),
        ("tiny-imagenet grey random0:B", "views"),
        ("glyphs[50x110] inverted random3:B", "views"),
        ("folder:caltech101", "near"),
        *[(f"folder:{name}", "far") for name in ("scenes15", "intel-scenes", "dtd10", "rsscn7")],
        ("folder:flowers12", "fine"),
        ("folder:my-own", "other"),
        ("glyphs[50x60] letters-symbols:B", "other"),
    ],
)
def test_the_name_of_a_target_says_its_group(target, group):
    assert fc.group_of(target) == group


def test_rows_on_the_source_belong_to_no_group(rows):
    source = rows[rows["group"] == "source"]
    assert set(source["protocol"]) == set(fc.ON_SOURCE)
    assert set(rows.loc[rows["group"] != "source", "target_set"]) == set(TARGETS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns=["layer", "arm"]), "the table has no column arm, layer; pass the rows"),
        (lambda t: t.assign(arm="F"), "unknown arm 'F'; allowed: A, B, C, D, E"),
        (lambda t: t.assign(protocol="P9"), "unknown protocol 'P9'"),
        (lambda t: t.assign(top1=t["top1"] * 100), "is outside 0..1; give fractions"),
        (lambda t: t.assign(validation_top1=2.0), "top1 2.0 is outside 0..1"),
        (lambda t: t.assign(net=["one", *["other"] * (len(t) - 1)]), "the table mixes 2 values of net"),
        (lambda t: t.assign(top1=np.nan), "no network is selected; train the study 'fc'"),
        (lambda t: t.replace("glyph-fonts[8x110]", "glyph-fonts[1x110]"), "has one class only; take a set with"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_clear_error(table, change, message):
    with pytest.raises(InputError, match=message):
        fc.fc_rows(change(table))


def test_two_rows_of_one_network_are_refused(table):
    some = table[(table["arm"] == "C") & (table["protocol"] == "P4")].iloc[[0, 1, 1]]
    with pytest.raises(InputError, match=r"two rows stand for arm C, P4 on glyphs.* keep one"):
        fc.fc_rows(some)


def test_each_network_chooses_its_rate_on_validation_images(table):
    flipped = fc.chosen(fc.fc_rows(fc_table(flip=True)))
    tuned = flipped[flipped["protocol"] == "P3"]
    assert set(tuned.loc[tuned["arm"] == "B", "learning_rate"]) == {RATES[0]}
    assert set(tuned.loc[tuned["arm"] != "B", "learning_rate"]) == {RATES[1]}
    assert not flipped.duplicated(list(fc.NETWORK)).any()


def test_the_choice_never_looks_at_the_test_images(table):
    """A rate that only the test images favour is not taken."""
    favoured = table.copy()
    favoured.loc[favoured["learning_rate"] == RATES[0], "top1"] = 0.99
    best = fc.chosen(fc.fc_rows(favoured))
    assert set(best.loc[best["protocol"] == "P3", "learning_rate"]) == {RATES[1]}


def test_of_equal_validations_the_smaller_rate_is_taken(table):
    tied = table.assign(validation_top1=table["validation_top1"].notna() * 0.5)
    best = fc.chosen(fc.fc_rows(tied))
    assert set(best.loc[best["protocol"] == "P2", "learning_rate"]) == {RATES[0]}


def test_several_rates_without_validation_are_refused(table):
    with pytest.raises(InputError, match=r"several learning rates and no validation_top1; give it, or select one rate"):
        fc.chosen(fc.fc_rows(table.assign(validation_top1=np.nan)))


def test_one_rate_for_all_is_a_selection(rows):
    one = fc.at_rate(rows, RATES[0])
    assert set(one["learning_rate"]) == {RATES[0]}
    assert fc.rates_of(rows) == list(RATES)
    with pytest.raises(InputError, match=r"unknown learning rate 0.5; allowed: 0.003, 0.01"):
        fc.at_rate(rows, 0.5)


def test_pairs_join_networks_of_one_seed_target_and_number_of_labels(rows):
    points = fc.paired(fc.chosen(rows), ("B", "P3"), ("A", "P3"))
    assert len(points) == 3 * len(TARGETS) * len(LABELS)
    assert points.index.names == ["split", "seed", "target_set", "labels_per_class"]
    with pytest.raises(InputError, match="several rows per cell; pass the rows that fc.chosen gives"):
        fc.paired(rows, ("B", "P3"), ("A", "P3"))


def test_targets_weigh_the_same_however_many_numbers_of_labels_they_have():
    table = fc_table(noise=0.0, gain={"near": 1.0, "far": 7.0})
    first, second = (name for name, group in GROUP.items() if group == "far")
    lacking = table[~((table["target_set"] == second) & (table["labels_per_class"] == LABELS[0]))].copy()
    lacking.loc[(lacking["target_set"] == first) & (lacking["arm"] == "B"), "top1"] += 0.02
    found = fc.difference(fc.chosen(fc.fc_rows(lacking)), ("B", "P3"), ("A", "P3"), group="far")
    assert found.tolist() == pytest.approx([(9 + 7) / 2] * 3)  # not (9 + 9 + 7) / 3


def test_only_seeds_with_every_cell_are_averaged(rows):
    cut = rows[~((rows["seed"] == 1) & (rows["target_set"] == "glyph-scenes[8x110]") & (rows["arm"] == "B"))]
    best = fc.chosen(cut)
    assert [seed for _, seed in fc.difference(best, ("B", "P2"), ("A", "P2"), group="far").index] == [0, 2]
    assert [seed for _, seed in fc.difference(best, ("B", "P2"), ("A", "P2"), group="near").index] == [0, 1, 2]
    with pytest.raises(InputError, match="unknown group 'distant'"):
        fc.difference(best, ("B", "P2"), ("A", "P2"), group="distant")


def test_one_seed_has_a_mean_and_no_interval():
    best = fc.chosen(fc.fc_rows(fc_table(seeds=1)))
    found = fc.estimate(fc.difference(best, ("B", "P3"), ("A", "P3"), group="far"))
    assert found.mean == pytest.approx(3, abs=0.3)
    assert not found.has_interval
    assert fc.estimate(fc.difference(best, ("B", "P9"), ("A", "P9"))).count == 0


def test_targets_go_by_group_or_by_distance(rows):
    assert [fc.group_of(name) for name in fc.targets_of(rows)] == ["near", "near", "far", "far", "views", "fine"]
    distances = made_distances()
    order = sorted(TARGETS, key=TARGETS.get)
    assert fc.targets_of(rows, distances) == order
    assert fc.targets_of(rows, distances[distances["target_set"] != order[0]]) == [*order[1:], order[0]]
    assert fc.labels_of(rows) == list(LABELS)
