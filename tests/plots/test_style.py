from itertools import combinations, pairwise

import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_colours import lightness

from fctransfer_utils.analysis.tables import TREATMENTS
from fctransfer_utils.plots.style import (
    ALMOST_WHITE,
    CYCLE,
    PALE_BLUE,
    PALE_ORANGE,
    PALE_RED,
    TREATMENT_STYLE,
    apart,
    new_figure,
    say_missing,
    styled,
)

OKABE_ITO = {"#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}


def test_every_treatment_has_a_look_of_its_own_from_okabe_ito():
    assert set(TREATMENT_STYLE) == set(TREATMENTS)
    assert {look.colour for look in TREATMENT_STYLE.values()} <= OKABE_ITO
    assert set(CYCLE) <= OKABE_ITO
    for part in ("marker", "label"):
        assert len({getattr(look, part) for look in TREATMENT_STYLE.values()}) == len(TREATMENTS)


@pytest.mark.parametrize("together", [(*TREATMENTS[:6], "twice"), ("base", "AnB", "random", "random-gaussian"),
                                      ("base", "BnB", "warm", "stitch")])  # fmt: skip
def test_treatments_of_one_figure_have_a_colour_each(together):
    assert len({TREATMENT_STYLE[name].colour for name in together}) == len(together)


@pytest.mark.parametrize(("one", "other"), list(combinations(TREATMENTS, 2)))
def test_any_two_treatments_differ_without_colour(one, other):
    a, b = TREATMENT_STYLE[one], TREATMENT_STYLE[other]
    assert a.marker != b.marker
    grey = abs(lightness(a.colour) - lightness(b.colour))
    frozen = {one, other} == {"BnB", "AnB"}
    fine_tuned = {one, other} == {"BnB+", "AnB+"}
    # the two frozen and the two fine-tuned share a line and part by marker; all others by grey or line too
    assert grey >= 15 or a.line != b.line or frozen or fine_tuned


@pytest.mark.parametrize("name", ["BnB", "AnB"])
def test_fine_tuning_is_lighter_than_freezing(name):
    assert lightness(TREATMENT_STYLE[f"{name}+"].colour) - lightness(TREATMENT_STYLE[name].colour) > 15


def test_colours_stand_out_on_white():
    assert all(lightness(look.colour) < 75 for look in TREATMENT_STYLE.values())


@pytest.mark.parametrize("faces", [(PALE_BLUE, PALE_RED, ALMOST_WHITE), (PALE_BLUE, PALE_ORANGE, ALMOST_WHITE)])
def test_faces_of_boxes_differ_in_grey_and_leave_black_words_legible(faces):
    greys = sorted(lightness(face) for face in faces)
    assert all(above - below >= 10 for below, above in pairwise(greys))
    assert greys[0] > 70


def test_drawing_leaves_no_trace_in_the_callers_settings():
    mpl.rcParams["font.size"] = 17
    try:
        before = dict(mpl.rcParams)
        with styled():
            new_figure(height=2)
            assert mpl.rcParams["font.size"] == 10
        assert dict(mpl.rcParams) == before
    finally:
        mpl.rcParams["font.size"] = mpl.rcParamsDefault["font.size"]


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=7), st.floats(0.1, 2))
def test_labels_are_moved_apart_in_their_order(values, gap):
    places = apart(values, gap)
    order = sorted(range(len(values)), key=lambda i: values[i])
    steps = [places[b] - places[a] for a, b in pairwise(order)]
    assert all(step >= gap * (1 - 1e-6) for step in steps)
    assert sum(places) == pytest.approx(sum(values), abs=1e-6)


def test_labels_that_are_apart_stay():
    assert apart([3.0, 1.0, 2.0], 0.5) == [3.0, 1.0, 2.0]


def test_what_is_missing_is_written_once_and_counted_when_long(texts):
    with styled():
        figure, _ = new_figure(height=2)
        say_missing(figure, ["a is absent.", "a is absent.", "b.", "c.", "d.", "e."])
    assert texts(figure).count("a is absent.") == 1
    assert "and 2 more" in texts(figure)
