import pytest
from made_dip import dip_table
from made_studies import made_studies
from made_volume import volume_table

from fctransfer_utils.analysis.claims import VERDICTS
from fctransfer_utils.analysis.overview import (
    chance_of,
    claims_of_everything,
    judged_of_everything,
    overview,
    verdict_counts,
)
from fctransfer_utils.errors import InputError


@pytest.fixture(scope="module")
def tables():
    halves, distant, filters = (part.assign(data="glyphs[50x60]") for part in made_studies(seeds=3))
    volume = volume_table().assign(data="glyphs[50x64]")
    return {"transfer": halves, "distant": distant, "random": filters, "volume": volume, "dip": dip_table()}


def test_every_claim_appears_once(tables):
    ids = [claim.id for claim in claims_of_everything(tables)]
    assert len(ids) == len(set(ids))
    for id in ("first-layers-general", "boost-beyond-selffer", "dip-underfits", "coadaptation-dip"):
        assert id in ids


def test_claims_are_shown_where_their_study_is(tables):
    where = {claim.id: claim.where for claim in claims_of_everything(tables)}
    assert where["first-layers-general"] == where["coadaptation-dip"] == "05_transfer_curves"
    assert where["boost-beyond-selffer"] == where["dip-underfits"] == "08_reading_the_logs"
    assert {"06_distant_tasks_and_random_filters", "07_how_much_data"} <= set(where.values())


def test_studies_that_are_not_there_are_left_out(tables):
    assert {claim.where for claim in claims_of_everything({"dip": tables["dip"]})} == {"08_reading_the_logs"}
    assert claims_of_everything({}) == ()


def test_the_table_has_a_column_per_data_set(tables):
    found = overview({"glyphs": tables, "photographs": {"dip": tables["dip"]}})
    assert list(found) == [
        "claim", "paper", "glyphs", "verdict (glyphs)", "photographs", "verdict (photographs)", "where",
    ]  # fmt: skip
    assert found.map(lambda cell: isinstance(cell, str)).all().all()
    dip = found[found["claim"].str.startswith("BnB fits its training images worse")].iloc[0]
    assert dip["glyphs"] == dip["photographs"]
    halves = found[found["where"] == "06_distant_tasks_and_random_filters"]
    assert (halves["photographs"] == "-").all()
    assert len(halves)


def test_data_sets_judged_at_other_cuts_say_so(tables):
    few = {"dip": tables["dip"].query("n != 5")}
    found = overview({"glyphs": {"dip": tables["dip"]}, "photographs": few}).set_index("claim")
    dip = found[found.index.str.contains("Freezing the own middle layers")].iloc[0]
    assert dip["photographs"].endswith("4 pairs (at n = 4)")  # four seeds, at n = 4
    assert "(" not in dip["glyphs"]


def test_chance_is_read_off_the_name_of_the_data():
    assert chance_of("glyphs[50x60]") == pytest.approx(1 / 25)
    assert chance_of("tiny-imagenet") == pytest.approx(1 / 100)
    with pytest.raises(InputError, match="does not tell how many classes"):
        chance_of("folder:mine")


def test_bad_input_is_named(tables):
    with pytest.raises(InputError, match="unknown study 'keep'"):
        claims_of_everything({"keep": tables["dip"]})
    with pytest.raises(InputError, match="pass the study 'transfer'"):
        claims_of_everything({"distant": tables["distant"]})


def test_a_claim_names_the_studies_that_it_was_judged_on(tables):
    behind = {one.claim.id: one.tables for one in judged_of_everything(tables)}
    assert behind["first-layers-general"] == behind["boost-beyond-selffer"] == ("transfer",)
    assert behind["distant-loses-more"] == ("distant", "transfer")
    assert behind["untrained-costs-he"] == ("random",)
    assert behind["dip-underfits"] == ("dip",)
    assert [one.claim for one in judged_of_everything(tables)] == list(claims_of_everything(tables))


def test_verdicts_are_counted_with_what_could_not_be_judged(tables):
    few = {name: table[table["seed"] == 0] for name, table in tables.items() if name == "dip"}
    counts = verdict_counts({"glyphs": claims_of_everything(tables), "photographs": claims_of_everything(few)})
    counts = counts.set_index("data")
    verdicts = list(VERDICTS)
    assert counts.loc["glyphs", verdicts].sum() == len(claims_of_everything(tables))
    assert counts.loc["glyphs", "not judged"] == 0
    one_seed = counts.loc["photographs"]
    assert one_seed["no interval"] == one_seed["inconclusive"] == one_seed[verdicts].sum()
    assert one_seed["not judged"] == counts.loc["glyphs", verdicts].sum() - one_seed[verdicts].sum()
