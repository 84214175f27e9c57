"""How far trunks moved: which network speaks for an arm, what is paired, and what goes with a gain."""

import numpy as np
import pandas as pd
import pytest

from fctransfer_utils.analysis.fc import fc_rows
from fctransfer_utils.analysis.trunk_change import (
    change_by_layer,
    change_by_rate,
    goes_with_gain,
    over_cells,
    paired_change,
    tuned_networks,
)
from fctransfer_utils.errors import InputError
from tests.made_fc import LABELS, RATES, TARGETS, fc_table
from tests.made_firewall import made_changes

CELLS = len(TARGETS) * len(LABELS)


def test_the_network_that_validation_chose_speaks_for_its_arm():
    networks = tuned_networks(made_changes())
    assert len(networks) == 5 * 3 * CELLS
    assert set(networks["protocol"]) == {"P3"}
    assert set(networks["learning_rate"]) == {max(RATES)}
    assert set(tuned_networks(made_changes(), rate=min(RATES))["learning_rate"]) == {min(RATES)}


def test_both_arms_of_a_cell_stand_side_by_side():
    pairs = paired_change(tuned_networks(made_changes()))
    assert len(pairs) == 3 * CELLS
    assert set(pairs.loc[pairs["group"] == "far", "less"].round(9)) == {7.0}
    assert (pairs["less"] - (pairs["moved_other"] - pairs["moved_one"])).abs().max() < 1e-9
    assert pairs["likelier"].to_numpy() == pytest.approx(0.1)
    assert pairs.loc[pairs["group"] == "near", "gain"].mean() == pytest.approx(-1, abs=0.1)


def test_arms_swapped_change_the_sign():
    networks = tuned_networks(made_changes())
    forth, back = paired_change(networks), paired_change(networks, "A", "B")
    for name in ("gain", "less", "likelier"):
        assert (forth[name] + back[name]).abs().max() < 1e-9


def test_seeds_are_means_over_targets():
    pairs = paired_change(tuned_networks(made_changes()))
    less = over_cells(pairs, "less")
    assert len(less) == 3
    assert less.to_numpy() == pytest.approx((3 + 3 + 7 + 7 + 5 + 5) / 6)


def test_correlation_with_the_gain_is_one_number_per_seed():
    pairs = paired_change(tuned_networks(made_changes()))
    found = goes_with_gain(pairs)
    assert len(found) == 3
    assert (found > 0.9).all()  # what moves less gains more, as it was made
    assert goes_with_gain(pairs.assign(less=-pairs["less"])).to_numpy() == pytest.approx(-found.to_numpy())


def test_two_cells_or_no_spread_give_no_correlation():
    pairs = paired_change(tuned_networks(made_changes()))
    assert not len(goes_with_gain(pairs.groupby("seed").head(2)))
    assert not len(goes_with_gain(pairs.assign(less=4.0)))


def test_layers_moved_as_they_were_made():
    by_layer = change_by_layer(tuned_networks(made_changes()))
    own = by_layer[by_layer["arm"] == "A"]
    assert own["layer"].tolist() == ["conv1", "conv2", "conv3", "conv4", "conv5"]
    assert own["mean"].to_numpy() == pytest.approx(np.arange(1, 6) * 20 / 3)
    assert set(by_layer["count"]) == {3}


def test_every_rate_is_told_for_both_arms():
    table = change_by_rate(made_changes())
    assert table["learning_rate"].tolist() == [0.003, 0.003, 0.01, 0.01]
    assert table["arm"].tolist() == ["A", "B", "A", "B"]
    assert table.loc[table["arm"] == "A", "moved"].to_numpy() == pytest.approx(20)


def test_networks_without_a_change_are_left_out_and_a_table_without_it_is_refused():
    rows = made_changes()
    rows.loc[rows["arm"] == "B", "moved"] = np.nan
    assert not len(paired_change(tuned_networks(rows)))
    assert isinstance(paired_change(tuned_networks(rows)), pd.DataFrame)
    with pytest.raises(InputError, match="no column moved"):
        tuned_networks(fc_rows(fc_table()).drop(columns="moved"))
    with pytest.raises(InputError, match=r"unknown learning rate 0\.5"):
        tuned_networks(made_changes(), rate=0.5)
