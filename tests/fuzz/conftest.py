"""Made-up input: hypothesis draws the same examples on every machine, and damage comes from seeded generators."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "course", derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile("course")


@pytest.fixture(autouse=True)
def own_settings(monkeypatch, tmp_path):
    """No test reads options or writes caches outside its own folder."""
    for name in ("CACHE", "DATA", "BAD_IMAGES", "DOWNLOAD", "PROJECT", "BUILD", "RENEW", "WORKERS"):
        monkeypatch.delenv(f"FCTRANSFER_{name}", raising=False)
    monkeypatch.setenv("FCTRANSFER_EXECUTION", "cpu/float32")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def draw():
    return random.Random(0)
