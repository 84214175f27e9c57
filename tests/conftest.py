"""A network learns on one thread, in a test as in a course; what tests write lies in folders of their own.

Long tests, of kills and of a browser, run only where asked for: ``pytest -m slow``.
"""

import pytest
import torch


@pytest.fixture(autouse=True)
def own_build_folder(tmp_path_factory, monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setenv("FCTRANSFER_BUILD", str(tmp_path_factory.mktemp("build")))


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: minutes long; run with -m slow")


def pytest_collection_modifyitems(config, items):
    if "slow" not in config.getoption("markexpr"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="run with -m slow"))
