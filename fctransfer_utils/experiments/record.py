"""What one trained network leaves behind: its specification, curve, result and provenance, as one JSON file."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..files import checksum
from .fc_spec import FcSpec
from .spec import RunSpec
from .target_spec import TargetSpec, spec_from_json

if TYPE_CHECKING:
    from torch import Tensor

    from ..training.learner import Epoch

AnySpec = RunSpec | TargetSpec | FcSpec
RECORD_VERSION = 1
BEST = 10
TIMINGS = ("seconds",)
NUMBERS = (float, int)
TEXTS = ("execution", "data_fingerprint", "split_checksum", "weights_sha256", "donor_sha256")


@dataclass(frozen=True)
class Result:
    """Last top-1 on the target half's test images (fraction), last training loss (nats), whether training diverged."""

    top1: float
    train_loss: float
    diverged: bool = False


@dataclass(frozen=True)
class Record:
    """One trained network.

    ``execution`` is the label of the Execution ("cpu/bfloat16"), ``seconds`` the wall time of training,
    ``data_fingerprint`` and ``split_checksum`` name the images and the halves, ``weights_sha256`` the trained weights
    (kept or not) and ``donor_sha256`` those that were copied (empty without a donor). ``measures`` are further numbers
    that a study takes of its networks, such as ``validation_top1``.
    """

    spec: AnySpec
    curve: tuple[Epoch, ...]
    result: Result
    versions: dict[str, str]
    execution: str
    seconds: float
    data_fingerprint: str
    split_checksum: str
    weights_sha256: str = ""
    donor_sha256: str = ""
    measures: dict[str, float] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The key of the run."""
        return self.spec.key

    @property
    def best(self) -> float:
        """Mean of the ten best test accuracies of the curve (all of a shorter one): what Yosinski et al. 2014 plot."""
        accuracies = sorted((epoch.test_top1 for epoch in self.curve if math.isfinite(epoch.test_top1)), reverse=True)
        return sum(accuracies[:BEST]) / len(accuracies[:BEST]) if accuracies else math.nan

    def to_json(self) -> dict[str, Any]:
        """JSON types with a checksum over all of them; numbers that are not finite become null."""
        body = {
            "version": RECORD_VERSION,
            "key": self.key,
            "spec": self.spec.to_json(),
            "curve": [_finite(epoch._asdict()) for epoch in self.curve],
            "result": _finite(vars(self.result)),
            "versions": dict(self.versions),
            "execution": self.execution,
            "seconds": self.seconds,
            "data_fingerprint": self.data_fingerprint,
            "split_checksum": self.split_checksum,
            "weights_sha256": self.weights_sha256,
            "donor_sha256": self.donor_sha256,
        }
        if self.measures:
            body["measures"] = _finite(self.measures)
        return {**body, "checksum": checksum(body)}

    @classmethod
    def from_json(cls, value: Any) -> Record:
        """Read what ``to_json`` wrote. Raises InputError for a wrong checksum, another version or another layout."""
        if not isinstance(value, dict) or "checksum" not in value:
            raise InputError("not a record: the checksum is missing.")
        body = {name: part for name, part in value.items() if name != "checksum"}
        if _checksum(body) != value["checksum"]:
            raise InputError("the record's checksum does not fit its content; the file was changed or damaged.")
        version = body.pop("version", None)
        if version != RECORD_VERSION:
            raise InputError(f"record of version {version!r}; this package reads version {RECORD_VERSION}.")
        from ..training.learner import Epoch

        try:
            key = body.pop("key")
            body["spec"] = spec_from_json(body["spec"])
            body["curve"] = tuple(Epoch(**_numbers(epoch)) for epoch in body["curve"])
            body["result"] = Result(**_numbers(body["result"]))
            body["measures"] = _numbers(body.get("measures", {}))
            _check_layout(body)
            record = cls(**body)
        except (TypeError, KeyError, AttributeError) as error:
            raise InputError(f"not a record: {error}.") from error
        if record.key != key:
            raise InputError(f"the record's key {key} does not fit its specification ({record.key}).")
        return record

    def outcome(self) -> dict[str, Any]:
        """Everything but the wall times: equal for the same run on the same machine, however it was scheduled."""
        body = self.to_json()
        body.pop("checksum")
        body["curve"] = [
            {name: value for name, value in epoch.items() if name not in TIMINGS} for epoch in body["curve"]
        ]
        return {name: value for name, value in body.items() if name not in TIMINGS}


def parse_record(text: str) -> Record:
    """The record in a file's ``text``. Raises InputError when it is cut, damaged or of another version."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not a record: no whole JSON text ({error}).") from error
    return Record.from_json(value)


def _checksum(body: dict[str, Any]) -> str:
    """The checksum; empty for what no record can hold, such as a number that is not finite."""
    try:
        return checksum(body)
    except (ValueError, RecursionError):
        return ""


def _check_layout(body: dict[str, Any]) -> None:
    """Raises TypeError where a part has not the type that ``Record`` says, KeyError for an unnamed version."""
    texts = [body["versions"]["torch"], *body["versions"].values(), *(body[name] for name in TEXTS if name in body)]
    numbers = [body["seconds"], *body["measures"].values()]
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(number, NUMBERS) for number in numbers):
        raise TypeError("a text or a number has another type")
    if not body["curve"] or not isinstance(body["result"].diverged, bool):
        raise TypeError("the curve or the result is incomplete")


def versions() -> dict[str, str]:
    """The versions that a record states and that workers of one study share."""
    import numpy
    import torch

    from .. import __version__

    return {
        "fctransfer": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
    }


def pack_weights(state: dict[str, Tensor]) -> bytes:
    """A state (name -> tensor on the CPU) as the bytes of a safetensors file; equal states give equal bytes."""
    from safetensors.torch import save

    return save(state)


def unpack_weights(content: bytes) -> dict[str, Tensor]:
    """The inverse of ``pack_weights``. Raises InputError for damaged bytes."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(content)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise InputError(f"not a whole safetensors file: {error}.") from error


def sha256(content: bytes) -> str:
    """The SHA-256 of ``content`` in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in values.items()
    }


def _numbers(values: dict[str, Any]) -> dict[str, Any]:
    for name, value in values.items():
        if value is not None and not isinstance(value, NUMBERS):
            raise TypeError(f"{name} is no number")
    return {name: math.nan if value is None else value for name, value in values.items()}
