"""The judge: its four words, Holm within a paper and data set, and rules that could not be meant."""

import pandas as pd
import pytest
from made_networks import study

from fctransfer_utils.analysis import claims, published
from fctransfer_utils.errors import InputError

TABLE = {"base": 0.60, "long": 0.60, "BnB": 0.60, "AnB": lambda n: 0.62 - n / 50, "AnB+": 0.63, "BnB+": 0.60}


def rule(**changes):
    one = {"id": "x", "first": "AnB", "second": "BnB", "cuts": "7", "side": "below", "margin": 1.0, "flat_base": "no"}
    about = {"paper": "a paper", "claim": "words", "published": -8.3, "source": "", "dataset": "any", "split": "random"}
    return one | about | {"where": "", "against": "", "date": "2026-11-30", "why": ""} | changes


def judged(table, *rules):
    return claims.judge(pd.DataFrame(list(rules)), table)


def word(table, **changes):
    return judged(table, rule(**changes)).iloc[0]["word"]


@pytest.mark.parametrize(
    ("difference", "side", "expected"),
    [
        (-5, "below", "holds"), (0, "below", "fails"), (5, "below", "fails"), (-1, "below", "open"),
        (5, "above", "holds"), (0, "above", "fails"), (-5, "above", "fails"), (1, "above", "open"),
        (0, "within", "holds"), (5, "within", "fails"), (-5, "within", "fails"), (-1, "within", "open"),
        (1.05, "within", "open"),
    ],
)  # fmt: skip
def test_words(difference, side, expected):
    table = study({"BnB": 0.6, "AnB": 0.6 + difference / 100}, spread=0.002)
    assert word(table, side=side) == expected


def test_the_interval_says_what_the_word_says():
    """Whatever the difference, a lone claim is decided exactly where its interval leaves the margin."""
    for difference in (-2.4, -1.2, -0.9, -0.1, 0.8, 1.6):
        table = study({"BnB": 0.6, "AnB": 0.6 + difference / 100}, spread=0.004, cuts=(7,))
        rules = [rule(id=side, side=side) for side in claims.SIDES]
        for found in judged(table, *rules).itertuples():
            low, high = found.low, found.high
            beyond = {"below": high < -1, "above": low > 1, "within": low > -1 and high < 1}[found.side]
            short = {"below": low > -1, "above": high < 1, "within": low > 1 or high < -1}[found.side]
            assert found.alone == ("holds" if beyond else "fails" if short else "open")


def test_all_cuts_of_a_claim_have_to_be_there():
    table = study(TABLE, cuts=(3, 7))
    assert word(table, first="AnB+", second="long", cuts="3 7", side="above", margin=0.5) == "holds"
    found = judged(table, rule(cuts="4 5")).iloc[0]
    assert found["word"] == "not testable here"
    assert "n = 4, 5" in found["reason"]


def test_without_networks_or_replicates_there_is_no_verdict():
    assert word(study({"BnB": 0.6})) == "not testable here"
    assert word(study({"BnB": 0.6, "AnB": 0.5}, replicates=1)) == "not testable here"
    assert word(study({"BnB": 0.6, "AnB": 0.5}, split="natural-manmade")) == "not testable here"


def test_a_base_that_was_not_trained_enough_judges_nothing_that_rests_on_it():
    about = {"first": "BnB", "second": "base", "side": "within", "flat_base": "yes"}
    assert word(study(TABLE), **about) == "holds"
    found = judged(study(TABLE | {"long": 0.64}), rule(**about)).iloc[0]
    assert found["word"] == "not testable here"
    assert "+4.0" in found["reason"]
    assert word(study({name: TABLE[name] for name in ("base", "BnB")}), **about) == "not testable here"


def test_holm_counts_the_claims_of_one_paper_on_one_data_set():
    """A p of 0.02 to 0.05 decides alone and among papers, and not beside three others that show nothing."""
    table = study({"BnB": 0.6, "AnB": 0.581}, spread=0.0075)
    alone = judged(table, rule()).iloc[0]
    assert 0.015 < alone["p"] < 0.05
    assert alone["word"] == "holds"
    vague = [rule(id=f"vague {k}", margin=1.9) for k in range(3)]
    family = judged(table, rule(), *vague).set_index("id")
    assert family.loc["x", ["alone", "word"]].tolist() == ["holds", "open"]
    papers = judged(table, rule(), *(one | {"paper": "another"} for one in vague)).set_index("id")
    assert papers.loc["x", "word"] == "holds"
    untested = judged(table, rule(), *(one | {"first": "AnB+"} for one in vague)).set_index("id")
    assert untested.loc["x", "word"] == "holds"


def test_each_data_set_is_judged_by_itself():
    table = pd.concat([study(TABLE), study(TABLE | {"AnB": 0.6}, data="photographs")])
    found = judged(table, rule(), rule(id="y", dataset="photographs")).set_index(["id", "data"])["word"]
    assert found.to_dict() == {("x", "glyphs"): "holds", ("x", "photographs"): "fails", ("y", "photographs"): "fails"}


def test_directions_can_be_judged_one_by_one():
    table = study({"BnB": 0.6, "AnB": 0.6})
    table.loc[(table["treatment"] == "AnB") & (table["target"] == "A"), "top1"] -= 0.05
    found = judged(table, *(rule(id=where, where=where) for where in ("target=A", "target=B", "width=12")))
    assert found["word"].tolist() == ["holds", "fails", "not testable here"]


def test_a_difference_can_be_compared_with_that_of_another_split():
    """Far tasks lose 6 points and near ones 4: more than 1 point beyond them, and not more than 3."""
    near = study({"base": 0.6, "AnB": 0.56})
    far = study({"base": 0.7, "AnB": 0.64}, split="far", spread=0.003)
    about = {"second": "base", "split": "far", "against": "random"}
    found = judged(pd.concat([near, far]), rule(**about), rule(id="y", margin=3.0, **about))
    assert found["mean"].tolist() == pytest.approx([-2, -2])
    assert found["word"].tolist() == ["holds", "fails"]
    assert judged(far, rule(**about)).loc[0, "word"] == "not testable here"


def test_numbers_of_images_are_told_apart():
    few, many = (study({"frozen": 0.5, "fine-tuned": value}, per_class=k) for k, value in ((1, 0.4), (40, 0.6)))
    about = {"first": "frozen", "second": "fine-tuned", "side": "above"}
    table = pd.concat([few, many, study(TABLE)])
    found = judged(table, *(rule(id=k, where=f"per_class={k}", **about) for k in (1, 40, 5)))
    assert found["word"].tolist() == ["holds", "fails", "not testable here"]


def test_the_committed_rules_can_be_read_and_their_numbers_are_those_of_the_logs():
    rules = claims.claims().set_index("id")
    logs = published.gains(published.networks())
    halves = logs[logs["experiment"] == "random_split"]
    gain = halves.pivot_table(index="n", columns="treatment", values="gain")
    gain["base"] = 0.0
    for one in rules[rules["source"].str.startswith("logs")].itertuples():
        cuts = [int(n) for n in one.cuts.split()]
        assert one.published == pytest.approx((gain[one.first] - gain[one.second])[cuts].mean(), abs=6e-3)
        if one.side != "within":  # what was published lies beyond the margin, on the side that the claim names
            assert (one.published > one.margin) if one.side == "above" else (one.published < -one.margin)
        else:
            assert abs(one.published) < one.margin
    figure3 = logs[logs["experiment"].isin(["natural_manmade", "random_filters"])]
    lost = figure3.pivot_table(index="n", columns=["treatment", "target"], values="gain")
    for target, name in (("A", "natural"), ("B", "man-made")):
        far, cuts = lost["AnB", target], [1, 2]
        assert rules.loc[f"far-last-{name}", "published"] == pytest.approx(far[7] - gain.loc[7, "AnB"], abs=6e-3)
        over = (far - lost["random", "all"])[cuts].mean()
        assert rules.loc[f"far-over-random-{name}", "published"] == pytest.approx(over, abs=6e-3)
    for name, cuts in (("random-first", [1, 2]), ("random-third", [3, 5, 7])):
        assert rules.loc[name, "published"] == pytest.approx(lost["random", "all"][cuts].mean(), abs=6e-3)
    deep = 100 * halves[halves["n"].between(3, 7)].groupby("treatment")["top1"].mean()  # as Table 1 has it
    base = 100 * halves.loc[halves["treatment"] == "base", "top1"].mean()
    assert rules.loc["boost-base", "published"] == round(deep["AnB+"] - base, 1)
    assert rules.loc["boost-selffer", "published"] == round(deep["AnB+"] - deep["BnB+"], 1)


@pytest.mark.parametrize(
    ("column", "value"),
    [("side", "beside"), ("margin", "0"), ("margin", "one"), ("margin", "inf"), ("cuts", "four"), ("date", "soon"),
     ("where", "target A"), ("flat_base", "Yes"), ("dataset", "glyph")],
)  # fmt: skip
def test_a_rule_that_cannot_be_meant_is_refused(tmp_path, column, value):
    file = tmp_path / "claims.csv"
    pd.DataFrame([rule(**{column: value})]).to_csv(file, index=False)
    with pytest.raises(InputError, match=f"claim x.*{value}"):
        claims.claims(file)


def test_a_file_without_rules_is_refused(tmp_path):
    file = tmp_path / "claims.csv"
    file.write_text("id,side\nx,below\n")
    with pytest.raises(InputError, match="paper"):
        claims.claims(file)
    pd.DataFrame([rule(), rule()]).to_csv(file, index=False)
    with pytest.raises(InputError, match="two claims"):
        claims.claims(file)
