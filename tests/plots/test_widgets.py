"""Controls and their picture."""

import gc
import weakref

import pytest
from matplotlib.figure import Figure

from fctransfer_utils.errors import InputError
from fctransfer_utils.plots.widgets import BUTTONS, Control, explorer, figure_slider, png_of, reactions

ipywidgets = pytest.importorskip("ipywidgets")


@pytest.fixture
def drawn():
    return []


@pytest.fixture
def draw(drawn):
    def bars(number, colour="black"):
        drawn.append((number, colour))
        figure = Figure(figsize=(1, 1))
        figure.subplots().bar([0], [number], color=colour)
        return figure

    return bars


NUMBER = Control("number", "n", range(8), 3, help="copied layers")
COLOUR = Control("colour", "colour", {"dark": "black", "light": "grey"}, "grey", kind=BUTTONS)


def controls_of(box):
    return box.children[0].children


def test_it_draws_once_until_the_slider_moves(draw, drawn):
    box = figure_slider(draw, value=3, low=0, high=7, label="n")
    (slider,), picture = controls_of(box), box.children[1]
    assert drawn == [(3, "black")]
    assert picture.value == png_of(draw(3))
    slider.value = 5
    assert drawn[2:] == [(5, "black")]
    assert picture.value == png_of(draw(5)) != png_of(draw(3))


def test_nothing_is_captured(draw):
    box = explorer(draw, [NUMBER, COLOUR], tell=lambda number, colour: "told")
    assert not any(isinstance(child, ipywidgets.Output) for child in box.children)


def test_a_slider_begins_inside_its_range(draw):
    with pytest.raises(InputError, match=r"n = 8 is outside 0\.\.7"):
        figure_slider(draw, value=8, low=0, high=7, label="n")


def test_every_control_changes_its_own_argument_and_leaves_the_others(draw):
    box = explorer(draw, [NUMBER, COLOUR])
    (slider, buttons), picture = controls_of(box), box.children[1]
    assert picture.value == png_of(draw(3, "grey"))
    buttons.value = "black"
    assert picture.value == png_of(draw(3, "black"))
    slider.value = 6
    assert picture.value == png_of(draw(6, "black"))


def test_a_picture_seen_before_is_not_drawn_again(draw, drawn):
    box = explorer(draw, [NUMBER])
    (slider,), picture = controls_of(box), box.children[1]
    first = picture.value
    slider.value = 4
    assert picture.value != first
    slider.value = 3
    assert picture.value == first
    assert drawn == [(3, "black"), (4, "black")]


def test_the_words_follow_and_stand_in_for_the_picture(draw):
    box = explorer(
        draw, [NUMBER], tell=lambda number: f"<{number}> layers", cite=lambda number: ["key1"] * (number > 3)
    )
    (slider,), picture, words = controls_of(box), *box.children[1:]
    assert picture.tooltip == "<3> layers"
    assert "&lt;3&gt; layers" in words.value
    assert "<details>" not in words.value
    slider.value = 4
    assert picture.tooltip == "<4> layers"
    assert "Evidence: 1 rows" in words.value
    assert "key1" in words.value


@pytest.mark.parametrize("kind", ["slider", BUTTONS])
def test_every_control_has_a_whole_description_and_a_tooltip(kind):
    widget = Control("way", "how it is asked", ("one", "two"), "two", kind=kind, help="what that means").widget()
    assert widget.description == "how it is asked"
    assert widget.style.description_width == "initial"
    assert widget.tooltip == "what that means"
    assert widget.value == "two"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": 9}, r"n = 9 is outside 0\.\.7"),
        ({"options": (1, 5), "value": 2}, r"unknown value of n 2; allowed: 1, 5"),
        ({"options": ()}, "nothing to choose from"),
        ({"label": " "}, "'number' has no label"),
        ({"kind": "knob"}, "unknown kind of control 'knob'"),
    ],
)
def test_a_control_that_cannot_be_is_refused_in_one_line(change, words):
    with pytest.raises(InputError, match=words):
        Control(**{"name": "number", "label": "n", "options": range(8), "value": 3, **change})


def test_no_control_and_two_of_one_name_are_refused(draw):
    with pytest.raises(InputError, match="nothing to move"):
        explorer(draw, [])
    with pytest.raises(InputError, match="two controls set the same argument"):
        explorer(draw, [NUMBER, NUMBER])


def test_reactions_visit_every_value_and_put_the_controls_back(draw, drawn):
    box = explorer(draw, [NUMBER, COLOUR])
    taken = reactions(box)
    assert len(taken) == 8 + 2
    assert [widget.value for widget in controls_of(box)] == [3, "grey"]
    assert set(drawn) == {(number, "grey") for number in range(8)} | {(3, "black")}


def test_a_figure_is_freed_as_soon_as_its_picture_is_made(draw):
    alive = []

    def remembered(number):
        figure = draw(number)
        alive.append(weakref.ref(figure))
        return figure

    box = explorer(remembered, [NUMBER])
    reactions(box)
    assert len(alive) == 8
    assert not any(figure() for figure in alive)


def test_the_collector_goes_on_after_a_picture_that_could_not_be_drawn(draw):
    def broken(number):
        if number == 5:
            raise InputError("no picture of 5")
        return draw(number)

    (slider,) = controls_of(explorer(broken, [NUMBER]))
    with pytest.raises(InputError, match="no picture of 5"):
        slider.value = 5
    assert gc.isenabled()
