"""What notebook 13 counts is the paper's study, and what it tries works on a made tree."""

import pytest

from fctransfer_utils import course
from fctransfer_utils.analysis.scale import hardware
from fctransfer_utils.course import scale


@pytest.fixture(scope="module")
def studies():
    return scale.papers_studies()


def test_every_network_is_counted_once(studies):
    table = scale.work_table(studies)
    assert table.networks.sum() == sum(len(study.runs) for study in studies.values())
    transfer = table[table.study == "transfer"].set_index("treatment")
    assert transfer.networks.to_dict() == {"base": 8, "BnB": 56, "BnB+": 56, "AnB": 56, "AnB+": 56, "twice": 8}
    assert transfer.operations["BnB"] < transfer.operations["BnB+"] == transfer.operations["AnB+"]
    assert transfer.operations["base"] * 7 == pytest.approx(transfer.operations["BnB+"])


def test_the_layers_of_caffenet_have_their_published_sizes(studies):
    table = scale.layer_table(studies["transfer"].runs[0], classes=1000)
    assert table.layer.tolist() == ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]
    assert table.multiply_adds.tolist() == [
        105_415_200, 223_948_800, 149_520_384, 112_140_288, 74_760_192, 37_748_736, 16_777_216, 4_096_000,
    ]  # fmt: skip
    assert table.parameters.sum() == 60_965_224


def test_freezing_saves_more_with_each_layer_and_fine_tuning_nothing(studies):
    table = scale.cut_table(studies["transfer"].runs[0], classes=500)
    frozen, tuned = (table[table.treatment == name].share for name in ("BnB", "BnB+"))
    assert frozen.is_monotonic_decreasing
    assert (tuned == 1).all()
    assert (frozen > table.forward.iloc[0]).all()


def test_more_devices_take_less_time_down_to_a_base_and_its_copy(studies):
    hours = scale.hours_of(studies["distant"], hardware("A100"), share=0.15, disk=1e12)
    assert set(hours) == set(studies["distant"].keys)
    table = scale.workers_table(studies["distant"], hours=hours, devices=(1, 4, 1000))
    assert table.hours[0] == pytest.approx(sum(hours.values()))
    assert table.hours.is_monotonic_decreasing
    assert table.hours[2] == pytest.approx(table.shortest[2])
    assert 1.5 * max(hours.values()) < table.shortest[2] < 2 * max(hours.values())


def test_where_the_disk_is_the_limit_all_networks_take_as_long(studies):
    hours = scale.hours_of(studies["random"], hardware("H100"), share=0.15, disk=1e9)
    assert max(hours.values()) == pytest.approx(min(hours.values()))


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("FCTRANSFER_BUILD", str(tmp_path))
    monkeypatch.setenv("FCTRANSFER_EXECUTION", "cpu/float32")
    return course.start("13_scale_out", profile="smoke")


def test_a_network_that_was_stopped_ends_as_one_that_was_not(run):
    first, second = scale.interrupted(run, classes=4, epochs=3, stop_after=1).to_dict("records")
    assert (first.pop("way"), second.pop("way")) == ("undisturbed", "stopped and gone on with")
    assert (first.pop("first_epoch"), second.pop("first_epoch")) == (1, 2)
    assert first == second


def test_speeds_are_measured_for_each_network_and_cut(run):
    table = scale.speeds_here(run, large=False, seconds=0.0)
    assert table.groupby("net").treatment.count().tolist() == [3, 3]
    assert (table.images_per_second > 0).all()
    assert set(table.execution) == {"cpu/float32"}
    for _, rows in table.groupby("net"):
        assert rows.operations_per_image.is_monotonic_decreasing
