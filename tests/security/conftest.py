"""A trap: something whose unpickling leaves a trace."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from made_settings import own_settings  # noqa: F401 (a fixture)


class Trap:
    """Unpickling this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def sprung(tmp_path):
    """The file that exists as soon as anybody has unpickled the trap."""
    return tmp_path / "sprung"


@pytest.fixture
def trap_object(sprung):
    """What is in the pickle."""
    return Trap(sprung)


@pytest.fixture
def trap(sprung):
    """The bytes of a pickle that runs code; ``sprung`` must never exist after a test."""
    content = pickle.dumps(Trap(sprung))
    pickle.loads(content)
    assert sprung.exists()  # it works
    sprung.unlink()
    yield content
    assert not sprung.exists()
