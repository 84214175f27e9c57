import math

import pandas as pd
import pytest
from made_volume import ALL, LINES, volume_table

from fctransfer_utils.analysis import volume
from fctransfer_utils.errors import InputError


def rows_of(**options):
    return volume.volume_rows(volume_table(**options), all_images=ALL)


def test_zero_images_per_class_means_all_of_them():
    rows = rows_of()
    assert volume.images_of(rows) == [1, 4, 16, ALL]
    assert dict(zip(rows["treatment"], rows["kind"], strict=True)) == {
        "base": "scratch",
        "AnB": "freeze",
        "AnB+": "fine-tune",
    }


def test_a_base_that_was_only_a_donor_is_left_out():
    table = volume_table()
    assert set(table["target"]) == {"A", "B"}
    assert set(rows_of()["target"]) == {"B"}


def test_a_table_of_bases_alone_keeps_all_of_them():
    table = volume_table(targets=("A", "B"))
    rows = volume.volume_rows(table[table["treatment"] == "base"], all_images=ALL)
    assert set(rows["target"]) == {"A", "B"}


@pytest.mark.parametrize(
    ("label", "images"),
    [("glyphs[50x60]", 60), ("glyphs[200x500 seed 3]", 500), ("tiny-imagenet", 500), ("cifar10", 5000)],
)
def test_the_name_of_a_set_tells_how_many_images_a_class_has(label, images):
    assert volume.images_behind_all(label) == images


@pytest.mark.parametrize(("label", "classes"), [("glyphs[50x60]", 25), ("cifar100", 50), ("folder:birds", None)])
def test_the_name_of_a_set_tells_how_many_classes_a_half_has(label, classes):
    assert volume.half_classes(label) == classes


def test_a_folder_is_counted():
    assert volume.images_behind_all("folder:birds", labels=lambda: [0] * 30 + [1] * 50) == 40
    with pytest.raises(InputError, match="does not tell"):
        volume.images_behind_all("folder:birds")


def test_more_images_than_a_class_has_are_refused():
    with pytest.raises(InputError, match="16 images per class, but a class has 10"):
        volume.volume_rows(volume_table(images=(1, 16, 0)), all_images=10)


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True])
def test_all_images_must_be_a_number_of_images(wrong):
    with pytest.raises(InputError, match="all_images is"):
        volume.volume_rows(volume_table(), all_images=wrong)


def test_an_empty_selection_and_a_mixture_are_refused():
    table = volume_table()
    with pytest.raises(InputError, match="no network is selected"):
        volume.volume_rows(table[table["images_per_class"] == 7], all_images=ALL)
    with pytest.raises(InputError, match="mixes 2 values of epochs"):
        volume.volume_rows(table.assign(epochs=[8, 9] * (len(table) // 2)), all_images=ALL)
    with pytest.raises(InputError, match="no column images_per_class"):
        volume.volume_rows(table.drop(columns="images_per_class"), all_images=ALL)
    with pytest.raises(InputError, match="volume_rows"):
        volume.best_treatment(table)


def test_the_same_network_as_0_and_as_all_images_is_refused():
    table = volume_table()
    again = table[table["images_per_class"] == 0].assign(images_per_class=ALL)
    with pytest.raises(InputError, match="same network"):
        volume.volume_rows(pd.concat([table, again]), all_images=ALL)


def test_cuts_are_those_studied_with_fewer_images():
    assert volume.study_cuts(rows_of()) == [3, 5]
    assert volume.study_cuts(rows_of(images=(0,))) == [3, 5, 7]


def test_raw_curves_are_the_true_lines():
    curves = volume.learning_curves(rows_of(noise=0)).set_index(["treatment", "n", "images_per_class"])
    for (name, n), (start, slope) in LINES.items():
        for k in (1, 4, 16, ALL):
            cell = curves.loc[(name, n, k)]
            assert 100 * cell["mean"] == pytest.approx(start + slope * math.log2(k) + 1)
            assert cell["count"] == 3
            assert cell["low"] < cell["mean"] < cell["high"]


def test_relative_curves_are_paired_with_the_base_that_saw_as_many_images():
    curves = volume.learning_curves(rows_of(noise=0), "delta_points").set_index(["treatment", "n", "images_per_class"])
    assert curves.loc[("AnB", 5, 1), "mean"] == pytest.approx(31)
    assert curves.loc[("AnB+", 5, ALL), "mean"] == pytest.approx(3)
    assert "base" not in curves.index.get_level_values(0)


def test_one_seed_has_curves_without_intervals_even_in_two_directions():
    curves = volume.learning_curves(rows_of(seeds=1, targets=("A", "B")))
    assert curves["low"].isna().all()
    assert (curves["count"] == 2).all()


def test_raw_means_use_the_targets_that_have_everything_and_say_so():
    table = volume_table(targets=("A", "B"), seeds=2)
    gap = (table["target"] == "A") & (table["images_per_class"] == 4) & (table["treatment"] == "AnB+")
    curves = volume.learning_curves(volume.volume_rows(table[~gap], all_images=ALL))
    assert (curves["count"] == 2).all()
    words = " ".join(curves.attrs["missing"])
    assert "AnB+ at n = 3, 5 with 4 images per class is absent for target A" in words
    assert "Means are over 2 of 4 targets" in words


def test_where_no_target_has_everything_cells_that_lack_one_are_blank():
    table = volume_table(targets=("A", "B"), seeds=1)
    gaps = ((table["target"] == "A") & (table["images_per_class"] == 4) & (table["treatment"] == "AnB+")) | (
        (table["target"] == "B") & (table["images_per_class"] == 1) & (table["treatment"] == "AnB")
    )
    curves = volume.learning_curves(volume.volume_rows(table[~gaps], all_images=ALL))
    blank = curves[curves["mean"].isna()]
    assert set(zip(blank["treatment"], blank["images_per_class"], strict=True)) == {("AnB+", 4), ("AnB", 1)}


def test_the_map_finds_the_best_kind_and_its_margin_over_the_second():
    found = volume.best_treatment(rows_of(noise=0)).set_index(["images_per_class", "n"])
    few, many = found.loc[(1, 5)], found.loc[(ALL, 5)]
    assert (few["best"], few["second"], few["count"]) == ("freeze", "fine-tune", 3)
    assert few["margin"] == pytest.approx(7)
    assert (many["best"], many["second"]) == ("fine-tune", "scratch")
    assert many["margin"] == pytest.approx(3)
    assert len(found) == 4 * 2


def test_the_map_has_no_winner_where_the_interval_covers_0():
    found = volume.best_treatment(rows_of(noise=8, seeds=3))
    covered = found["low"] <= 0
    assert covered.any()
    assert (found.loc[covered, "best"] == volume.NO_WINNER).all()
    assert (found.loc[~covered, "best"] == found.loc[~covered, "leader"]).all()


def test_without_an_interval_a_margin_below_the_threshold_is_no_win():
    rows = rows_of(seeds=1, noise=0)
    strict = volume.best_treatment(rows, threshold=5).set_index(["images_per_class", "n"])
    loose = volume.best_treatment(rows, threshold=2).set_index(["images_per_class", "n"])
    assert strict["low"].isna().all()
    assert strict.loc[(ALL, 5), "best"] == volume.NO_WINNER
    assert strict.loc[(ALL, 5), "leader"] == "fine-tune"
    assert strict.loc[(1, 5), "best"] == "freeze"
    assert loose.loc[(ALL, 5), "best"] == "fine-tune"


def test_equal_treatments_have_no_winner_whatever_the_threshold():
    rows = rows_of(seeds=1)
    found = volume.best_treatment(rows.assign(top1=0.5), threshold=0.01)
    assert set(found["best"]) == {volume.NO_WINNER}


def test_a_cell_that_lacks_a_kind_is_left_out_and_told():
    table = volume_table()
    gap = (table["images_per_class"] == 16) & (table["treatment"] == "AnB") & (table["n"] == 5)
    found = volume.best_treatment(volume.volume_rows(table[~gap], all_images=ALL))
    assert (16, 5) not in set(zip(found["images_per_class"], found["n"], strict=True))
    assert len(found) == 7
    assert any("AnB at n = 5 with 16 images per class is absent" in words for words in found.attrs["missing"])


@pytest.mark.parametrize("treatment", ["base", "AnB", "AnB+"])
def test_a_table_of_one_kind_has_no_map(treatment):
    table = volume_table()
    rows = volume.volume_rows(table[table["treatment"] == treatment], all_images=ALL)
    for measure in (volume.best_treatment, volume.best_overall):
        with pytest.raises(InputError, match="cannot be compared: .* is absent"):
            measure(rows)


def test_a_growing_table_can_be_compared_once_a_cell_has_all_three():
    table = volume_table()
    assert volume.comparable(rows_of())
    assert not volume.comparable(rows_of().query("kind != 'freeze'"))
    apart = table[(table["treatment"] != "AnB") | (table["n"] == 3)]
    apart = apart[(apart["treatment"] != "AnB+") | (apart["n"] == 5)]
    assert not volume.comparable(volume.volume_rows(apart, all_images=ALL))


def test_the_best_of_everything_takes_each_kind_at_its_best_cut():
    found = volume.best_overall(rows_of(noise=0)).set_index("images_per_class")
    assert found["best"].tolist() == ["freeze", "freeze", "fine-tune", "fine-tune"]
    assert found["n"].tolist() == [5, 5, 5, 5]
    assert found.loc[1, ["best", "n", "second", "second_n"]].tolist() == ["freeze", 5, "fine-tune", 5]
    assert found.loc[4, "margin"] == pytest.approx(2)
    assert found.loc[16, ["best", "second", "second_n"]].tolist() == ["fine-tune", "freeze", 5]
    assert found.loc[ALL, ["second", "second_n"]].tolist() == ["scratch", 0]
    assert found.loc[1, "top1"] == pytest.approx(0.52)


def test_advice_is_one_sentence_that_names_every_number_of_images():
    text = volume.advice(volume.best_overall(rows_of(noise=0)))
    assert text == "With 1 to 4 images per class freeze (n = 5); with 16 to 64 images per class fine-tune (n = 5)."


def test_advice_says_where_there_is_no_winner():
    best = volume.best_overall(rows_of(noise=0, seeds=1), threshold=2.5)
    text = volume.advice(best)
    assert "with 4 images per class no clear winner between fine-tune and freeze (at most 2.0 points apart)" in text
    with pytest.raises(InputError, match="nothing to advise"):
        volume.advice(best.iloc[:0])
