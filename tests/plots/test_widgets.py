"""The slider and its picture."""

import pytest
from matplotlib.figure import Figure

from fctransfer_utils.errors import InputError
from fctransfer_utils.plots.widgets import figure_slider, png_of

ipywidgets = pytest.importorskip("ipywidgets")


@pytest.fixture
def drawn():
    return []


@pytest.fixture
def draw(drawn):
    def bars(number):
        drawn.append(number)
        figure = Figure(figsize=(1, 1))
        figure.subplots().bar([0], [number])
        return figure

    return bars


def test_it_draws_once_until_the_slider_moves(draw, drawn):
    slider, picture = figure_slider(draw, value=3, low=0, high=7, label="n").children
    assert drawn == [3]
    assert picture.value == png_of(draw(3))
    slider.value = 5
    assert drawn == [3, 3, 5]
    assert picture.value == png_of(draw(5)) != png_of(draw(3))


def test_nothing_is_captured(draw):
    box = figure_slider(draw, value=3, low=0, high=7, label="n")
    assert not any(isinstance(child, ipywidgets.Output) for child in box.children)


def test_a_slider_begins_inside_its_range(draw):
    with pytest.raises(InputError, match=r"n = 8 is outside 0\.\.7"):
        figure_slider(draw, value=8, low=0, high=7, label="n")
