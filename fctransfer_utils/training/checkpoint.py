"""A network in training on disk: everything that its next epoch depends on, so that a killed one goes on from there.

A safetensors file holds tensors and text and nothing that could run; it is written whole or not at all.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..files import replacing
from .feed import Batches, Place
from .learner import Epoch, Learner

ENTRY = "fctransfer"
log = logging.getLogger(__name__)
FORMAT = 1


@dataclass
class Checkpoint:
    """The file ``path`` for networks that learn together.

    ``identity`` names all that decides what comes next (specifications, images, execution, versions): a file of another
    identity, a damaged one and a missing one count as none. ``every`` are the seconds between two writes.
    """

    path: Path
    identity: Mapping[str, str]
    every: float
    _last: float = field(default_factory=time.monotonic)

    @property
    def due(self) -> bool:
        """Whether it is time to write."""
        return time.monotonic() - self._last >= self.every

    def write(self, learners: Sequence[Learner], batches: Batches, shifts: torch.Generator, seconds: float) -> None:
        """Keep the state between two epochs; ``seconds`` of training have passed.

        A file that cannot be written costs no network: a warning says so, and training goes on.
        """
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        place = batches.place
        tensors = {"order": place.drawn, "shifts": shifts.get_state()}
        for number, learner in enumerate(learners):
            tensors |= {f"{number}/{name}": value for name, value in _state(learner).items()}
        told = {
            "format": FORMAT,
            "identity": dict(self.identity),
            "taken": place.taken,
            "seconds": seconds,
            "learners": [{"curve": each.curve, "diverged": each.diverged} for each in learners],
        }
        plain = {name: _plain(value) for name, value in tensors.items()}
        try:
            with replacing(self.path) as temporary:
                save_file(plain, temporary, {ENTRY: json.dumps(told)})
        except (OSError, SafetensorError) as error:
            log.warning("no checkpoint could be written to %s (%s); training goes on without", self.path, error)
        self._last = time.monotonic()

    def restore(self, learners: Sequence[Learner], batches: Batches, shifts: torch.Generator) -> tuple[int, float]:
        """Bring everything to where the file left it; epochs done and seconds taken (0 and 0.0 without a file)."""
        found = self._read()
        if found is None:
            return 0, 0.0
        told, tensors = found
        batches.go_to(Place(tensors["order"], told["taken"]))
        shifts.set_state(tensors["shifts"])
        for number, (learner, own) in enumerate(zip(learners, told["learners"], strict=True)):
            prefix = f"{number}/"
            mine = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
            _restore(learner, mine)
            learner.curve[:] = [Epoch(*point) for point in own["curve"]]
            learner.diverged = own["diverged"]
        return max(len(learner.curve) for learner in learners), told["seconds"]

    def _read(self) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path, framework="pt") as file:
                told = json.loads((file.metadata() or {}).get(ENTRY, "{}"))
                if (told.get("format"), told.get("identity")) != (FORMAT, dict(self.identity)):
                    return None
                return told, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError, ValueError):
            return None


def _state(learner: Learner) -> dict[str, Tensor]:
    """Weights and buffers, momentum and the place in the stream of dropout, by name."""
    momentum = {
        f"momentum/{place}": momentum
        for place, momentum in enumerate(chain.from_iterable(group.momenta for group in learner.optimiser.groups))
        if momentum is not None
    }
    weights = {f"net/{name}": value for name, value in learner.net.state_dict().items()}
    return weights | momentum | {"draws": learner.draws}


@torch.no_grad()
def _restore(learner: Learner, kept: Mapping[str, Tensor]) -> None:
    for name, value in learner.net.state_dict().items():
        value.copy_(kept[f"net/{name}"])
    place = count()
    for group in learner.optimiser.groups:
        for number, parameter in enumerate(group.parameters):
            if (momentum := kept.get(f"momentum/{next(place)}")) is not None:
                # the layout in memory of the weights, which the fused step of the optimiser relies on
                group.momenta[number] = torch.empty_like(parameter).copy_(momentum)
    learner.draws = kept["draws"]


def _plain(value: Tensor) -> Tensor:
    return value.detach().cpu().contiguous()
