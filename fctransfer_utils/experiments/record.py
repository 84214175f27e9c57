"""What is kept of a trained network, as JSON (imports no torch)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ..errors import InputError


@dataclass(frozen=True)
class Record:
    """``network`` as ``Network.described``; ``measures`` such as ``top1`` (share of test images, 0 to 1).

    ``curve``: of each column ("loss", "top1") its value after every epoch. A diverged network has no measures: its
    loss was not finite. ``setting``: device and dtype. ``images``: the fingerprint of the images that it was trained
    and tested on. ``weights``: SHA-256 of the file of its weights, or "". What a study calls the network is not in it.
    """

    key: str
    network: dict[str, Any]
    measures: dict[str, float]
    curve: dict[str, list[float | None]]
    diverged: bool
    seconds: float
    setting: dict[str, str]
    images: str
    version: str
    torch: str
    weights: str = ""

    @property
    def rounded(self) -> dict[str, float]:
        """The measures to the digits of a table."""
        return {name: round(value, 6) for name, value in self.measures.items()}

    def to_json(self) -> str:
        """The text of its file."""
        return json.dumps(vars(self), allow_nan=False) + "\n"


def parse_record(text: str) -> Record:
    """The record in ``text``. Raises InputError for anything else."""
    try:
        record = Record(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise InputError(f"this is no record of a network ({error}).") from error
    whole = {"key": str, "network": dict, "measures": dict, "curve": dict, "diverged": bool, "images": str}
    wrong = [name for name, kind in whole.items() if not isinstance(getattr(record, name), kind)]
    if wrong:
        raise InputError(f"this is no record of a network ({wrong[0]} = {getattr(record, wrong[0])!r}).")
    return record
