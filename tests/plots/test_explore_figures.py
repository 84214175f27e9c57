"""The figures behind the controls of notebook 12, and what a moved control shows."""

import numpy as np
import pandas as pd
import pytest

from fctransfer_utils.analysis.explore import AFTER, BEFORE, accuracies
from fctransfer_utils.analysis.first_layer import pack
from fctransfer_utils.analysis.guide import recommend
from fctransfer_utils.analysis.guide_evidence import gather
from fctransfer_utils.errors import InputError
from fctransfer_utils.plots.explore_cut import cut_figure
from fctransfer_utils.plots.explore_filters import filters_figure, told_filters
from fctransfer_utils.plots.explore_guide import cited, guide_figure
from fctransfer_utils.plots.explore_maps import maps_figure, told_maps
from fctransfer_utils.plots.quick import Scale, Words, page, width_of
from fctransfer_utils.plots.style import styled
from fctransfer_utils.plots.widgets import BUTTONS, Control, explorer, png_of
from tests.made_keep import keep_table, made_distances


@pytest.fixture
def numbers(made):
    return accuracies(made())


@pytest.fixture(scope="module")
def filters():
    rng = np.random.default_rng(0)
    parts = []
    for seed in (0, 1):
        begun = rng.normal(size=(4, 3, 5, 5))
        packed = pack({BEFORE: begun, AFTER: begun + rng.normal(size=begun.shape)})
        parts.append(packed.assign(task="letters", seed=seed))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def seen():
    """Two pictures with a known box in the upper left quarter; arm A looks there, arm B at the opposite corner."""
    rows = []
    for image, seed, method in ((5, 0, "scda"), (9, 0, "scda"), (5, 1, "scda"), (5, 0, "gradcam")):
        for arm, corner in (("A", 0), ("B", 4)):
            heat = np.zeros((8, 8))
            heat[corner : corner + 4, corner : corner + 4] = 1 + seed
            rows += [
                {"seed": seed, "arm": arm, "image": image, "method": method, "row": row}
                | {f"c{k}": value for k, value in enumerate(line)}
                for row, line in enumerate(heat)
            ]
    box = {"left": 0.0, "top": 0.0, "right": 0.5, "bottom": 0.5}
    pictures = pd.DataFrame([{"image": image, "class": f"class {image}", **box} for image in (5, 9)])
    return pd.DataFrame(rows), pictures, {5: np.full((32, 32, 3), 200, np.uint8)}


@pytest.fixture(scope="module")
def evidence():
    return gather({"keep": keep_table()}, made_distances())


def test_moving_n_and_what_is_shown_gives_the_picture_of_the_still_function(numbers):
    box = explorer(
        lambda n, shown: cut_figure(numbers, n=n, shown=shown),
        [
            Control("n", "cut n", range(1, 8), 3),
            Control("shown", "show", {"top-1": "top1", "minus base": "points"}, "top1", kind=BUTTONS),
        ],
    )
    slider, buttons = box.children[0].children
    seen = {box.children[1].value}
    for n, shown in ((6, "top1"), (6, "points"), (1, "points")):
        slider.value, buttons.value = n, shown
        assert box.children[1].value == png_of(cut_figure(numbers, n=n, shown=shown))
        seen.add(box.children[1].value)
    assert len(seen) == 4


def test_a_cut_out_of_range_is_refused_by_the_still_function(numbers):
    with pytest.raises(InputError, match=r"n = 9 is outside 1\.\.7"):
        cut_figure(numbers, n=9)


def test_a_study_without_any_pair_has_no_points_to_show(numbers):
    with pytest.raises(InputError, match="there is no top-1 minus the own base"):
        cut_figure(numbers[numbers["shown"] == "top1"], n=3, shown="points")


def test_filters_follow_the_seed_and_their_words_are_marked_as_of_one_network(filters):
    pictures = [png_of(filters_figure(filters, task="letters", seed=seed)) for seed in (0, 1)]
    assert pictures[0] != pictures[1]
    rows = filters[(filters["seed"] == 1) & (filters["net"] == AFTER)]
    told = told_filters(filters, task="letters", seed=1)
    assert f"{rows['gabor_r2'].mean():.2f} after it" in told
    assert "one network, no interval" in told


def test_the_map_that_lies_on_the_known_box_has_the_larger_iou(seen):
    maps, pictures, _ = seen
    told = told_maps(maps, pictures, place=1, seed=0, way="scda")
    shares = {part[0]: float(part[2:6]) for part in told.partition("by arm: ")[2].split("; ")}
    assert shares["A"] > 0.7
    assert shares["B"] < 0.05
    assert "no interval" in told


def test_a_picture_that_is_not_stored_leaves_a_grey_place(seen):
    maps, pictures, pixels = seen
    with_picture = png_of(maps_figure(maps, pictures, pixels, place=1, seed=0, way="scda"))
    assert with_picture != png_of(maps_figure(maps, pictures, {}, place=1, seed=0, way="scda"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"place": 3}, r"picture 3 is outside 1\.\.2"),
        ({"seed": 4}, "unknown seed 4; allowed: 0, 1"),
        ({"way": "loud"}, "unknown way to ask 'loud'; allowed: scda, gradcam"),
    ],
)
def test_a_picture_seed_or_way_that_is_not_there_is_refused(seen, change, words):
    maps, pictures, pixels = seen
    with pytest.raises(InputError, match=words):
        maps_figure(maps, pictures, pixels, **{"place": 1, "seed": 0, "way": "scda", **change})


def ask(evidence, *, distance=0.4, labels=5, compute="little"):
    """The answer and its picture."""
    asked = {"distance": distance, "compute": compute}
    answer = recommend(**asked, labels_per_class=labels, evidence=evidence)
    return answer, png_of(guide_figure(evidence, answer, **asked, labels=labels))


def test_the_guide_shows_another_answer_for_another_question_and_cites_every_row(evidence):
    near, far = ask(evidence), ask(evidence, distance=1.4)
    assert (near[0].cut, far[0].cut) == ("fc7", "conv5")
    assert near[1] != far[1]
    lines = cited(evidence, near[0])
    assert len(lines) == len(near[0].rows) > 0
    assert all(sum(f"({key})" in line for line in lines) == 1 for key in near[0].rows)


def test_where_nothing_was_trained_the_guide_says_why_and_cites_nothing(evidence):
    answer, picture = ask(evidence, labels=1000)
    assert not answer.found
    assert cited(evidence, answer) == []
    assert picture != ask(evidence, labels=5)[1]


def test_words_are_as_wide_as_they_are_said_to_be():
    with styled():
        _, axes = page(1.0, width=3.0)
        words = Words(axes)
        words.write(1.0, 0.5, "HAMH", size=12)
        words.draw()
    (shape,) = axes.collections
    drawn = shape.get_paths()[0].get_extents()
    assert drawn.x0 >= 1.0
    assert drawn.x1 <= 1.0 + width_of("HAMH", size=12)
    assert drawn.width > 0.85 * width_of("HAMH", size=12)
    assert (drawn.y0 + drawn.y1) / 2 == pytest.approx(0.5, abs=0.01)
    assert width_of("HAMH", size=12) > width_of("HAM", size=12)


def test_a_scale_puts_its_ends_and_round_ticks_between_them():
    scale = Scale(-3.0, 5.0, 1.0, 9.0)
    assert (scale(-3.0), scale(1.0), scale(5.0)) == (1.0, 5.0, 9.0)
    assert scale.ticks(5) == [-2.0, 0.0, 2.0, 4.0]
