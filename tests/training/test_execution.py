"""Where a network learns is chosen by measuring, and can be told."""

import pytest
import torch

from fctransfer_utils.errors import InputError
from fctransfer_utils.training import Execution, parse, probe


def test_the_probe_gives_something_that_works(monkeypatch):
    monkeypatch.delenv("FCTRANSFER_EXECUTION", raising=False)
    threads = torch.get_num_threads()
    execution = probe()
    assert execution.device in ("cpu", "cuda", "mps")
    assert torch.get_num_threads() == threads


def test_the_environment_overrides_the_probe(monkeypatch):
    monkeypatch.setenv("FCTRANSFER_EXECUTION", "cpu/bfloat16/channels_last")
    assert probe() == Execution("cpu", "bfloat16", channels_last=True)
    assert probe().label == "cpu/bfloat16"


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
