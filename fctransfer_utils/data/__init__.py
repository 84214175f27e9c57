"""Images and class splits. Names are loaded when they are first used, so importing this room costs nothing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "DataSpec": "spec",
    "ImageSet": "image_set",
    "Labelled": "image_set",
    "Split": "splits",
    "load": "sources",
    "make_split": "splits",
}
__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
