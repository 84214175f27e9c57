"""What a notebook calls: ``course.start(...)`` and the object that it gives back."""

from __future__ import annotations

from .checks import CheckFailed
from .parameters import Between, Several
from .start import start

__all__ = ["Between", "CheckFailed", "Several", "start"]
