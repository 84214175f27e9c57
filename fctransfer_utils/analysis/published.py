"""The networks that Yosinski et al. (2014) published logs of, in the columns of our own tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import InputError, in_one_line, unknown

FILE = "yosinski2014_networks.csv"
TOP1 = {"best10": "top1_mean_best10", "final": "top1_final"}
EXPERIMENTS = ("random_split", "natural_manmade", "random_filters", "reduced_data", "all")


def paper_table(
    *, top1: str = "best10", experiment: str = "random_split", path: Path | str | None = None
) -> pd.DataFrame:
    """The published networks, one row each, with our columns and ``iterations``.

    ``top1`` is ``best10`` (mean of the ten best validations of a run, what the paper plots) or ``final``. Splits are
    ``random0``..``random3`` and ``natural-manmade`` with the halves ``A`` and ``B`` (A natural, B man-made);
    random filters and reduced data learnt all classes (split and target ``whole``). The logs count iterations, not
    epochs, so ``epochs`` is 0 in every row. ``path`` defaults to figures/data of the project.
    """
    if top1 not in TOP1:
        raise unknown("top-1", top1, TOP1)
    if experiment not in EXPERIMENTS:
        raise unknown("experiment", experiment, EXPERIMENTS)
    rows = committed_table(FILE, path, dtype={"base_task": str, "split": str})
    missing = [name for name in ("experiment", "target_task", "treatment", TOP1[top1]) if name not in rows]
    if missing:
        raise InputError(f"the published table has no column {', '.join(missing)}; use the project's {FILE}.")
    try:
        table = _in_our_columns(rows, TOP1[top1])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"the published table is damaged ({in_one_line(error)}); restore the project's {FILE}."
        ) from error
    if experiment != "all":
        table = table[rows["experiment"] == experiment]
    return table.reset_index(drop=True)


def _in_our_columns(rows: pd.DataFrame, top1: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "study": "yosinski2014",
            "data": "imagenet",
            "image_size": 227,
            "net": "caffenet",
            "split": rows["split"].map(_split),
            "seed": 0,
            "source": rows["base_task"].map(_half, na_action=None),
            "target": rows["target_task"].map(_half),
            "treatment": rows["treatment"],
            "n": rows["n"].astype(int),
            "images_per_class": rows["examples_per_class"].fillna(0).astype(int),
            "epochs": 0,
            "top1": rows[top1].astype(float),
            "train_loss": rows["final_train_loss"],
            "seconds": float("nan"),
            "device": "published log",
            "torch": "",
            "key": [f"yosinski2014-{number:03d}" for number in range(1, len(rows) + 1)],
            "iterations": rows["iterations"],
        }
    )


def _split(name: object) -> str:
    if not isinstance(name, str):
        return "whole"
    return "natural-manmade" if name == "natman" else name.replace("half", "random")


def _half(name: object) -> str:
    """``half0A`` is half A of its split; natural is A and man-made B; a fresh random net has no source."""
    if not isinstance(name, str) or name == "random init":
        return ""
    return {"natural": "A", "manmade": "B", "whole": "whole"}.get(name, name[-1])


def committed_table(name: str, path: Path | str | None = None, **options: Any) -> pd.DataFrame:
    """The committed table ``name``, or that of ``path``, by ``pandas.read_csv``. Raises InputError for none."""
    file = committed_file(name, path)
    try:
        return pd.read_csv(file, **options)
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot read the table {file.name} ({in_one_line(error)}); restore figures/data/{name}."
        ) from error


def committed_file(name: str, path: Path | str | None = None) -> Path:
    """``path``, or the committed table ``name`` of the project around the working directory or this package.

    Raises InputError where there is none.
    """
    if path is not None:
        if not Path(path).is_file():
            raise InputError(f"{path} is not a file; give the path of {name}, or restore figures/data/{name}.")
        return Path(path)
    here = Path.cwd()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[2]):
        found = folder / "figures" / "data" / name
        if found.is_file():
            return found
    raise InputError(f"no figures/data/{name} above {here}; run inside the project or give its path.")
