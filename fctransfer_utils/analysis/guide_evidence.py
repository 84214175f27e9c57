"""The tables of all studies in one form, for the guide: one row per network that somebody could have chosen to train.

An *option* says what a reader would do: which layers to keep, whether they learn, and what stands on top. The studies
write it in their own words: AnB at n = 5 of a transfer study is "keep conv5, frozen, new hidden layers", the arm
``conv5+new fc6-fc7, frozen`` of the study ``keep``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from ..errors import InputError, unknown
from .volume import images_behind_all

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7")
STUDIES = ("keep", "transfer", "distant", "volume")
_TREATMENTS = {"base": "scratch", "AnB": "frozen", "AnB+": "fine-tuned"}
CONDITION = ("study", "data", "image_size", "net", "epochs", "labels_per_class")
UNIT = ("split", "seed", "target_set")
COLUMNS = (*CONDITION, *UNIT, "cut", "protocol", "head", "option", "top1", "seconds", "key", "domain")
LINEAR, NONE = "new last layer", "everything new"


@dataclass(frozen=True)
class Option:
    """What to do: keep layers up to ``cut`` ("" for none), ``protocol``, and the ``head`` on top."""

    cut: str
    protocol: str
    head: str

    def __str__(self) -> str:
        if self.protocol == "scratch":
            return "learn from scratch"
        return f"keep up to {self.cut}, {self.protocol}, {self.head}"


def gather(tables: Mapping[str, pd.DataFrame], distances: pd.DataFrame) -> pd.DataFrame:
    """One row per usable network of the ``tables`` {study: rows} with COLUMNS; ``domain`` is its measured distance.

    ``distances`` has ``data, split, target_set, domain`` (proxy A-distance, 0..2): a network without one stays, with
    nan, and cannot be asked for by distance. A network that two studies share is taken once. ``attrs["left_out"]`` says
    what was not used. Raises InputError for an unknown study or a table without its columns.
    """
    parts, left_out = [], []
    for study in STUDIES:
        if study in tables:
            read = _of_keep if study == "keep" else _of_halves
            part, words = read(study, tables[study])
            parts.append(part)
            left_out += words
    strangers = sorted(set(tables) - set(STUDIES))
    if strangers:
        raise unknown("study", strangers[0], STUDIES)
    absent = [name for name in ("data", "target_set", "domain") if name not in distances.columns]
    if absent:
        raise InputError(f"the distances have no column {', '.join(absent)}; measure them on the donor's features.")
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS[:-1]))
    rows = rows.drop_duplicates("key").reset_index(drop=True)
    far = distances.groupby(["data", "target_set"])["domain"].mean()
    places = zip(rows["data"], rows["target_set"], strict=True)
    rows["domain"] = pd.Series([far.get(place, float("nan")) for place in places], index=rows.index, dtype=float)
    result = rows[list(COLUMNS)]
    result.attrs["left_out"] = tuple(dict.fromkeys(left_out))
    return result


def _of_keep(study: str, table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    _need(study, table, ("arm", "protocol", "labels_per_class", "target_set", "key"))
    rows = table[table["top1"].notna()].copy()
    options = [_kept(arm, protocol) for arm, protocol in zip(rows["arm"], rows["protocol"], strict=True)]
    return _with_options(rows.assign(study=study), options), []


def _kept(arm: str, protocol: str) -> Option:
    if protocol == "scratch":
        return Option("", "scratch", NONE)
    cut, _, drawn = arm.partition("+")
    return Option(cut, protocol, f"{drawn} and {LINEAR}" if drawn else LINEAR)


def _of_halves(study: str, table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """base, AnB and AnB+ of a study of halves; a base only where something was transferred to its half."""
    _need(study, table, ("treatment", "n", "source", "target", "images_per_class", "key"))
    rows = table[table["top1"].notna() & table["treatment"].isin(_TREATMENTS)].copy()
    copied = rows[rows["treatment"] != "base"]
    learners = set(copied[["data", "split", "seed", "target"]].itertuples(index=False, name=None))
    units = rows[["data", "split", "seed", "target"]].itertuples(index=False, name=None)
    rows = rows[[unit in learners for unit in units]]
    words, counts = [], {}
    for label in rows["data"].unique():
        try:
            counts[label] = images_behind_all(label)
        except InputError:
            words.append(f"{study} on {label}: its images per class are not known.")
    rows = rows[rows["data"].isin(counts)]
    every = rows["data"].map(counts).astype(int)
    rows = rows.assign(
        study=study,
        labels_per_class=rows["images_per_class"].where(rows["images_per_class"] > 0, every).astype(int),
        target_set=[f"{data} {split}:{half}" for data, split, half in
                    zip(rows["data"], rows["split"], rows["target"], strict=True)],
    )  # fmt: skip
    options = [_copied(name, int(n)) for name, n in zip(rows["treatment"], rows["n"], strict=True)]
    return _with_options(rows, options), words


def _copied(treatment: str, n: int) -> Option:
    if treatment == "base":
        return Option("", "scratch", NONE)
    drawn = "-".join(dict.fromkeys(LAYERS[n:][:1] + LAYERS[n:][-1:]))
    return Option(LAYERS[n - 1], _TREATMENTS[treatment], f"new {drawn} and {LINEAR}" if drawn else LINEAR)


def _with_options(rows: pd.DataFrame, options: list[Option]) -> pd.DataFrame:
    found = rows.assign(
        cut=[option.cut for option in options],
        protocol=[option.protocol for option in options],
        head=[option.head for option in options],
        option=[str(option) for option in options],
    )
    return found[list(COLUMNS[:-1])]


def _need(study: str, table: pd.DataFrame, names: tuple[str, ...]) -> None:
    wanted = ("data", "image_size", "net", "split", "seed", "epochs", "top1", "seconds", *names)
    absent = [name for name in wanted if name not in table.columns]
    if absent:
        raise InputError(f"the table of study {study} has no column {', '.join(absent)}; pass the rows of that study.")
