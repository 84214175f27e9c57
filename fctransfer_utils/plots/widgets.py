"""Controls above a figure: moved, they draw it again with the function that drew it the first time.

All are ipywidgets' own sliders and buttons: Tab goes to them, the arrow keys move a slider, Enter presses a button.
There are no menus, since in JupyterLab the arrow keys do not reach one but go to the next cell.
"""

from __future__ import annotations

import gc
import html
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from ..errors import InputError, unknown
from ..optional import need
from . import save

if TYPE_CHECKING:
    from ipywidgets import VBox, Widget

DPI = 100
REMEMBERED = 200  # pictures
SLIDER, BUTTONS = "slider", "buttons"
NEEDED = "a control that moves a picture"


@dataclass(frozen=True)
class Control:
    """One control: the argument of the drawing function that it sets, the values it may take, and its words.

    ``options`` are the values, or {words: value}; ``kind`` is "slider" (ordered values) or "buttons". ``help``
    is shown under the mouse. Raises InputError for an unknown kind, no option, and a first value outside of them.
    """

    name: str
    label: str
    options: Sequence[Any] | Mapping[str, Any]
    value: Any
    kind: str = SLIDER
    help: str = ""

    def __post_init__(self) -> None:
        if self.kind not in (SLIDER, BUTTONS):
            raise unknown("kind of control", self.kind, (SLIDER, BUTTONS))
        if not self.label.strip():
            raise InputError(f"the control of {self.name!r} has no label; say what it moves.")
        if not self.values:
            raise InputError(f"{self.label} has nothing to choose from; give at least one option.")
        if self.value in self.values:
            return
        if isinstance(self.options, range):
            low, high = self.values[0], self.values[-1]
            raise InputError(f"{self.label} = {self.value} is outside {low}..{high}; begin in that range.")
        raise unknown(f"value of {self.label}", self.value, self.values)

    @property
    def values(self) -> tuple[Any, ...]:
        """Everything that it can be set to."""
        return tuple(self.options.values() if isinstance(self.options, Mapping) else self.options)

    def widget(self) -> Widget:
        """The control itself, with a label that is never cut off."""
        ipywidgets = need("ipywidgets", NEEDED)
        common = {
            "value": self.value,
            "description": self.label,
            "tooltip": self.help or self.label,
            "style": {"description_width": "initial"},
        }
        if self.kind == SLIDER and isinstance(self.options, range) and self.options.step == 1:
            low, high = self.values[0], self.values[-1]
            return ipywidgets.IntSlider(min=low, max=high, continuous_update=False, **common)
        named = self.options if isinstance(self.options, Mapping) else {str(value): value for value in self.options}
        common["options"] = list(named.items())
        if self.kind == SLIDER:
            return ipywidgets.SelectionSlider(continuous_update=False, **common)
        common["style"] = {**common["style"], "button_width": "auto"}  # as wide as its words
        return ipywidgets.ToggleButtons(**common)


def explorer(
    draw: Callable[..., Figure],
    controls: Sequence[Control],
    *,
    tell: Callable[..., str] | None = None,
    cite: Callable[..., Sequence[str]] | None = None,
) -> VBox:
    """The controls in a row, and below them the picture of ``draw(name=value, ...)`` for what they are set to.

    ``tell`` says the same in words, for those who cannot see the picture: below it, and as its alternative text.
    ``cite`` gives lines that are folded away below the words. A picture that was shown before is not drawn again.

    The picture is an image widget, not captured output: where a notebook is executed without a browser, capturing makes
    the client write to the kernel while it waits for it, and now and then it then waits for ever. Raises InputError for
    no control and for two of one name.
    """
    ipywidgets = need("ipywidgets", NEEDED)
    names = [control.name for control in controls]
    if not names:
        raise InputError("there is nothing to move; give at least one control.")
    if len(set(names)) < len(names):
        raise InputError(f"two controls set the same argument ({', '.join(names)}); give each its own.")
    moved = {control.name: control.widget() for control in controls}
    picture = ipywidgets.Image(format="png", layout={"max_width": "100%"})
    # the browser's side of a picture stops at a tooltip unless there is a description, which this widget lacks
    picture.add_traits(description=need("traitlets", NEEDED).Unicode("").tag(sync=True))
    words = ipywidgets.HTML()
    seen: dict[tuple, bytes] = {}

    def show(_: Any = None) -> None:
        start = time.perf_counter()
        chosen = {name: widget.value for name, widget in moved.items()}
        key = tuple(chosen.values())
        if key not in seen:
            while len(seen) >= REMEMBERED:
                del seen[next(iter(seen))]
            with _young_swept():
                seen[key] = png_of(draw(**chosen))
        picture.value = seen[key]
        if tell is not None:
            told = tell(**chosen)
            picture.tooltip = told
            words.value = _words(
                told, cite(**chosen) if cite else (), milliseconds=1000 * (time.perf_counter() - start)
            )

    show()
    _set_aside()
    for widget in moved.values():
        widget.observe(show, names="value")
    row = ipywidgets.HBox(list(moved.values()), layout={"flex_flow": "row wrap"})
    return ipywidgets.VBox([row, picture, words] if tell is not None else [row, picture])


def figure_slider(draw: Callable[[int], Figure], *, value: int, low: int, high: int, label: str) -> VBox:
    """A slider over the whole numbers ``low``..``high`` at ``value``, and below it the picture of ``draw(value)``."""
    return explorer(lambda value: draw(value), [Control("value", label, range(low, high + 1), value)])


def reactions(box: VBox) -> list[float]:
    """Milliseconds from each change of a control to its new picture, with every control at all its values in turn.

    It moves the controls of an ``explorer`` one after the other and puts each back where it was.
    """
    taken = []
    for widget in box.children[0].children:
        first = widget.value
        for value in _values_of(widget):
            start = time.perf_counter()
            widget.value = value
            taken.append(1000 * (time.perf_counter() - start))
        widget.value = first
    return taken


def png_of(figure: Figure) -> bytes:
    """The picture of a control: a PNG file in memory, packed quickly, not small."""
    return save.png_of(figure, dpi=DPI, compress_level=1)


@cache
def _set_aside() -> None:
    """Take all objects that exist now out of the garbage collector's rounds, once per process.

    With torch imported a full round takes 0.3 s, now and then in the middle of a reaction. What exists now lasts
    anyway.
    """
    gc.collect()
    gc.freeze()


@contextmanager
def _young_swept() -> Iterator[None]:
    """Free a figure at once: it is a ring of some thousand objects, which only a round of the collector finds.

    Without rounds in between they are all of the youngest generation at the end, and sweeping that takes milliseconds.
    """
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()
        gc.collect(0)


def _words(told: str, cited: Sequence[str], *, milliseconds: float) -> str:
    """HTML that a screen reader reads out when it changes; what is cited opens with Enter."""
    folded = ""
    if cited:
        lines = "<br>".join(map(html.escape, cited))
        folded = f"<details><summary>Evidence: {len(cited)} rows</summary><code>{lines}</code></details>"
    took = f'<small style="color: #666666">redrawn in {milliseconds:.0f} ms</small>'
    return f'<p role="status" aria-live="polite">{html.escape(told)}</p>{folded}{took}'


def _values_of(widget: Widget) -> list[Any]:
    if hasattr(widget, "options"):
        return [value for _, value in widget.options]
    return list(range(widget.min, widget.max + 1))
