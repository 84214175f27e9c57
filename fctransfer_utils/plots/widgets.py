"""A slider above a figure: moved, it draws the figure again with the function that drew it the first time."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from ..errors import InputError

if TYPE_CHECKING:
    from ipywidgets import VBox

DPI = 100


def figure_slider(draw: Callable[[int], Figure], *, value: int, low: int, high: int, label: str) -> VBox:
    """A slider over the whole numbers ``low``..``high`` at ``value``, and below it the picture of ``draw(value)``.

    The picture is an image widget, not captured output: where a notebook is executed without a browser, capturing makes
    the client write to the kernel while it waits for it, and now and then it then waits for ever.
    """
    import ipywidgets

    if not low <= value <= high:
        raise InputError(f"{label} = {value} is outside {low}..{high}; begin in that range.")
    picture = ipywidgets.Image(value=png_of(draw(value)), format="png", layout={"max_width": "100%"})
    slider = ipywidgets.IntSlider(value=value, min=low, max=high, description=label, continuous_update=False)

    def redraw(change: dict) -> None:
        picture.value = png_of(draw(change["new"]))

    slider.observe(redraw, names="value")
    return ipywidgets.VBox([slider, picture])


def png_of(figure: Figure) -> bytes:
    """The figure as a PNG file in memory, without date and version."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return file.getvalue()
