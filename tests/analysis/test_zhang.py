"""Zhang et al.'s Table 2 gives the differences and errors that can be worked out by hand."""

import math

import pandas as pd
import pytest

from fctransfer_utils.analysis import zhang
from fctransfer_utils.errors import InputError


@pytest.fixture(scope="module")
def gaps():
    return zhang.paper_gaps(zhang.paper_table2())


def test_differences_and_errors_are_those_of_the_table(gaps):
    cell = gaps[(gaps["network"] == "VGG-16, fine-tune") & (gaps["dataset"] == "CUB-200")].iloc[0]
    assert cell["difference"] == pytest.approx(1.34)
    assert cell["error"] == pytest.approx(100 * math.sqrt((0.7324 * 0.2676 + 0.719 * 0.281) / 5794))
    assert cell["high"] - cell["low"] == pytest.approx(2 * 1.96 * cell["error"], rel=1e-4)
    assert len(gaps) == 15
    assert gaps.groupby("dataset", sort=False)["place"].first().tolist() == [0, 1, 2, 3, 4]


def test_no_single_cell_reaches_two_standard_errors(gaps):
    assert gaps["in_errors"].abs().max() < 2


def test_all_signs_are_as_claimed_and_the_test_depends_on_what_is_counted(gaps):
    signs = zhang.sign_pattern(gaps).set_index("counted")
    assert signs.loc["far cells", ["values", "agree"]].tolist() == [12, 12]
    assert signs.loc["near cells", ["values", "agree"]].tolist() == [3, 3]
    assert signs.loc["far cells", "p"] == pytest.approx(2 / 2**12)
    assert signs.loc["near cells", "p"] == pytest.approx(2 / 2**3)
    assert signs.loc["far data sets (mean over networks)", "p"] == pytest.approx(2 / 2**4)
    assert signs.loc["pairs of source networks, far (mean over cells)", "p"] == pytest.approx(0.5)


def test_a_cell_on_the_other_side_does_not_agree(gaps):
    other = gaps.assign(difference=gaps["difference"].where(gaps["dataset"] != "CUB-200", -1.0))
    signs = zhang.sign_pattern(other).set_index("counted")
    assert signs.loc["far cells", "agree"] == 9


def test_assumptions_and_confounds_are_tables(gaps):
    assert zhang.assumed_images()["test images (assumed)"].tolist() == list(zhang.IMAGES.values())
    assert zhang.assumed_images()["where from"].str.contains("not stated in the paper").all()
    assert "hidden FC layers" in set(zhang.confounded()["what differs"])


def test_a_table_that_is_not_the_papers_is_refused(tmp_path):
    with pytest.raises(InputError, match="is not a file; give the path of zhang2017_table2.csv"):
        zhang.paper_table2(tmp_path / "none.csv")
    table = zhang.paper_table2()
    path = tmp_path / "table.csv"
    table.drop(columns="fc_layers").to_csv(path, index=False)
    with pytest.raises(InputError, match="has no column fc_layers"):
        zhang.paper_table2(path)
    pd.DataFrame(table).replace("CUB-200", "CUB-201").to_csv(path, index=False)
    with pytest.raises(InputError, match="'CUB-201'"):
        zhang.paper_table2(path)
