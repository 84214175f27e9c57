"""What tests of damaged and hostile input share: settings of their own, in a folder of their own."""

import pytest


@pytest.fixture(autouse=True)
def own_settings(monkeypatch, tmp_path):
    """No test reads options or writes caches outside its own folder."""
    for name in ("CACHE", "DATA", "BAD_IMAGES", "DOWNLOAD", "PROJECT", "BUILD", "RENEW", "WORKERS"):
        monkeypatch.delenv(f"FCTRANSFER_{name}", raising=False)
    monkeypatch.setenv("FCTRANSFER_EXECUTION", "cpu/float32")
    monkeypatch.chdir(tmp_path)
