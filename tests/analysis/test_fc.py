"""Zhang et al.'s table with intervals, and the controls without which nothing is judged."""

import pandas as pd
import pytest
from made_networks import row
from statsmodels.stats.proportion import proportion_confint

from fctransfer_utils.analysis import claims, fc

USES = ("frozen", "fine-tuned", "probe 1x1")


def table(gains, *, replicates=5, spread=0.002, untrained=-0.2):
    """Rows as of five replicates: ``gains`` {(kind, use): points of FC over GAP}, 0 where none is named."""
    rows, step = [], spread / 2
    for replicate in range(replicates):
        sway = step * (replicate - (replicates - 1) / 2)
        for kind, use in [("source", "source"), *((kind, use) for kind in ("near", "far", "layout") for use in USES)]:
            for head in ("gap", "fc", "gap_fc", *(["untrained"] if use.startswith("probe") else [])):
                own = sway * (2 if use == "frozen" else 1)
                gain = {"fc": gains.get((kind, use), 0) / 100 + own, "untrained": untrained + 2 * own}.get(head, 0)
                for labels in [float("nan")] if use == "source" else [20, 100]:
                    about = {"kind": kind, "use": use, "head": head, "labels": labels, "target": kind}
                    rows.append(row(f"{head} {use}", 0.6 + gain, n=5, replicate=replicate, **about))
    return pd.DataFrame(rows)


SEEN = {("layout", "frozen"): 10, ("layout", "fine-tuned"): 8}


def words(gains):
    made = table(gains)
    rules = claims.claims()
    rules = rules[rules["id"].str.startswith("fc-")]
    judged = claims.judge(rules, made, untestable=fc.untestable(rules, made))
    return judged.set_index("id")["word"].to_dict(), judged.set_index("id")["reason"].to_dict()


def test_table_2_has_the_signs_that_the_paper_tells_and_no_cell_that_is_sure():
    found = fc.published()
    assert len(found) == 15
    assert (found.loc[found["kind"] == "far", "mean"] > 0).sum() == 12
    assert (found.loc[found["kind"] == "near", "mean"] < 0).sum() == 3
    assert ((found["low"] < 0) & (found["high"] > 0)).all()
    assert found.set_index("dataset")["known"].groupby(level=0).first().to_dict() == {
        "Caltech-101": False, "Indoor-67": True, "RGB-scene-9": False, "NIR-scene-9": False, "CUB-200": True,
    }  # fmt: skip


def test_an_interval_is_newcombe_s():
    """Of Wilson's intervals of both shares (Newcombe 1998, method 10); here of counts that are whole."""
    found = fc.published().set_index(["model", "protocol", "dataset"]).loc[("VGG-16", "fine-tune", "Indoor-67")]
    with_fc, without = 0.6627, 0.6497
    (low, high), (low_without, high_without) = (
        proportion_confint(round(share * 1340), 1340, method="wilson") for share in (with_fc, without)
    )
    down = ((with_fc - low) ** 2 + (high_without - without) ** 2) ** 0.5
    up = ((high - with_fc) ** 2 + (without - low_without) ** 2) ** 0.5
    assert found["low"] == pytest.approx(found["mean"] - 100 * down, abs=0.03)
    assert found["high"] == pytest.approx(found["mean"] + 100 * up, abs=0.03)


def test_the_committed_claims_have_the_published_numbers():
    rules, found = claims.claims().set_index("id"), fc.published()
    means = found.groupby(["protocol", "kind"])["mean"].mean()
    nir = found[(found["dataset"] == "NIR-scene-9") & (found["model"] == "VGG-16")].set_index("protocol")
    expected = {
        "fc-near-tuned": means["fine-tune", "near"], "fc-near-frozen": means["frozen", "near"],
        "fc-far-tuned": means["fine-tune", "far"], "fc-far-frozen": means["frozen", "far"],
        "fc-few-over-gap": nir.loc["frozen", "mean"],
        "fc-few-over-tuned": nir.loc["frozen", "with_fc"] - nir.loc["fine-tune", "with_fc"],
    }  # fmt: skip
    for name, value in expected.items():
        assert rules.loc[name, "published"] == pytest.approx(value, abs=6e-3)
        assert abs(value) > rules.loc[name, "margin"]


def test_gains_are_paired_by_replicate():
    made = table({("far", "frozen"): 3, ("near", "probe 1x1"): -2})
    found = fc.gains(made).set_index(["target", "use", "labels"])
    assert found.loc[("far", "frozen", 20), "mean"] == pytest.approx(3)
    assert found.loc[("near", "probe 1x1", 100), "mean"] == pytest.approx(-2)
    assert (found["count"] == 5).all()
    assert set(found.index.get_level_values("use")) == set(USES)


def test_where_every_control_is_passed_claims_are_judged():
    gains = SEEN | {("near", "fine-tuned"): -3, ("near", "frozen"): 3, ("far", "fine-tuned"): 3, ("far", "frozen"): -3}
    found, _ = words(gains)
    assert found == {
        "fc-near-tuned": "holds", "fc-near-frozen": "fails", "fc-far-tuned": "holds", "fc-far-frozen": "fails",
        "fc-few-over-gap": "fails", "fc-few-over-tuned": "fails",
    }  # fmt: skip


def test_without_equal_sources_heads_are_not_compared():
    found, reasons = words(SEEN | {("source", "source"): 1.2, ("far", "fine-tuned"): 3})
    assert found["fc-far-tuned"] == found["fc-near-frozen"] == "not testable here"
    assert "source accuracies differ by +1.2 points" in reasons["fc-far-tuned"]
    assert found["fc-few-over-tuned"] != "not testable here"  # one and the same network, used in two ways
    assert words(SEEN | {("source", "source"): 0.8})[0]["fc-far-tuned"] != "not testable here"


@pytest.mark.parametrize("gain", [0, 2, -10])
def test_a_use_that_does_not_see_places_judges_nothing(gain):
    found, reasons = words(SEEN | {("layout", "frozen"): gain, ("far", "frozen"): 5, ("far", "fine-tuned"): 5})
    for name, word in found.items():
        assert (word == "not testable here") == name.endswith(("frozen", "over-gap", "over-tuned"))
        assert ("on pages" in reasons[name]) == (word == "not testable here")


def test_a_probe_has_to_prefer_what_was_trained():
    assert fc.probes_see(table({}))["sees"].tolist() == [True] * 3
    assert fc.probes_see(table({}, untrained=-0.04))["sees"].tolist() == [False] * 3


def maps(pointing, retrieval, *, source=0.0, spread=0.0):
    """Rows of five replicates; ``pointing, retrieval``: {treatment: share}; the others: points of FC over GAP."""
    rows = []
    for replicate in range(5):
        sway = 0.001 * (replicate - 2)
        measures = {
            "source": {"fc map": 0.9 + source / 100, "gap map": 0.9},
            "spread": {"fc map": 0.8 + spread / 100, "gap map": 0.8},
            "pointing": pointing, "retrieval": retrieval,
        }  # fmt: skip
        for measure, values in measures.items():
            for treatment, value in values.items():
                own = sway * {"fc map": 1, "gap map": 2}.get(treatment, 0)
                rows.append(row(treatment, value + own, n=5, replicate=replicate, measure=measure))
    return pd.DataFrame(rows)


KNOWN = {"fc map": 0.5, "gap map": 0.45, "untrained map": 0.2, "centre map": 0.1}


def map_words(made):
    rules = claims.claims()
    closed = fc.maps_untestable(rules, made)
    judged = claims.judge(rules[rules["id"].str.startswith("firewall-")], made, untestable=closed)
    return judged.set_index("id")["word"].str.replace(" here", "").to_dict()


def test_maps_that_find_more_than_what_knows_nothing_are_judged():
    found = map_words(maps(KNOWN, KNOWN | {"gap map": 0.55}, spread=4))
    assert found == {"firewall-pointing": "holds", "firewall-retrieval": "fails", "firewall-spread": "holds"}


@pytest.mark.parametrize("better", ["untrained map", "centre map"])
def test_maps_that_find_no_more_than_what_knows_nothing_judge_nothing(better):
    found = map_words(maps(KNOWN | {better: 0.36}, KNOWN))
    assert found["firewall-pointing"] == "not testable"
    assert found["firewall-retrieval"] == "holds"


def test_maps_of_networks_that_know_their_source_unequally_are_not_compared():
    assert set(map_words(maps(KNOWN, KNOWN, source=1.2)).values()) == {"not testable"}
