"""Libraries that only a notebook or its runner needs: imported where used, with a clear word when one is missing."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from .errors import InputError


def need(module: str, purpose: str, *, package: str = "") -> ModuleType:
    """Import ``module``. Raises InputError that says what it is needed for and how to install it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        if missing.split(".")[0] == "fctransfer_utils":
            raise
        name = package or missing.split(".")[0]
        raise InputError(
            f"{purpose} needs the package {name!r}, which is not installed here; run `make install` in the project, or"
            f" `pip install {name}`."
        ) from error
