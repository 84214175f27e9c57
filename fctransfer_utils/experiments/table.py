"""Records as a tidy table: one row per trained network, the evidence behind every figure."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import write_text
from .fc_spec import TRUNK_LAYERS, FcSpec
from .record import Record
from .spec import TREATMENTS, RunSpec
from .target_spec import TargetSpec, data_label

COLUMNS = (
    "study", "data", "image_size", "net", "split", "seed", "source", "target", "treatment", "n", "images_per_class",
    "epochs", "top1", "train_loss", "seconds", "device", "instructions", "torch", "key",
)  # fmt: skip
# Networks moved to another set of images; ``split`` and ``source`` are those of the network whose layers are kept.
TARGET_COLUMNS = (
    "study", "data", "image_size", "net", "split", "seed", "source", "target_set", "arm", "kept", "hidden", "protocol",
    "labels_per_class", "epochs", "top1", "train_loss", "seconds", "device", "instructions", "torch", "key",
)  # fmt: skip
# The FC study: networks of arms, moved by protocols at several rates. Numbers that a protocol does not have are empty.
MOVED = ("moved", *(f"moved_{layer}" for layer in TRUNK_LAYERS))
FC_COLUMNS = (
    "study", "data", "image_size", "net", "split", "seed", "source", "target_set", "arm", "protocol", "layer",
    "labels_per_class", "learning_rate", "epochs", "top1", "validation_top1", "train_loss", *MOVED, "cka",
    "seconds", "device", "instructions", "torch", "key",
)  # fmt: skip
NOTED = "instructions"
"""Empty in tables that were written before records told it."""
BEST = "top1_best10"
"""A further column, behind ``top1``, where it is asked for: the mean of the ten best of a network's curve."""
_STUDY_COLUMNS = {"keep": TARGET_COLUMNS, "fc": FC_COLUMNS}
_MEASURES = ("validation_top1", *MOVED, "cka")
_NUMBERS = {
    "image_size": int, "seed": int, "n": int, "images_per_class": int, "epochs": int, "kept": int,
    "labels_per_class": int, "top1": float, "train_loss": float, "seconds": float,
    "learning_rate": float, BEST: float, **dict.fromkeys(_MEASURES, float),
}  # fmt: skip
_ORDER = ("study", "data", "image_size", "net", "images_per_class", "split", "seed", "target", "source")
_FC_ORDER = (
    "study", "data", "image_size", "net", "target_set", "labels_per_class", "seed", "split", "source", "protocol",
    "layer", "arm", "learning_rate", "epochs", "key",
)  # fmt: skip
_TARGET_ORDER = (
    "study", "data", "image_size", "net", "target_set", "labels_per_class", "seed", "split", "source", "kept", "hidden",
    "protocol", "epochs", "key",
)  # fmt: skip


def tidy(records: Iterable[Record], *, study: str, best: bool = False) -> list[dict[str, Any]]:
    """One row per record, sorted; ``top1`` is a fraction, ``seconds`` wall time; ``best`` adds the column BEST.

    Records without the columns of ``study``, such as the bases in a store of study keep, are left out.
    """
    columns = _with_best(_STUDY_COLUMNS.get(study, COLUMNS), best)
    rows = [_row(record, study, best) for record in records]
    return in_order([row for row in rows if tuple(row) == columns])


def merge(*tables: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """All rows of several tables; where two name the same network the row of the earlier table stays.

    Where one of them has the column BEST all have it, empty where it is not known. Raises InputError for tables of
    different kinds, which have no columns in common.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for table in tables:
        for row in table:
            rows.setdefault((row["study"], row["key"]), dict(row))
    if any(BEST in row for row in rows.values()):
        for row in rows.values():
            row.setdefault(BEST, math.nan)
    kinds = {columns_of(tuple(row)): row["study"] for row in rows.values()}
    if len(kinds) > 1:
        raise InputError(
            f"rows of the studies {', '.join(sorted(kinds.values()))} have different columns; write a table for each."
        )
    return in_order(rows.values())


def in_order(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows in the one order of every table: data, split, seed, target, source, treatment, n."""

    def place(row: Mapping[str, Any]) -> tuple:
        if "arm" in row:
            return tuple(row[name] for name in (_FC_ORDER if "learning_rate" in row else _TARGET_ORDER))
        treatment = row["treatment"]
        rank = TREATMENTS.index(treatment) if treatment in TREATMENTS else len(TREATMENTS)
        return (*(row[name] for name in _ORDER), rank, treatment, row["n"], row["epochs"], row["key"])

    return [dict(row) for row in sorted(rows, key=place)]


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as CSV text."""
    text = io.StringIO()
    columns = columns_of(rows)
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: _cell(row[name]) for name in columns} for row in rows)
    return text.getvalue()


def columns_of(names: Sequence[Mapping[str, Any]] | Sequence[str]) -> tuple[str, ...]:
    """The columns of a table, given its rows or its header: those of moved networks where an arm is named."""
    first = names[0] if names and not isinstance(names[0], str) else names
    columns = COLUMNS if "arm" not in first else FC_COLUMNS if "learning_rate" in first else TARGET_COLUMNS
    return _with_best(columns, BEST in first)


def _with_best(columns: tuple[str, ...], best: bool) -> tuple[str, ...]:
    place = columns.index("top1") + 1
    return (*columns[:place], BEST, *columns[place:]) if best else columns


def write_table(rows: Sequence[Mapping[str, Any]], path: Path | str) -> None:
    """Write the rows to a CSV file, whole or not at all. Raises InputError when the place cannot be written."""
    try:
        write_text(path, to_csv(rows))
    except OSError as error:
        raise InputError(f"cannot write the table {path}: {error.strerror or error}; name another file.") from error


def read_table(path: Path | str) -> list[dict[str, Any]]:
    """The rows of a CSV file with numbers as numbers. Raises InputError when it is missing or no such table."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot read the table {path}: {getattr(error, 'strerror', None) or error}; name a file that"
            " fctransfer table wrote, or leave it out."
        ) from error
    reader = csv.DictReader(io.StringIO(text))
    rows = []
    try:
        columns = columns_of(reader.fieldnames or ())
        missing = [name for name in columns if name not in (*(reader.fieldnames or ()), NOTED)]
        if missing:
            raise InputError(
                f"the table {path} lacks the columns {', '.join(missing)}; write it with fctransfer table."
            )
        rows += ({name: _value(name, {NOTED: "", **row}[name]) for name in columns} for row in reader)
    except InputError:
        raise
    except (csv.Error, TypeError, ValueError) as error:
        raise InputError(
            f"line {reader.line_num} of the table {path} cannot be read ({error}); restore the file."
        ) from error
    return rows


def table_keys(path: Path | str) -> frozenset[str]:
    """The keys of the networks that a table holds."""
    return frozenset(row["key"] for row in read_table(path))


def _row(record: Record, study: str, best: bool) -> dict[str, Any]:
    spec = record.spec
    base = spec if isinstance(spec, RunSpec) else spec.source
    own = {"split": base.split, "seed": spec.seed}
    if isinstance(spec, FcSpec):
        own |= {"source": base.target, "target_set": spec.target_label, "protocol": spec.protocol}
        own |= {"layer": spec.layer, "labels_per_class": spec.labels_per_class}
    elif isinstance(spec, TargetSpec):
        own |= {"source": base.target, "target_set": spec.target_label, "arm": spec.arm, "kept": spec.kept}
        own |= {"hidden": spec.hidden, "protocol": spec.protocol, "labels_per_class": spec.labels_per_class}
    elif base.net.arm:  # the source networks of the FC study, on their own classes
        label = f"{data_label(spec.data)} {spec.split}:{spec.target}"
        own |= {"source": spec.target, "target_set": label, "protocol": "source", "layer": ""}
        own |= {"labels_per_class": spec.images_per_class}
    else:
        own |= {"source": spec.source, "target": spec.target, "treatment": spec.treatment, "n": spec.n}
        own |= {"images_per_class": spec.images_per_class}
    if base.net.arm:
        own |= {"arm": base.net.arm, "learning_rate": spec.recipe.learning_rate}
        own |= {name: _rounded(record.measures.get(name, math.nan)) for name in _MEASURES}
    row = {
        "study": study,
        "data": data_label(base.data),
        "image_size": spec.data.image_size,
        "net": spec.net.label,
        **own,
        "epochs": spec.recipe.epochs,
        "top1": _rounded(record.result.top1),
        **({BEST: _rounded(record.best)} if best else {}),
        "train_loss": _rounded(record.result.train_loss),
        "seconds": round(record.seconds, 1),
        "device": record.execution,
        "instructions": record.versions.get("instructions", ""),
        "torch": record.versions["torch"],
        "key": record.key,
    }
    return {name: row[name] for name in columns_of(tuple(row))}


def _rounded(value: float) -> float:
    return round(value, 6)


def _cell(value: Any) -> Any:
    return "" if isinstance(value, float) and not math.isfinite(value) else value


def _value(name: str, text: str | None) -> Any:
    if text is None:
        raise ValueError(f"{name} is missing")
    kind = _NUMBERS.get(name, str)
    return math.nan if kind is float and text == "" else kind(text)
