"""Made-up input: hypothesis draws the same examples on every machine, and damage comes from seeded generators."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, settings
from made_settings import own_settings  # noqa: F401 (a fixture)

settings.register_profile(
    "course", derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile("course")


@pytest.fixture
def draw():
    return random.Random(0)
