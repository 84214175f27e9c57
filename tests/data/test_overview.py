"""Which splits a set has, and what their halves hold."""

import dataclasses

import pytest

from fctransfer_utils.data import DataSpec, load, make_split
from fctransfer_utils.data.overview import group_counts, halves_table, splits_of

RANDOM = ["random0", "random1", "random2", "random3"]


@pytest.fixture(scope="module")
def glyphs():
    return load(DataSpec(glyph_classes=10, glyphs_per_class=1))


def test_glyphs_have_letters_and_photographs_nature(glyphs):
    wnids = ("n01440764", "n01443537", "n02672831", "n02676566")
    photographs = dataclasses.replace(glyphs, class_ids=wnids, class_names=wnids, groups={})
    assert [*splits_of(glyphs)] == [*RANDOM, "letters-symbols"]
    assert [*splits_of(photographs)] == [*RANDOM, "natural-manmade"]


def test_the_table_counts_the_halves(glyphs):
    for row in halves_table(glyphs):
        split = make_split(row["split"], glyphs)
        assert row["classes"] == len(split.halves[row["half"]])
        assert row["checksum"] == split.checksum


def test_every_class_is_counted_in_one_group_of_one_half(glyphs):
    rows = group_counts(glyphs, make_split("random0", glyphs))
    assert sum(row["count"] for row in rows) == glyphs.classes
    assert {row["category"] for row in rows}.isdisjoint({"letters", "symbols"})
    letters = group_counts(glyphs, make_split("letters-symbols", glyphs))
    assert all(row["count"] == 0 for row in letters if row["category"] == "latin" and row["half"] == "B")
