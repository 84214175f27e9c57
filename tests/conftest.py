"""A network learns on one thread, in a test as in a course; what tests write lies in folders of their own."""

import pytest
import torch


@pytest.fixture(autouse=True)
def own_build_folder(tmp_path_factory, monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setenv("FCTRANSFER_BUILD", str(tmp_path_factory.mktemp("build")))
