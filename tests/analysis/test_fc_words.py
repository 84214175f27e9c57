"""The sentences about the FC study follow from its tables."""

import pandas as pd
import pytest

from fctransfer_utils.analysis import claims_fc, fc, fc_effects, fc_words
from fctransfer_utils.analysis.answers import answer_table
from tests.made_fc import fc_table, made_distances


@pytest.fixture(scope="module")
def every():
    return fc.fc_rows(fc_table())


@pytest.fixture(scope="module")
def best(every):
    return fc.chosen(every)


@pytest.fixture(scope="module")
def distances():
    table = made_distances()
    return table[table["arm"] == "mean"].assign(group=lambda part: part["target_set"].map(fc.group_of))


def test_unequal_sources_are_a_warning(best):
    source = fc_effects.source_table(best)
    assert fc_words.source_sentence(source).endswith("All arms are within 3 points.")
    slow = source.assign(mean=source["mean"].where(source["arm"] != "C", 0.5))
    assert "worst: arm C (50.0 %). **They are 32 points apart**" in fc_words.source_sentence(slow)
    assert fc_words.source_sentence(source.iloc[:1]) == "Only one arm was trained on the source."


def test_the_order_of_distances_is_compared_with_the_groups(distances):
    assert "**agrees**" in fc_words.order_sentence(distances)
    crossed = distances.assign(domain=distances["domain"].where(distances["group"] != "far", 0.4))
    assert "**disagrees**" in fc_words.order_sentence(crossed)
    assert "no near or no far" in fc_words.order_sentence(distances[distances["group"] == "fine"])


def test_a_rising_gain_is_said_to_rise(best, distances):
    slopes = fc_effects.distance_slopes(best, distances)
    assert all("FC helps more the farther the target" in said for said in fc_words.slope_sentences(slopes))
    _, short, value, _ = fc_words.steepest_answer(slopes)
    assert short.endswith(": yes")
    assert value.mean == pytest.approx(3, abs=0.3)
    fallen = fc_effects.distance_slopes(fc.chosen(fc.fc_rows(fc_table(gain={"near": 5.0, "far": -5.0}))), distances)
    assert fc_words.steepest_answer(fallen)[1].endswith("no, it shrinks")
    assert fc_words.steepest_answer(slopes.assign(count=0))[1] == "not measured"


def test_explanations_name_the_cause_and_what_was_not_measured(best):
    said = fc_words.explanation_sentences(fc_effects.explanations(best))
    assert said[0] == "**P1**: B gains, and at least 80 % of it comes with: hidden layers."
    part = fc_effects.explanations(best[best["arm"].isin(["A", "B", "D"])])
    assert fc_words.explanation_sentences(part)[2] == (
        "**P3**: B gains, and at least 80 % of it comes with: none of the measured parts (not measured: C, E)."
    )
    pair = fc_words.explanation_sentences(fc_effects.explanations(best[best["arm"].isin(["A", "B"])]))
    assert pair[0] == "**P1**: B gains; no other arm was measured that could explain it."
    near = fc_words.explanation_sentences(fc_effects.explanations(best, group="near"))
    assert all("nothing to explain" in sentence for sentence in near)
    single = fc.chosen(fc.fc_rows(fc_table(seeds=1)))
    assert all("nothing is decided" in said for said in fc_words.explanation_sentences(fc_effects.explanations(single)))


def test_capacity_is_told_apart_from_transfer(best):
    ways = fc_effects.transfer_or_capacity(best)
    assert fc_words.capacity_sentence(ways) == (
        "Against B fine-tuned: P4 of B: matches; P5 of the FC head: falls behind."
    )
    _, short, value, _ = fc_words.capacity_answer(ways)
    assert short == "P4 of B: matches; P5 of the FC head: falls behind"
    assert value.mean == pytest.approx(-0.1, abs=0.2)
    near = fc_effects.transfer_or_capacity(best, group="near")
    assert "gains nothing over A" in fc_words.capacity_sentence(near)


def test_where_the_sign_hangs_on_the_rate_it_is_said(every):
    assert fc_words.turns_sentence(fc_words.sign_by_rate(fc_effects.by_rate(every))) == "nowhere"
    flipped = fc.fc_rows(fc_table(flip=True))
    signs = fc_words.sign_by_rate(fc_effects.by_rate(flipped))
    assert fc_words.turns_sentence(signs).startswith("P2 on far targets")


def test_probes_are_told_by_their_ends_and_their_best_layer(best):
    said = fc_words.probe_sentence(fc_effects.layer_probes(best))
    assert "most at **conv5** (+3." in said or "most at **conv5** (+2.9" in said
    assert "from conv5 to fc6" in said
    alone = fc_effects.layer_probes(best[best["arm"] == "A"])
    assert fc_words.probe_sentence(alone) == "No layer of arm B can be compared with arm A."


def test_what_could_have_been_seen_needs_two_seeds(best):
    table = fc_words.detectable(best)
    assert table["part"].tolist() == ["D(near)", "D(far)", "DiD"] * 3
    assert table["points"].between(0.01, 2).all()
    assert not len(fc_words.detectable(fc.chosen(fc.fc_rows(fc_table(seeds=1)))))


def test_the_summary_has_an_answer_to_every_question(best):
    asked = fc_words.verdict_answers(claims_fc.judged_of_fc(best))
    shown = answer_table(asked)
    assert len(shown) == len(fc_words.QUESTIONS)
    assert shown["short answer"].tolist()[:2] == ["yes: supports the claim"] * 2
    empty = fc_words.verdict_answers(claims_fc.judged_of_fc(best[best["arm"] == "A"]))
    assert [row[2] for row in empty] == ["not measured"] * len(fc_words.QUESTIONS)
    assert isinstance(shown, pd.DataFrame)
