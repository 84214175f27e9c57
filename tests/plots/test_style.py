"""Names of any script are drawn, and what is drawn does not hang on the reader's settings."""

import logging
import warnings

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from fctransfer_utils.plots import style


@pytest.fixture(autouse=True)
def settings_as_before():
    with mpl.rc_context():
        yield


@pytest.fixture
def letter(monkeypatch):
    """A letter that DejaVu Sans lacks and STIXGeneral has, which comes with matplotlib too."""
    monkeypatch.setattr(style, "SCRIPTS", "ℊ")
    _forget()
    yield "ℊ"
    _forget()


def _forget():
    for cached in (style.families, style._has, style._settings):
        cached.cache_clear()


def _drawn_quietly(text, caplog):
    """Draw it, and let no warning of any kind pass."""
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
        warnings.simplefilter("error")
        figure = Figure()
        words = figure.text(0, 0.5, text)
        figure.draw_without_rendering()
    assert not caplog.records
    return words.get_window_extent()


@pytest.mark.parametrize("name", ["$5 to $10", "US$_ $", "café", "κόσμος", "😀", "a\nb", "100 % {x}^2 \\alpha"])
def test_what_the_font_has_stays_as_it_is(name, caplog):
    style.apply()
    assert style.drawable(name) == name
    assert _drawn_quietly(style.drawable(name), caplog).width > 0


@pytest.mark.parametrize("name", ["\U0001f4a9", "\udcff.png", "a\tb", "\x00", "𓃠 cat", "\U000e0041"])
def test_what_no_font_has_is_written_as_an_escape(name, caplog):
    style.apply()
    drawn = style.drawable(name)
    _drawn_quietly(drawn, caplog)
    assert drawn.encode("ascii").decode("unicode_escape") == name


def test_an_installed_font_is_used_where_it_has_the_character(letter, caplog):
    assert not style._has("DejaVu Sans", letter)
    style.apply()
    assert style.drawable(letter) == letter
    _drawn_quietly(letter, caplog)


def test_levels_that_have_no_look_of_their_own_get_one_that_is_free():
    looks = style.looks(["AnB", *(f"width {k}" for k in range(12))])
    assert looks["AnB"] == style.LOOKS["AnB"]
    assert len(set(looks.values())) == 13


def test_logarithmic_axes_have_plain_numbers():
    style.apply()
    axes = Figure().subplots()
    axes.set_xscale("log")
    axes.set_xlim(0.001, 100)
    axes.figure.draw_without_rendering()
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert {"0.001", "0.1", "10"} <= set(labels)


def test_the_readers_settings_come_back():
    mpl.rcParams["font.size"] = 17
    with style.themed():
        assert mpl.rcParams["font.size"] < 17
    assert mpl.rcParams["font.size"] == 17
