"""Where networks in training are kept between two epochs, so that a killed one goes on instead of starting again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import checksum
from .record import AnySpec, versions

if TYPE_CHECKING:
    from ..data.image_set import ImageSet
    from ..training.checkpoint import Checkpoint
    from ..training.execution import Execution

EVERY = 600.0
"""Seconds between two checkpoints. Networks that take less leave none."""


@dataclass(frozen=True)
class Checkpoints:
    """The ``folder`` where networks in training are kept, each written every ``every`` seconds.

    Processes on several machines need a folder that all of them reach.
    """

    folder: Path
    every: float = EVERY

    def of(self, specs: Sequence[AnySpec], *, images: ImageSet, execution: Execution) -> Checkpoint:
        """The checkpoint of networks that learn together; good for these images, this execution, these instructions
        and these versions."""
        from ..training.checkpoint import Checkpoint
        from ..training.execution import instructions

        identity = {
            "networks": " ".join(spec.key for spec in specs),
            "images": images.fingerprint,
            "execution": str(execution),
            "versions": str(versions()),
            "instructions": instructions(execution.device),
        }
        return Checkpoint(self.file(specs), identity, every=self.every)

    def file(self, specs: Sequence[AnySpec]) -> Path:
        """Where the checkpoint of ``specs`` lies, if there is one."""
        name = specs[0].key if len(specs) == 1 else f"crew-{checksum([spec.key for spec in specs])}"
        return self.folder / f"{name}.safetensors"

    def forget(self, specs: Sequence[AnySpec]) -> None:
        """Remove the checkpoint of networks that are done."""
        self.file(specs).unlink(missing_ok=True)

    def files(self) -> list[Path]:
        """Those that there are."""
        return sorted(self.folder.glob("*.safetensors"))
