"""The reader's own run is large enough to show what it is run for."""

import pandas as pd
import pytest
from statsmodels.stats.power import TTestPower

from fctransfer_utils.analysis.effects import by_replicate
from fctransfer_utils.data.splits import TUNE
from fctransfer_utils.experiments import studies, train
from fctransfer_utils.experiments.profiles import profile
from fctransfer_utils.files import TABLES


@pytest.fixture(scope="module")
def specificity():
    """AnB - BnB at n = 7 of networks like those of quick, on replicates that no claim is judged on."""
    table = pd.read_csv(TABLES / "quick_power.csv")
    return by_replicate(table[table["n"].isin((0, 7))], "AnB", "BnB").set_index("replicate")["difference"]


def test_quick_shows_the_specificity_of_the_last_layers_with_a_power_of_nine_in_ten(specificity):
    quick = profile("quick").replicates
    for mean in (specificity[TUNE], specificity.drop(TUNE).mean()):
        assert TTestPower().power(abs(mean) / specificity.std(), quick, 0.05) >= 0.9


def test_the_networks_that_the_power_stands_on_learnt_as_those_of_quick_do():
    table, quick = pd.read_csv(TABLES / "quick_power.csv"), profile("quick")
    assert len(table) == 4 * 2 * (1 + 2 * len(quick.cuts))
    assert set(table["n"]) == {0, *quick.cuts}
    assert not table["diverged"].any()


@pytest.mark.parametrize("treatment", ["base", "long", "twice"])
def test_recipes_can_be_searched_for_in_quick(treatment):
    sizes = profile("quick")
    study = studies.recipes(sizes, grid={"learning_rate": (0.01,)}, treatment=treatment)
    train.check_images([network for _, network in study], train.FILES)
