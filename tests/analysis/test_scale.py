"""Hours and money follow from counted work and stated peaks, and say what limits them."""

import pandas as pd
import pytest

from fctransfer_utils.analysis.scale import (
    HARDWARE,
    HOUR,
    PAPERS_DAYS,
    Hardware,
    estimates,
    hardware,
    implied_share,
    predicted,
)
from fctransfer_utils.errors import InputError

MADE = Hardware("made", peak=1e12, number_format="float32", memory=10e9, link=1e9)
WORK = {
    "operations": 3.6e15,
    "images": 1e6,
    "image_bytes": 1e3,
    "network_bytes": 3e9,
    "share": 0.5,
    "disk": 9e9,
    "price": 2.0,
}


def test_arithmetic_takes_operations_over_the_share_of_the_peak():
    (row,) = estimates(**WORK, devices=[MADE]).to_dict("records")
    assert row["arithmetic_hours"] == pytest.approx(2.0)
    assert row["feeding_hours"] == pytest.approx(1.0 / HOUR)
    assert (row["hours"], row["bound"], row["money"], row["fit"]) == (pytest.approx(2.0), "arithmetic", 4.0, 3)


def test_large_images_take_longer_to_send_than_to_learn():
    (row,) = estimates(**{**WORK, "image_bytes": 7.2e7}, devices=[MADE]).to_dict("records")
    assert (row["hours"], row["bound"]) == (pytest.approx(20.0), "feeding")


def test_a_disk_that_is_slower_than_the_link_is_what_counts():
    (row,) = estimates(**{**WORK, "disk": 1e5}, devices=[MADE]).to_dict("records")
    assert (row["feeding_hours"], row["bound"]) == (pytest.approx(1e9 / 1e5 / HOUR), "feeding")


def test_a_faster_device_takes_less_arithmetic_and_not_less_feeding():
    table = estimates(**{**WORK, "image_bytes": 2e5}).set_index("device")
    assert table.arithmetic_hours["H100"] < table.arithmetic_hours["A100"] < table.arithmetic_hours["K20 (2012)"]
    assert table.feeding_hours["V100"] == table.feeding_hours["T4"]


def test_the_papers_time_implies_a_share_of_its_device():
    seconds = PAPERS_DAYS * 86_400
    assert implied_share(0.17 * HARDWARE[0].peak * seconds, seconds=seconds) == pytest.approx(0.17)


def test_frozen_networks_are_predicted_from_their_base():
    rows = [("net", 32, "base", 100.0, 3e6), ("net", 32, "BnB", 240.0, 1e6), ("big", 64, "base", 10.0, 3e9)]
    table = pd.DataFrame(rows, columns=["net", "image_size", "treatment", "images_per_second", "operations_per_image"])
    found = predicted(table)
    assert found.predicted.tolist() == pytest.approx([100.0, 300.0, 10.0])
    assert found.ratio.tolist() == pytest.approx([1.0, 0.8, 1.0])
    with pytest.raises(InputError, match="net at 32"):
        predicted(table[table.treatment == "BnB"])


@pytest.mark.parametrize(
    ("change", "named"),
    [({"share": 0.0}, "0.0"), ({"share": 1.5}, "1.5"), ({"price": -1}, "-1"), ({"disk": 0}, "reads 0")],
)
def test_unusable_assumptions_are_refused(change, named):
    with pytest.raises(InputError, match=named):
        estimates(**{**WORK, **change})


def test_unknown_hardware_is_named():
    assert hardware("H100").memory == 80e9
    with pytest.raises(InputError, match="H1000"):
        hardware("H1000")
