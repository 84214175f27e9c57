"""The sentences at the top of README.md follow the verdicts, whatever these are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import pytest
from made_fc import fc_table

from fctransfer_utils.analysis.claims import VERDICTS
from fctransfer_utils.analysis.estimates import Estimate
from fctransfer_utils.course.findings import BOTH, OPEN, SENTENCES, abstract, sentence, verdict_of_all

OURS = Estimate(-4.0, -5.5, -2.5, 10)


@dataclass(frozen=True)
class Judged:
    verdict: str
    ours: Estimate | None = OURS
    paper: str = "-8.3 points"


def claims(**verdicts):
    ids = {clause.claim for clauses in SENTENCES for clause in clauses}
    return {name: {id: Judged(verdict) for id in ids} for name, verdict in verdicts.items()}


def test_every_clause_has_words_for_every_verdict():
    for clauses in SENTENCES:
        for clause in clauses:
            assert set(clause.words) == {*VERDICTS, BOTH}


def test_the_data_sets_that_decide_speak():
    assert verdict_of_all([OPEN, "reproduced"]) == "reproduced"
    assert verdict_of_all([OPEN, OPEN]) == OPEN
    assert verdict_of_all(["reproduced", "not reproduced"]) == BOTH


@pytest.mark.parametrize("clauses", SENTENCES)
def test_another_verdict_gives_another_sentence(clauses):
    pairs = [(OPEN, OPEN), (OPEN, "reproduced"), ("not reproduced", OPEN), ("reproduced", "not reproduced")]
    told = {sentence(clauses, claims(glyphs=one, photographs=other)) for one, other in pairs}
    assert len(told) == len(pairs)
    assert all(words.count(". ") <= 2 and words.endswith(".") for words in told)


@pytest.mark.parametrize(("one", "other"), list(product(VERDICTS, repeat=2)))
def test_numbers_are_told_with_interval_and_the_published_one(one, other):
    for clauses in SENTENCES:
        words = sentence(clauses, claims(glyphs=one, **{"tiny-imagenet": other}))
        told = "-4.0 points [-5.5, -2.5] on glyphs and -4.0 points [-5.5, -2.5] on photographs (in the paper -8.3)"
        assert told in words


def test_what_nobody_measured_is_not_told():
    nothing = {"glyphs": {clause.claim: Judged(OPEN, None) for clauses in SENTENCES for clause in clauses}}
    assert [sentence(clauses, nothing) for clauses in SENTENCES] == ["", "", ""]
    assert sentence(SENTENCES[0], {}) == ""


def test_a_pair_without_interval_is_called_one(project):
    single = {"glyphs": {"frozen-top-costs": Judged(OPEN, Estimate(-3.5, float("nan"), float("nan"), 1, 0.95, "one"))}}
    assert "-3.5 points (one pair) on glyphs" in sentence(SENTENCES[0], single)


def test_the_sentences_of_a_project_are_those_of_its_tables(project):
    assert abstract(project) == ""
    fc_table(seeds=3).to_csv(project.evidence("fc"), index=False)
    told = abstract(project).splitlines()
    assert len(told) == 1
    assert told[0].startswith("- ")
