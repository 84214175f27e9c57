"""Names of any script are drawn, and what is drawn does not hang on the reader's settings."""

import itertools
import logging
import subprocess
import sys
import warnings

import matplotlib as mpl
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.colors import rgb_to_hsv, to_rgb
from matplotlib.figure import Figure

from fctransfer_utils.plots import style


@pytest.fixture(autouse=True)
def settings_as_before():
    with mpl.rc_context():
        yield


@pytest.fixture
def font_with_a_cat(tmp_path):
    """An installed font that has the character for cat and nothing else."""
    pen = TTGlyphPen(None)
    for corner in ((0, 0), (0, 700), (700, 700), (700, 0)):
        (pen.lineTo if corner != (0, 0) else pen.moveTo)(corner)
    pen.closePath()
    square, builder = pen.glyph(), FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "cat"])
    builder.setupCharacterMap({ord("猫"): "cat"})
    builder.setupGlyf({".notdef": square, "cat": square})
    builder.setupHorizontalMetrics({".notdef": (800, 0), "cat": (800, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Cats Sans", "styleName": "Regular"})
    builder.setupOS2(usWeightClass=400)
    builder.setupPost()
    builder.save(tmp_path / "cats.ttf")
    fonts = list(font_manager.fontManager.ttflist)
    font_manager.fontManager.addfont(tmp_path / "cats.ttf")
    _forget()
    yield
    font_manager.fontManager.ttflist[:] = fonts
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


def test_an_installed_font_is_used_where_it_has_the_character(font_with_a_cat, caplog):
    style.apply()
    assert style.drawable("猫") == "猫"
    _drawn_quietly("猫", caplog)


def test_colours_markers_and_dashes_each_tell_treatments_apart():
    names = ["base", "long", "twice", "BnB", "BnB+", "AnB", "AnB+", "random"]
    looks = style.looks(names)
    for one, other in itertools.combinations(names, 2):
        assert looks[one].marker != looks[other].marker
        assert looks[one].colour != looks[other].colour
    for frozen in ("BnB", "AnB"):
        assert looks[frozen].dash != looks[f"{frozen}+"].dash
        brightness = [rgb_to_hsv(to_rgb(looks[name].colour))[2] for name in (frozen, f"{frozen}+")]
        assert brightness[0] < brightness[1]


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


def test_nothing_here_knows_of_training():
    rooms = ("plots.style", "plots.kinds", "plots.schemes", "analysis.claims", "analysis.stats")
    code = "; ".join(["import sys", *(f"import fctransfer_utils.{room}" for room in rooms)])
    code += "; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
