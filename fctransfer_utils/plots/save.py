"""One figure, three files: <id>.svg, <id>.png and data/<id>.csv, each whole or absent, the same bytes every time."""

from __future__ import annotations

import re
from pathlib import Path
from xml.sax.saxutils import escape

import pandas as pd
from matplotlib.figure import Figure

from ..errors import InputError
from ..files import replacing
from .style import styled

_ID = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")


_ROOT = re.compile(r"<svg\b[^>]*>")


def save(fig: Figure, id: str, *, data: pd.DataFrame, folder: Path | str, caption: str = "") -> dict[str, Path]:
    """Write ``fig`` as <folder>/<id>.svg and .png and the table behind it as <folder>/data/<id>.csv.

    The ``caption`` becomes the title and the description of the SVG, which is what a screen reader says. Returns the
    three paths by their endings. No dates and no versions are written, so equal input gives equal files. Raises
    InputError for an id that is not lower case letters, digits, ``-`` and ``_``, and for an empty table.
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
                if kind == "svg":
                    described = with_words(temporary.read_text(encoding="utf-8"), id=id, caption=caption)
                    temporary.write_text(described, encoding="utf-8", newline="\n")
    with replacing(paths["csv"]) as temporary:
        data.to_csv(temporary, index=False, lineterminator="\n", float_format="%.10g")
    return paths


def with_words(svg: str, *, id: str, caption: str) -> str:
    """The text of an SVG as one picture with a title and a description, for those who do not see it."""
    if not caption:
        return svg
    sentence, _, _ = caption.partition(". ")
    words = (
        f'\n <title id="{id}-title">{escape(sentence.rstrip("."))}</title>'
        f'\n <desc id="{id}-desc">{escape(caption)} The numbers are in data/{id}.csv.</desc>'
    )
    spoken = f' role="img" aria-labelledby="{id}-title {id}-desc">'
    return _ROOT.sub(lambda found: found.group(0)[:-1] + spoken + words, svg, count=1)
