import matplotlib as mpl
import numpy as np
import pytest
from made_volume import ALL, volume_table

from fctransfer_utils.analysis import volume as analysis
from fctransfer_utils.analysis import volume_limits as limits
from fctransfer_utils.analysis.published import paper_table
from fctransfer_utils.errors import InputError
from fctransfer_utils.plots import volume as plots
from fctransfer_utils.plots.volume_map import volume_map


def rows_of(*, without=None, **options):
    table = volume_table(**options)
    return analysis.volume_rows(table if without is None else table[~without(table)], all_images=ALL)


def map_of(rows, **options):
    return volume_map(analysis.best_treatment(rows, **options), analysis.best_overall(rows, **options))


def stopping(rows):
    return plots.stopping_points(
        [limits.gap_by_images(rows, "freeze", "fine-tune"), limits.gap_by_images(rows, limits.COPIED, "scratch")],
        [limits.where_freezing_stops(rows), limits.where_transfer_stops(rows)],
        margins=[0, limits.MARGIN],
        titles=["freezing", "transfer"],
    )


def heights(axes):
    """The y values of every treatment."""
    return [line.get_ydata() for line in axes.lines if line.get_marker() in ("o", "^", "v")]


def test_the_published_curve_marks_the_networks_that_never_left_guessing(texts):
    figure = plots.published_reduced(paper_table(experiment="reduced_data"))
    for axes in figure.axes:
        (points,) = axes.collections
        opened = (points.get_facecolors()[:, :3] == 1).all(axis=1)
        assert opened.sum() == 5
        assert sorted(np.round(points.get_offsets()[opened, 0])) == [5, 10, 25, 50, 100]
    assert "never left guessing" in texts(figure)
    with pytest.raises(InputError, match="reduced_data"):
        plots.published_reduced(paper_table(experiment="reduced_data").iloc[:0])


def test_learning_curves_have_a_panel_per_cut_above_and_below(texts, intervals):
    figure = plots.volume_curves(rows_of(noise=0.5), chance=0.04)
    assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == ["n = 3", "n = 5"]
    assert len(figure.axes) == 4
    assert [len(heights(axes)) for axes in figure.axes] == [3, 3, 2, 2]
    assert intervals(figure) == 10
    assert "Missing" not in texts(figure)


def test_the_curves_show_the_true_values():
    figure = plots.volume_curves(rows_of(noise=0, seeds=1))
    scratch, frozen, _ = heights(figure.axes[1])
    assert scratch == pytest.approx([20, 40, 60, 80])
    assert frozen == pytest.approx([51, 59, 67, 75])
    assert heights(figure.axes[3])[0] == pytest.approx([31, 19, 7, -5])


def test_one_seed_draws_no_interval(intervals):
    rows = rows_of(seeds=1)
    assert intervals(plots.volume_curves(rows)) == intervals(stopping(rows)) == 0


def test_of_many_cuts_four_are_drawn():
    assert plots.some_of(range(1, 8), 4) == [1, 3, 5, 7]
    assert plots.some_of([3, 5], 4) == [3, 5]


@pytest.mark.parametrize("treatment", ["base", "AnB", "AnB+"])
def test_curves_of_one_kind_say_what_is_missing(treatment, texts):
    table = volume_table()
    rows = analysis.volume_rows(table[table["treatment"] == treatment], all_images=ALL)
    words = texts(plots.volume_curves(rows))
    assert words.count("Missing:") >= 2
    assert "is absent" in words


def test_the_map_names_winners_and_margins(texts):
    words = texts(map_of(rows_of(noise=0)))
    assert "F5" in words
    assert "+7.0\n[7.0, 7.0]" in words
    assert "no data" not in words


def test_cells_without_a_clear_winner_are_hatched_and_in_small_letters(texts):
    figure = map_of(rows_of(noise=0, seeds=1), threshold=100)
    words = texts(figure)
    assert "f5/t5" in words
    assert "F5" not in words.split()
    cells = [patch for axes in figure.axes for patch in axes.patches]
    assert {patch.get_hatch() for patch in cells} == {"////"}


def test_in_grey_a_winner_of_a_larger_margin_is_darker_and_every_word_legible():
    figure = map_of(rows_of(noise=0))

    def grey(colour):
        return float(np.dot(mpl.colors.to_rgb(colour), (0.299, 0.587, 0.114)))

    below = figure.axes[1]
    one_image = [patch for patch in below.patches if patch.get_x() == -0.5]
    assert grey(one_image[1].get_facecolor()) < grey(one_image[0].get_facecolor())  # +7.0 at n = 5, +4.0 at n = 3
    for text in below.texts:
        box = next(p for p in below.patches if p.contains_point(below.transData.transform(text.get_position())))
        assert abs(grey(box.get_facecolor()) - grey(text.get_color())) > 0.4


def test_a_cell_that_lacks_a_kind_is_marked_and_told(texts):
    figure = map_of(
        rows_of(without=lambda t: (t["images_per_class"] == 16) & (t["treatment"] == "AnB") & (t["n"] == 5))
    )
    words = texts(figure)
    assert words.count("no data") == 1
    assert "AnB at n = 5 with 16 images per class is absent" in words


def test_an_empty_map_is_refused():
    rows = rows_of()
    with pytest.raises(InputError, match="map is empty"):
        volume_map(analysis.best_treatment(rows).iloc[:0], analysis.best_overall(rows))


def test_stopping_points_draw_the_crossing_and_say_what_lies_outside(texts):
    figure = stopping(rows_of(noise=0.5))
    left, right = figure.axes
    assert [line.get_xdata()[0] for line in left.lines if line.get_linestyle() == "--"] == pytest.approx(
        [limits.where_freezing_stops(rows_of(noise=0.5)).images]
    )
    assert "k > 64 (beyond the data)" in [text.get_text() for text in right.texts]
    with pytest.raises(InputError, match="do not fit together"):
        plots.stopping_points([], [], margins=[0], titles=["a"])


def test_what_transfer_is_worth_has_arrows_at_bounds_only():
    table = limits.data_multiplier(rows_of(noise=0))
    arrows = [text for text in plots.data_worth(table).axes[0].texts if text.arrow_patch is not None]
    assert len(arrows) == (table["bound"] != "").sum() == 1
    with pytest.raises(InputError, match="no multiplier"):
        plots.data_worth(table.assign(multiplier=np.nan))


def test_the_slider_shows_one_number_of_images_on_a_scale_for_all(texts):
    rows = rows_of()
    figures = [plots.treatments_at(rows, images) for images in analysis.images_of(rows)]
    assert "1 image per class" in texts(figures[0])
    assert len({figure.axes[0].get_ylim() for figure in figures}) == 1
    with pytest.raises(InputError, match="unknown number of images per class 7; allowed: 1, 4, 16, 64"):
        plots.treatments_at(rows, 7)
    with pytest.raises(InputError, match="unknown number of images per class"):
        plots.treatments_at(rows, 0)
