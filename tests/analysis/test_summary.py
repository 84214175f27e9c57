"""The sentences at the end of a run say what the intervals say."""

from made_networks import study

from fctransfer_utils.analysis.summary import sentences

SHARES = {"base": 0.9, "long": 0.905, "BnB": 0.9}


def test_a_loss_that_the_interval_shows_is_called_specific_and_no_other():
    told = sentences(study(SHARES | {"AnB": lambda n: 0.9 if n < 7 else 0.8}, cuts=(2, 7)))
    assert "by +0.5 points" in told[1]
    assert "can tell from chance" in told[2]
    assert "can tell from chance" in told[3]
    assert "-10.0 points" in told[4]
    assert "specific" in told[4]


def test_one_replicate_decides_nothing():
    told = sentences(study(SHARES | {"AnB": 0.5}, replicates=1))
    assert "specific" not in " ".join(told)
    assert "nan" not in " ".join(told)


def test_base_networks_that_gain_by_more_training_are_said_to_and_what_is_not_known_of_it_is_not_said():
    for long, said in ((0.95, "not learnt enough"), (0.7, "stays open"), (float("nan"), "stays open")):
        assert said in sentences(study(SHARES | {"AnB": 0.9, "long": long}))[1]
