"""What a notebook puts under a cell: lines, tables, pictures with captions. Outside a notebook, plain text."""

from __future__ import annotations

import base64
import html
import io
import re
import sys
import textwrap
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PICTURE_DPI = 100
PALETTE = 256
NOTE = {"fctransfer": "note"}
"""Metadata of an output that tells of one run on one machine."""
COLUMNS = 100
"""Characters in a line of output that fit a page of JupyterLab; it breaks longer ones inside words."""


def line(text: str) -> None:
    """One line of text; in a notebook, where it is too long for a page, several, broken between words."""
    sys.stdout.write(f"{_wrapped(text) if in_notebook() else text}\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """A line about this run alone (which workers train, whom it waits for), which no committed notebook keeps."""
    _moving({"text/plain": _wrapped(text)}, NOTE, None)


def table(
    frame: pd.DataFrame,
    *,
    caption: str = "",
    formats: Mapping[str, str | Callable[[Any], str]] | None = None,
    index: bool = False,
) -> None:
    """A table: HTML in a notebook, text elsewhere; the same bytes for the same values.

    ``formats`` maps a column to a format such as ``"{:.1f}"`` or to a function; empty cells stay empty.
    """
    shown = frame.copy()
    for name, wanted in (formats or {}).items():
        write = wanted.format if isinstance(wanted, str) else wanted
        shown[name] = [("" if _empty(value) else write(value)) for value in frame[name]]
    words = [place for place, name in enumerate(frame) if _is_words(frame[name]) and name not in (formats or {})]
    shown = shown.astype(object).where(shown.notna(), "")
    title = f"<p><em>{html.escape(caption)}</em></p>\n" if caption else ""
    plain = f"{caption}\n" if caption else ""
    # show whole sentences in a narrow page instead of cutting them at 50 characters
    with _wide():
        page = shown.to_html(index=index, border=0, justify="right")
        # neither a cut nor a count is torn apart where a cell is narrow
        page = re.sub(r"(\d) (?=pairs?\b)", r"\1&nbsp;", re.sub(r"\bn = (?=\d)", "n&nbsp;=&nbsp;", page))
        _display(
            {
                "text/html": title + _words_left(page, words, before=int(index)),
                "text/plain": plain + shown.to_string(index=index),
            }
        )


def figure(fig: Figure, *, caption: str) -> None:
    """The figure once, as a picture whose alternative text is the caption, and the caption below it."""
    png(picture_of(fig), alt=caption, plain=f"[figure] {caption}")
    markdown(f"*{caption}*")


def picture_of(fig: Figure) -> bytes:
    """The figure as a small PNG for the width of a notebook; pyplot forgets it."""
    from ..plots.save import png_of

    picture = png_of(fig, dpi=PICTURE_DPI)
    _close(fig)
    return small(picture)


def png(picture: bytes, *, alt: str, plain: str, handle: Any = None, moves: bool = False) -> Any:
    """A picture with its alternative text; ``plain`` stands for it where no picture can be shown.

    One that ``moves`` returns a handle; given that of an earlier call, this picture takes its place.
    """
    bundle, metadata = {"image/png": picture, "text/plain": plain}, {"image/png": {"alt": alt}}
    return _moving(bundle, metadata, handle) if moves else _display(bundle, metadata)


def small(picture: bytes) -> bytes:
    """A PNG with a palette of at most 256 colours: a third of the bytes, and a notebook stays quick to open."""
    from PIL import Image

    reduced = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(PALETTE, dither=Image.Dither.NONE).save(reduced, "PNG", optimize=True)
    return min(reduced.getvalue(), picture, key=len)


def markdown(text: str) -> None:
    """Formatted text."""
    _display({"text/markdown": text, "text/plain": text})


def progress(text: str, share: float, *, handle: Any = None, told: bool = False) -> Any:
    """A bar at ``share`` (0..1) with ``text`` beside it; given the handle of an earlier call, that bar moves.

    It is one output that changes, so a saved notebook holds its last state only. Where a runner executes the notebook,
    it passes on the texts that are to be ``told``.
    """
    if not in_notebook():
        return None
    bar = f'<progress value="{share:.4f}" max="1" style="vertical-align: middle"></progress> {html.escape(text)}'
    return _moving({"text/html": bar, "text/plain": text}, {"fctransfer": "told" if told else "progress"}, handle)


def widget(control: Any, text: str) -> Any:
    """A control of ipywidgets, and ``text`` where it cannot be shown; the handle is for ``replaced``."""
    return _moving({**control._repr_mimebundle_(), "text/plain": text}, {}, None)


def replaced(handle: Any, text: str) -> None:
    """Put a line of text where the output of ``handle`` was."""
    handle.update({"text/plain": text}, raw=True)


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this code."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def _wrapped(text: str) -> str:
    how = {"break_long_words": False, "break_on_hyphens": False, "replace_whitespace": False}
    return "\n".join("\n".join(textwrap.wrap(each, COLUMNS, **how)) for each in text.split("\n"))


def _display(bundle: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
    if not in_notebook():
        line(bundle["text/plain"])
        return
    from IPython.display import display

    display(_ready(bundle), raw=True, metadata=metadata or {})


def _moving(bundle: dict[str, Any], metadata: dict[str, Any], handle: Any) -> Any:
    """Display ``bundle``, or put it in the place of what ``handle`` shows; returns the handle."""
    if handle is not None:
        handle.update(_ready(bundle), raw=True, metadata=metadata)
        return handle
    from IPython.display import DisplayHandle

    handle = DisplayHandle()
    handle.display(_ready(bundle), raw=True, metadata=metadata)
    return handle


def _ready(bundle: dict[str, Any]) -> dict[str, Any]:
    """Bytes as base64, which is what a notebook's file holds."""
    return {
        name: base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value
        for name, value in bundle.items()
    }


def _close(fig: Figure) -> None:
    """Keep the notebook from drawing the figure a second time at the end of the cell."""
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(fig)


def _is_words(column: pd.Series) -> bool:
    return any(isinstance(value, str) for value in column)


def _words_left(page: str, columns: Collection[int], *, before: int = 0) -> str:
    """``page`` with the heads and cells of these columns aligned left; readers of notebooks align everything right.

    ``before`` heads stand over the index.
    """

    def left(tag: str, text: str, *, before: int = 0) -> str:
        first, *cells = text.split(f"<{tag}>")
        chosen = [place - before in columns for place in range(len(cells))]
        return first + "".join(
            (f'<{tag} style="text-align: left">' if words else f"<{tag}>") + cell
            for words, cell in zip(chosen, cells, strict=True)
        )

    page = re.sub(r"<thead>.*?</thead>", lambda found: left("th", found[0], before=before), page, flags=re.DOTALL)
    return re.sub(r"<tr>.*?</tr>", lambda found: left("td", found[0]), page, flags=re.DOTALL)


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _wide() -> Any:
    import pandas as pd

    return pd.option_context("display.max_colwidth", None, "display.width", 200)
