"""One figure, three files: <id>.svg, <id>.png and data/<id>.csv, each whole or absent, the same bytes every time."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from ..errors import InputError
from ..files import replacing
from .style import styled

_ID = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")


def save(fig: Figure, id: str, *, data: pd.DataFrame, folder: Path | str) -> dict[str, Path]:
    """Write ``fig`` as <folder>/<id>.svg and .png and the table behind it as <folder>/data/<id>.csv.

    Returns the three paths by their endings. No dates and no versions are written, so equal input gives equal files.
    Raises InputError for an id that is not lower case letters, digits, ``-`` and ``_``, and for an empty table.
    """
    if not _ID.fullmatch(id):
        raise InputError(f"figure id {id!r} is not a file name; use lower case letters, digits, '-' and '_'.")
    if not len(data):
        raise InputError(f"figure {id!r} has no data behind it; pass the table that it shows.")
    folder = Path(folder)
    paths = {"svg": folder / f"{id}.svg", "png": folder / f"{id}.png", "csv": folder / "data" / f"{id}.csv"}
    with styled():
        for kind, metadata in (("svg", {"Date": None, "Creator": None}), ("png", {"Software": None})):
            with replacing(paths[kind]) as temporary:
                fig.savefig(temporary, format=kind, metadata=metadata)
    with replacing(paths["csv"]) as temporary:
        data.to_csv(temporary, index=False, lineterminator="\n", float_format="%.10g")
    return paths
