"""How every process comes by the same images (imports no torch)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.spec import DataSpec

if TYPE_CHECKING:
    from ..data.sources import Source

Loader = Callable[[DataSpec], "Source"]


@dataclass(frozen=True)
class Files:
    """Loads by ``data.sources.load`` from the folder ``root``; equal in every process, so that each reads but once.

    ``progress``: pictures that are decoded for the first time are counted on standard error.
    """

    root: str | None = None
    progress: bool = field(default=False, compare=False)

    def __call__(self, spec: DataSpec) -> Source:
        from ..data.sources import load

        root = Path(self.root, spec.folder) if self.root and spec.folder else self.root
        return load(spec, root, progress=self.progress)
