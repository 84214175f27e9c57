"""Long tests of kills run only where asked for: ``pytest -m slow``."""

import pytest


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: minutes long; run with -m slow")


def pytest_collection_modifyitems(config, items):
    if "slow" not in config.getoption("markexpr"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="run with -m slow"))
