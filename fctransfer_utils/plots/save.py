"""One figure, three files: <id>.svg, <id>.png and data/<id>.csv, each whole or absent, the same bytes every time."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.sax.saxutils import escape

import matplotlib as mpl
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from ..errors import InputError
from ..files import replacing, write_text
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
        svg, png = svg_of(fig), png_of(fig, dpi=mpl.rcParams["savefig.dpi"])
    write_text(paths["svg"], with_words(svg, id=id, caption=caption))
    with replacing(paths["png"]) as temporary:
        temporary.write_bytes(png)
    with replacing(paths["csv"]) as temporary:
        data.to_csv(temporary, index=False, lineterminator="\n", float_format="%.10g")
    return paths


def png_of(figure: Figure, *, dpi: float, **packing: int) -> bytes:
    """The figure as a PNG file, without date and version; ``packing`` is what Pillow takes for PNG.

    The same bytes as ``Figure.savefig`` gives. That draws a figure twice, once only to lay it out.
    """
    with _drawn_by(FigureCanvasAgg, figure, dpi) as canvas:
        file = io.BytesIO()
        canvas.print_png(file, metadata={"Software": None}, pil_kwargs=packing)
    return file.getvalue()


def svg_of(figure: Figure) -> str:
    """The figure as the text of an SVG file, without date and version, as ``Figure.savefig`` gives it."""
    with _drawn_by(FigureCanvasSVG, figure, mpl.rcParams["savefig.dpi"]) as canvas:
        file = io.StringIO()
        canvas.print_svg(file, metadata={"Date": None, "Creator": None})
    return file.getvalue()


@contextmanager
def _drawn_by(kind: type, figure: Figure, dpi: float) -> Iterator:
    """A canvas of that kind for a while; afterwards the figure has its own again."""
    before = figure.canvas, figure.dpi
    try:
        figure.dpi = dpi
        yield kind(figure)
    finally:
        figure.canvas, figure.dpi = before


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
