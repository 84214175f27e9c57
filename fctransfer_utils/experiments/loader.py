"""How every process comes by the same images (imports no torch)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..data.spec import DataSpec

if TYPE_CHECKING:
    from ..data.sources import Source

Loader = Callable[[DataSpec], "Source"]


@dataclass(frozen=True)
class Files:
    """Loads by ``data.sources.load`` from the folder ``root``; equal in every process, so that each reads but once."""

    root: str | None = None

    def __call__(self, spec: DataSpec) -> Source:
        from ..data.sources import load

        return load(spec, self.root)
