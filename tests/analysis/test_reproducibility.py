"""The reproducibility statement counts what is in the tables, and says what is not."""

import pandas as pd
import pytest
from made_studies import made_studies

from fctransfer_utils.analysis import reproducibility
from fctransfer_utils.analysis.overview import claims_of_everything

DAY = 24 * 60 * 60


@pytest.fixture(scope="module")
def studies():
    halves, distant, _ = made_studies(seeds=3)
    tables = {"transfer": halves, "distant": distant}
    numbered = {}
    for name, table in tables.items():
        keys = [f"{name}-{row}" for row in range(len(table))]
        numbered[name] = table.assign(
            data="glyphs[50x60]", key=keys, seconds=60.0, device="cpu/float32", torch="2.15.0"
        )
    return numbered


def test_networks_are_counted_by_study(studies):
    counted = reproducibility.networks(studies).set_index("study")
    assert list(counted["networks"]) == [len(table) for table in studies.values()]
    assert counted.loc["transfer", "seeds"] == "0-2"
    assert counted.loc["transfer", "minutes"] == pytest.approx(len(studies["transfer"]))


def test_a_network_that_two_studies_share_counts_once(studies):
    shared = {**studies, "distant": pd.concat([studies["distant"], studies["transfer"].head(5)])}
    assert reproducibility.networks(shared)["networks"].sum() == reproducibility.together(studies)["networks"].sum() + 5
    assert reproducibility.together(shared)["networks"].sum() == reproducibility.together(studies)["networks"].sum()


def test_our_column_of_the_deviations_follows_from_the_tables(studies):
    counted = reproducibility.networks({name: table.assign(image_size=64) for name, table in studies.items()})
    found = reproducibility.deviations(counted, rates=(0.03, 0.003)).set_index("what")["here"]
    assert found["image side"] == "64 pixels"
    assert "0.003, 0.03" in found["learning rate"]


def test_the_cost_of_the_published_networks_is_computed():
    rows = reproducibility.not_reproducible(pd.DataFrame(index=range(100)), folders=["mine"])
    assert "2.6 years" in rows["why"].iloc[0]
    assert "mine" in rows["what"].iloc[-1]
    assert len(reproducibility.not_reproducible(pd.DataFrame(index=range(100)))) == len(rows) - 1


def test_limits_count_what_was_not_decided(studies):
    one = {"transfer": studies["transfer"].query("seed == 0")}
    claims = {"photographs": claims_of_everything(one)}
    words = " ".join(reproducibility.limits(claims, reproducibility.networks(one)))
    count = len(claims["photographs"])
    assert f"On photographs, 0 of {count} claims are decided, and {count} have no interval at all" in words
    assert "cpu/float32 with torch 2.15.0" in words
