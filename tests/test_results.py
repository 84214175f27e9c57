"""The results stand where they are shown, and nothing is told of networks that nobody trained."""

import re

import nbformat
import numpy as np
import pandas as pd
import pytest
from made_networks import study

from fctransfer_utils import results
from fctransfer_utils.analysis.claims import claims
from fctransfer_utils.files import PROJECT

TREATMENTS = {"base": 0.6, "long": 0.6, "BnB": 0.6, "AnB": lambda n: 0.6 - n / 100, "AnB+": 0.6, "BnB+": 0.6}


def keyed(table):
    """Networks with keys: one that two tables list has the same in both."""
    names = [table[name].astype(str) for name in ("data", "split", "replicate", "target", "treatment", "n")]
    return table.assign(key=pd.concat(names, axis=1).agg(" ".join, axis=1))


@pytest.fixture
def tables(tmp_path):
    """``tables(name=table, ...)``: a folder of figures with these tables, judged."""

    def judged(**given):
        folder = tmp_path / "figures" / "tables"
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in given.items():
            keyed(table).to_csv(folder / f"{name}.csv", index=False)
        return results.judged(folder).set_index(["id", "data"])

    return judged


def test_committed_results_are_those_of_the_committed_tables(capsys):
    assert results.main(["--check"]) == 0, capsys.readouterr().out


def test_what_readme_quotes_of_keep_is_what_its_notebook_shows():
    cells = nbformat.read(PROJECT / "notebooks" / "11_your_images.ipynb", as_version=4).cells
    shown = "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", []))
    quoted = re.findall(r"^(?:Take the blocks|How sure:).*", (PROJECT / "README.md").read_text(), flags=re.MULTILINE)
    assert len(quoted) == 2
    assert all(part in shown for line in quoted for part in line.split("[...]"))


def test_a_claim_whose_networks_are_missing_is_not_run(tables):
    found = tables(transfer_glyphs=study(TREATMENTS))
    assert found.loc[("specific-last", "glyphs"), "word"] == "holds"
    missing = found[found["word"] == results.NOT_RUN]
    assert set(missing.index.get_level_values("id")) > {"random-third", "far-last-letters", "few-freeze"}
    assert np.isnan(missing["mean"].astype(float)).all()
    assert "few-freeze-photographs" not in found.index.get_level_values("id")  # there are no photographs at all


def test_a_new_table_fills_its_claims_and_changes_no_mean(tables):
    few = [
        study({"frozen": 0.5, "fine-tuned": 0.4, "scratch": 0.3}, replicates=3, per_class=k, width=12) for k in (1, 40)
    ]
    before = tables(transfer_glyphs=study(TREATMENTS))
    untrained = study({"base": 0.6, "random gaussian": 0.1})
    after = tables(random_glyphs=untrained, volumes_glyphs=pd.concat(few))
    assert after.loc[("random-third", "glyphs"), "word"] == "holds"
    assert after.loc[("few-freeze", "glyphs"), "mean"] == pytest.approx(10)
    known = before["count"] > 0
    assert known.sum() == 7
    pd.testing.assert_series_equal(after.loc[before.index[known], "mean"], before.loc[known, "mean"])


def test_every_claim_has_few_words_and_a_figure_and_the_block_of_readme_at_most_15_lines():
    rows = results.judged()
    assert len(results.block(rows).splitlines()) <= 2 + 15
    assert set(rows["id"]) == set(claims()["id"])
    assert rows.groupby("id")["short"].nunique().eq(1).all()
    assert rows.loc[rows["count"] > 0, "figure"].ne("").all()
    assert not rows.duplicated(["short", "data"]).any()
