"""What a notebook puts under a cell: lines, tables, pictures with captions. Outside a notebook, plain text."""

from __future__ import annotations

import html
import io
import re
import sys
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PICTURE_DPI = 100
PALETTE = 256


def line(text: str) -> None:
    """One line of text."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


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
        _display(
            {
                "text/html": title + _words_left(shown.to_html(index=index, border=0, justify="left"), words),
                "text/plain": plain + shown.to_string(index=index),
            }
        )


def figure(fig: Figure, *, caption: str) -> None:
    """The figure once, as a picture whose alternative text is the caption, and the caption below it."""
    picture = io.BytesIO()
    fig.savefig(picture, format="png", dpi=PICTURE_DPI, metadata={"Software": None})
    _close(fig)
    png(small(picture.getvalue()), alt=caption, plain=f"[figure] {caption}")
    markdown(f"*{caption}*")


def png(picture: bytes, *, alt: str, plain: str) -> None:
    """A picture with its alternative text; ``plain`` stands for it where no picture can be shown."""
    _display({"image/png": picture, "text/plain": plain}, metadata={"image/png": {"alt": alt}})


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
    bundle, metadata = {"text/html": bar, "text/plain": text}, {"fctransfer": "told" if told else "progress"}
    if handle is None:
        from IPython.display import DisplayHandle

        handle = DisplayHandle()
        handle.display(bundle, raw=True, metadata=metadata)
    else:
        handle.update(bundle, raw=True, metadata=metadata)
    return handle


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this code."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def _display(bundle: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
    if not in_notebook():
        line(bundle["text/plain"])
        return
    import base64

    from IPython.display import display

    ready = {
        name: base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value
        for name, value in bundle.items()
    }
    display(ready, raw=True, metadata=metadata or {})


def _close(fig: Figure) -> None:
    """Keep the notebook from drawing the figure a second time at the end of the cell."""
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(fig)


def _is_words(column: pd.Series) -> bool:
    return any(isinstance(value, str) for value in column)


def _words_left(page: str, columns: Collection[int]) -> str:
    """``page`` with the cells of these columns aligned left, since readers of notebooks align every cell right."""

    def row(match: re.Match[str]) -> str:
        cells = match.group(0).split("<td>")
        joints = ['<td style="text-align: left">' if place in columns else "<td>" for place in range(len(cells) - 1)]
        return cells[0] + "".join(joint + cell for joint, cell in zip(joints, cells[1:], strict=True))

    return re.sub(r"<tr>.*?</tr>", row, page, flags=re.DOTALL)


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _wide() -> Any:
    import pandas as pd

    return pd.option_context("display.max_colwidth", None, "display.width", 200)
