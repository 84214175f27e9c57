"""Whatever happens to the bytes of records, weights and descriptions: the same content, or one clear error."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_damage import attempt, damaged
from made_records import one_record

from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments.fc_spec import FcSpec
from fctransfer_utils.experiments.record import pack_weights, parse_record, unpack_weights
from fctransfer_utils.experiments.spec import RunSpec
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.experiments.target_spec import TargetSpec
from fctransfer_utils.files import checksum
from fctransfer_utils.models.spec import NetSpec

STATE = {"conv1.weight": torch.arange(12.0).reshape(3, 4), "fc8.bias": torch.ones(3), "norm.count": torch.tensor(3)}
WEIGHTS = pack_weights(STATE)
ARMED = RunSpec(net=NetSpec("alexnet_map", width=12, arm="B"))
SPECS = (
    RunSpec(seed=4, treatment="AnB", source="A", target="B", n=3),
    TargetSpec(source=RunSpec(), data=DataSpec("folder:pictures"), kept=6, hidden="new"),
    FcSpec(source=ARMED, data=DataSpec("glyph-fonts"), protocol="P8", layer="conv3", labels_per_class=5),
)


def record_of(spec):
    first = one_record(spec, WEIGHTS)
    diverging = first.curve[1]._replace(train_loss=float("nan"))
    return replace(first, curve=(first.curve[0], diverging), measures={"validation_top1": 0.5})


def text_of(spec):
    return json.dumps(record_of(spec).to_json(), indent=1)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: type(spec).__name__)
def test_a_damaged_record_is_the_same_record_or_an_error(spec, draw):
    content, whole = text_of(spec).encode(), record_of(spec).to_json()
    refused = 0
    for _ in range(1500):
        record, message = attempt(parse_record, damaged(content, draw).decode(errors="replace"))
        assert message or record.to_json() == whole
        refused += bool(message)
    assert refused > 1400


def test_every_single_flipped_bit_in_a_record_is_noticed_or_harmless():
    content, whole = text_of(SPECS[0]).encode(), record_of(SPECS[0]).to_json()
    for place in range(0, 8 * len(content), 3):
        data = bytearray(content)
        data[place // 8] ^= 1 << place % 8
        record, message = attempt(parse_record, data.decode(errors="replace"))
        assert message or record.to_json() == whole


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def places(value, way=()):
    """The ways to every part of a JSON value."""
    yield way
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from places(part, (*way, name))


PLACES = {spec.key: sorted(places(record_of(spec).to_json()), key=str) for spec in SPECS}


@settings(max_examples=400)
@given(st.data())
def test_a_record_with_any_part_replaced_and_the_checksum_renewed_is_read_or_refused(data):
    spec = data.draw(st.sampled_from(SPECS))
    body = json.loads(text_of(spec))
    del body["checksum"]
    way = data.draw(st.sampled_from([way for way in PLACES[spec.key] if way and way[0] != "checksum"]))
    inner = body
    for name in way[:-1]:
        inner = inner[name]
    if data.draw(st.booleans()):
        inner[way[-1]] = data.draw(JSON)
    elif isinstance(inner, dict):
        del inner[way[-1]]
    try:
        body["checksum"] = checksum(body)
    except ValueError:  # the number is not finite, and no record can be written with it
        body["checksum"] = "0" * 16
    record, message = attempt(parse_record, json.dumps(body))
    if not message:
        assert record.key == record.spec.key
        assert parse_record(json.dumps(record.to_json())).to_json() == record.to_json()


@settings(max_examples=200)
@given(JSON)
def test_no_json_value_breaks_the_reader(value):
    for body in (value, {"checksum": value}, {"checksum": "0", "spec": value}):
        with pytest.raises(InputError):
            parse_record(json.dumps(body))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "NaN", '{"checksum": NaN}', "1" * 5000, "1e999"])
def test_what_is_deep_long_or_no_number_is_refused(text):
    with pytest.raises(InputError, match="record"):
        parse_record(text)


def test_damaged_weights_are_the_same_tensors_or_an_error(draw):
    refused = 0
    for _ in range(3000):
        found, message = attempt(unpack_weights, damaged(WEIGHTS, draw))
        assert message.startswith("not a whole safetensors file") if message else isinstance(found, dict)
        refused += bool(message)
    assert refused > 1000


@settings(max_examples=300)
@given(JSON, st.binary(max_size=64))
def test_no_header_breaks_the_reader_of_weights(header, tail):
    text = json.dumps(header).encode()
    for size in (len(text), 0, 2**62, len(text) + len(tail)):
        found, message = attempt(unpack_weights, size.to_bytes(8, "little") + text + tail)
        assert "safetensors" in message or isinstance(found, dict)


SHAPES = st.lists(st.sampled_from([0, 1, 2, 3, 2**31, 2**62, -1]), max_size=4)


@settings(max_examples=300)
@given(st.sampled_from(["F32", "F64", "I64", "BOOL", "F8_E4M3", "BF16", "X"]), SHAPES, st.integers(-2, 20), st.binary())
def test_no_shape_breaks_the_reader_of_weights(kind, shape, end, tail):
    header = json.dumps({"a": {"dtype": kind, "shape": shape, "data_offsets": [0, end]}}).encode()
    found, message = attempt(unpack_weights, len(header).to_bytes(8, "little") + header + tail)
    assert "safetensors" in message or isinstance(found, dict)


def test_no_damage_in_a_store_gets_past_it(tmp_path, draw):
    """Everything that a store holds, damaged again and again: it opens and tells, or refuses in one line."""
    store = Store(tmp_path / "store")
    records = [record_of(spec) for spec in SPECS]
    for record in records:
        store.add(record, WEIGHTS)
    files = {file: file.read_bytes() for file in store.path.rglob("*") if file.is_file() and file.name != ".lock"}
    known = {record.key: record.to_json() for record in records}
    for _ in range(600):
        file = draw.choice(sorted(files))
        file.write_bytes(damaged(files[file], draw))
        there, _ = attempt(Store, store.path, create=False)
        if there:
            assert all(record.to_json() == known[record.key] for record in there.records())
            assert set(there.damaged()) <= set(known)
            assert all(there.weights_fault(key) or set(there.weights(key)) == set(STATE) for key in known)
            attempt(there.execution)
            assert isinstance(there.holder(), str)
        file.write_bytes(files[file])


@settings(max_examples=200)
@given(JSON, st.sampled_from(["store.json", ".holder.json"]))
def test_no_description_breaks_a_store(tmp_path_factory, value, name):
    store = Store(tmp_path_factory.mktemp("stores") / "store")
    whole = json.loads((store.path / "store.json").read_text())
    for content in (value, {**whole, "execution": value}, {"pid": value, "host": "here", "since": "now"}):
        (store.path / name).write_text(json.dumps(content))
        there, _ = attempt(Store, store.path)
        if there:
            assert isinstance(there.holder(), str)
            attempt(there.execution)
