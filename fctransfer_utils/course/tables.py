"""Tables behind the figures: committed ones are read, others are trained or computed and written down the same way."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, in_one_line, unknown
from ..files import write_text

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = "%.6g"


def plain_name(label: str) -> str:
    """The data set of a table's label: ``glyphs`` for ``glyphs[50x200]``."""
    return label.split("[")[0]


def rows_of(table: pd.DataFrame, data: str, *, source: str, where: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """The rows of a data set for which every column of ``where`` has the given value (or one of a list).

    Raises InputError when nothing is left, naming what there is.
    """
    if data.startswith("folder:"):
        data = f"folder:{Path(data.removeprefix('folder:')).name}"
    there = sorted({plain_name(label) for label in table["data"]})
    rows = table[[plain_name(label) == data for label in table["data"]]]
    if not len(rows):
        raise unknown(f"data set in {source}", data, there, mend="To train it, choose another profile than 'read'.")
    for name, wanted in (where or {}).items():
        if name not in rows.columns:
            raise unknown(f"column of {source}", name, rows.columns)
        values = list(wanted) if isinstance(wanted, (list, tuple, set, range)) else [wanted]
        found = rows[rows[name].isin(values)]
        if not len(found):
            raise unknown(f"value of {name} in {source}", wanted, rows[name].drop_duplicates())
        rows = found
    return rows.reset_index(drop=True)


def holds(path: Path, data: str) -> bool:
    """Whether the committed table at ``path`` has rows of the data set."""
    label = f"folder:{Path(data.removeprefix('folder:')).name}" if data.startswith("folder:") else data
    return label in {plain_name(there) for there in read_measure(path, shown=path.name)["data"]}


def read_rows(path: Path, *, shown: str) -> pd.DataFrame:
    """A committed table of trained networks. Raises InputError when it is missing or damaged."""
    import pandas as pd

    from ..experiments.table import columns_of, read_table

    _there(path, shown)
    rows = read_table(path)
    return pd.DataFrame(rows, columns=list(columns_of(rows)))


def read_measure(path: Path, *, shown: str) -> pd.DataFrame:
    """A committed table of anything else, with a column ``data``. Raises InputError when it is missing or damaged."""
    import pandas as pd

    _there(path, shown)
    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot read the table {shown}: {in_one_line(error)}; restore it from the project."
        ) from error
    if "data" not in frame.columns:
        raise InputError(f"the table {shown} lacks the column data; restore it from the project.")
    return frame


def _there(path: Path, shown: str) -> None:
    if not path.exists():
        raise InputError(
            f"the table {shown} is missing, and the profile 'read' trains nothing; restore it from the project, or"
            " choose the profile 'quick'."
        )


def as_read_back(frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` as it would be after writing and reading: so a fresh and a committed table give the same figure."""
    import pandas as pd

    return pd.read_csv(io.StringIO(to_csv(frame)))


def to_csv(frame: pd.DataFrame) -> str:
    """CSV text with six significant digits and one kind of line end."""
    return frame.to_csv(index=False, float_format=NUMBERS, lineterminator="\n")


def write_measure(frame: pd.DataFrame, path: Path) -> None:
    """Write ``frame``; rows of other data sets that the file holds stay, those of another size of the same set go.

    So a data set has one size in a measure, and networks of two profiles cannot be taken for one study.
    """
    import pandas as pd

    if path.exists():
        old = read_measure(path, shown=path.name)
        mine = {plain_name(label) for label in frame["data"]}
        others = old[[plain_name(label) not in mine for label in old["data"]]]
        frame = pd.concat([others, frame], ignore_index=True).sort_values("data", kind="stable")
    write_text(path, to_csv(frame))
