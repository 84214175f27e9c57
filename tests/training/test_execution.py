"""Where a network learns is chosen by measuring, and can be told."""

import os

import pytest
import torch

from fctransfer_utils.errors import InputError
from fctransfer_utils.training import Execution, parse, probe
from fctransfer_utils.training import execution as execution_module
from fctransfer_utils.training.execution import MAX_INSTRUCTIONS, instructions, no_newer_instructions


def test_the_probe_gives_something_that_works(monkeypatch):
    monkeypatch.delenv("FCTRANSFER_EXECUTION", raising=False)
    threads = torch.get_num_threads()
    execution = probe()
    assert execution.device in ("cpu", "cuda", "mps")
    assert torch.get_num_threads() == threads


def test_the_environment_overrides_the_probe(monkeypatch):
    monkeypatch.setenv("FCTRANSFER_EXECUTION", "cpu/bfloat16/channels_last")
    assert probe() == Execution("cpu", "bfloat16", channels_last=True)
    assert probe().label == "cpu/bfloat16/channels_last"
    assert parse(probe().label) == probe()


NEW = {"amx_bf16": True, "avx512_fp16": True, "avx512_bf16": True, "avx512_bw": True, "avx2": True, "sse4_1": True}


@pytest.mark.parametrize(
    ("has", "newest", "found"),
    [
        (NEW, None, "AVX512_CORE_AMX"),
        (NEW, "default", "AVX512_CORE_AMX"),
        (NEW, "avx512_core_bf16", "AVX512_CORE_BF16"),
        (NEW, "AVX512_CORE_VNNI", "AVX512_CORE"),  # what the processor lacks, it does not use
        ({"avx2": True}, "AVX512_CORE_BF16", "AVX2"),
        ({}, None, "aarch64"),
    ],
)
def test_the_newest_instructions_are_those_of_the_processor_that_are_allowed(monkeypatch, has, newest, found):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has, raising=False)
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    monkeypatch.delenv(MAX_INSTRUCTIONS, raising=False)
    if newest is not None:
        monkeypatch.setenv(MAX_INSTRUCTIONS, newest)
    assert instructions() == found


@pytest.mark.parametrize("before", [None, "AVX2"])
def test_newer_instructions_are_left_out_inside_only(monkeypatch, before):
    monkeypatch.delenv(MAX_INSTRUCTIONS, raising=False)
    if before is not None:
        monkeypatch.setenv(MAX_INSTRUCTIONS, before)
    with no_newer_instructions("AVX"):
        assert os.environ[MAX_INSTRUCTIONS] == "AVX"
    assert os.environ.get(MAX_INSTRUCTIONS) == before
    with no_newer_instructions("sm_90"):
        assert os.environ.get(MAX_INSTRUCTIONS) == before


@pytest.mark.parametrize("text", ["cpu", "cpu/float16", "tpu/float32", "cpu/float32/fast", ""])
def test_an_execution_that_does_not_exist_is_refused(text):
    with pytest.raises(InputError, match=r"cpu|float32"):
        parse(text)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a CUDA GPU")
def test_a_missing_gpu_is_named_where_it_is_needed(monkeypatch):
    elsewhere = parse("cuda/bfloat16")
    with pytest.raises(InputError, match="cuda"):
        elsewhere.check_device()
    monkeypatch.setenv("FCTRANSFER_EXECUTION", "cuda/bfloat16")
    with pytest.raises(InputError, match="cuda"):
        probe()


@pytest.fixture
def steps(monkeypatch):
    """Steps of the probe that take what is said instead of being taken: {execution: seconds of each in turn}."""
    taken = {}

    def seconds(_, execution, __):
        turns = taken.setdefault(execution, [])
        turns.append(execution)
        return SPEEDS[execution][min(len(turns), len(SPEEDS[execution])) - 1]

    monkeypatch.delenv("FCTRANSFER_EXECUTION", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(execution_module, "_step_seconds", seconds)
    return taken


# the first step is the slow first one; a busy moment meets the fastest once
SPEEDS = {
    Execution("cpu", "float32", False): [9.0, 2.0],
    Execution("cpu", "float32", True): [9.0, 1.3],
    Execution("cpu", "bfloat16", False): [9.0, 1.2],
    Execution("cpu", "bfloat16", True): [9.0, 5.0, 1.0],
}


def test_the_probe_takes_the_one_with_the_shortest_step_and_soon_leaves_out_those_far_behind(steps):
    assert probe(repeats=5) == Execution("cpu", "bfloat16", channels_last=True)
    counts = [len(steps[each]) for each in SPEEDS]
    assert counts == [3, 6, 6, 6]
