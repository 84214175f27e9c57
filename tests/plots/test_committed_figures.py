"""The committed figures: each whole, legible at the width of a notebook, without colour, and for a screen reader."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest
from made_colours import lightness

FIGURES = Path(__file__).parents[2] / "figures"
FILES = sorted(FIGURES.glob("*.svg"))
SVG, TO = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
NOTEBOOK = 648.0  # points: the width of a notebook's column, 9 inches
SMALLEST = 7.0  # points in that width
# texts are outlines of letters in units of a hundredth of the font's size
LETTERS = re.compile(r"<!-- .*? -->\s*<g [^>]*scale\(([\d.]+) -[\d.]+\)")
HEX = re.compile(r"#[0-9a-f]{6}")
each_figure = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def test_there_are_figures():
    assert len(FILES) > 50


@each_figure
def test_a_figure_has_a_picture_and_its_numbers_beside_it(path):
    assert path.with_suffix(".png").exists()
    assert (FIGURES / "data" / f"{path.stem}.csv").exists()


@each_figure
def test_words_can_be_read_at_the_width_of_a_notebook(path):
    text = path.read_text(encoding="utf-8")
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', text).group(1))
    sizes = [100 * float(scale) for scale in LETTERS.findall(text)]
    assert all(size * min(1.0, NOTEBOOK / width) >= SMALLEST - 0.01 for size in sizes)


@each_figure
def test_a_screen_reader_is_told_what_there_is_to_see(path):
    root = ElementTree.parse(path).getroot()
    title, words = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert root.get("role") == "img"
    assert root.get("aria-labelledby").split() == [title.get("id"), words.get("id")]
    assert title.text
    assert words.text.startswith(title.text)
    assert words.text.endswith(f"The numbers are in data/{path.stem}.csv.")


@each_figure
def test_the_entries_of_a_legend_differ_without_colour(path):
    root = ElementTree.parse(path).getroot()
    shapes = {part.get("id"): part.get("d") for part in root.iter(f"{SVG}path") if part.get("id")}
    for pattern in root.iter(f"{SVG}pattern"):
        colour, lines = pattern.find(f"{SVG}rect").get("fill"), pattern.find(f"{SVG}path").get("d")
        shapes[pattern.get("id")] = (lines, colour)
    for legend in root.iter(f"{SVG}g"):
        if not legend.get("id", "").startswith("legend_"):
            continue
        for one, other in combinations(entries(legend, shapes), 2):
            if one[0] == other[0]:
                greys = [abs(lightness(a) - lightness(b)) for a, b in zip(one[1], other[1], strict=True)]
                assert max(greys) >= 10, f"{one[1]} and {other[1]} are one grey"


def entries(legend, shapes):
    """What stands before each of a legend's texts: its shapes (line, marker, hatch), and their colours."""
    found, form, colours = [], [], []
    for part in legend:
        if part.get("id", "").startswith("text_"):
            found.append((tuple(form), tuple(colours)))
            form, colours = [], []
            continue
        hidden = {id(path) for defs in part.iter(f"{SVG}defs") for path in defs.iter(f"{SVG}path")}
        for drawn in part.iter():
            if drawn.tag in (f"{SVG}path", f"{SVG}use") and id(drawn) not in hidden:
                style = dict(entry.split(": ", 1) for entry in drawn.get("style", "").split("; ") if entry)
                fill, line = style.get("fill", "#000000"), style.get("stroke", "none")
                own = shapes.get(drawn.get(TO, "#")[1:], "line")
                filled = fill != "none"
                if fill.startswith("url"):
                    filled, fill = shapes[fill[5:-1]]
                form.append((own, filled, style.get("stroke-width"), style.get("stroke-dasharray")))
                colours.append(next((colour for colour in (fill, line) if HEX.fullmatch(colour)), "#ffffff"))
    return found
