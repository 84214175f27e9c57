"""The scheme of Figure 1: where each layer of each network comes from, and which layers are frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Arc, FancyBboxPatch, Patch, Rectangle

from ..errors import InputError, unknown
from .style import BLACK, GREY, ORIGIN_COLOUR, WIDTH, settle, styled

ORIGINS = {"A": "copied from base A", "B": "copied from base B", "new": "drawn afresh"}


def surgery_scheme(networks: Mapping[str, Sequence[Mapping[str, Any]]], *, learns: Mapping[str, str] = {}) -> Figure:
    """A row of boxes per network, a box per layer.

    ``networks`` maps a name ("AnB, n = 3") to its layers, each ``{"layer": "conv1", "origin": "A" | "B" | "new",
    "frozen": bool, "shape": (24, 3, 5, 5)}``. ``learns`` says what each network is trained on ("B"), at the right end.
    Raises InputError for an unknown origin and for networks of different lengths.
    """
    _check(networks)
    layers = [layer["layer"] for layer in next(iter(networks.values()))]
    with styled():
        figure = Figure(figsize=(WIDTH, 1.15 + 0.62 * len(networks)))
        axes = figure.subplots()
        left = -0.12 * max(len(name) for name in networks) - 0.25
        axes.set_xlim(left, len(layers) + 0.75)
        axes.set_ylim(len(networks) - 0.45, -0.75)
        axes.set_axis_off()
        for place, name in enumerate(layers):
            axes.text(place + 0.45, -0.58, name, ha="center", va="center", fontsize=9, fontweight="bold")
        for row, (name, boxes) in enumerate(networks.items()):
            axes.text(-0.15, row, name, ha="right", va="center", fontsize=10)
            for place, box in enumerate(boxes):
                _box(axes, place, row, box)
                if place:
                    axes.plot([place - 0.07, place + 0.03], [row, row], color=GREY, lw=1, zorder=1)
            if learns and name in learns:
                axes.text(len(layers) + 0.02, row, f"learns {learns[name]}", va="center", fontsize=9, color=GREY)
        _legend(figure, networks)
        settle(figure)
    return figure


def _check(networks: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    if not networks:
        raise InputError("no networks to draw; name at least one.")
    lengths = {name: len(boxes) for name, boxes in networks.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"networks of different lengths ({lengths}); draw networks of one architecture together.")
    for boxes in networks.values():
        for box in boxes:
            if box["origin"] not in ORIGINS:
                raise unknown("origin", box["origin"], ORIGINS)


def _box(axes: Axes, place: int, row: int, box: Mapping[str, Any]) -> None:
    edge = {"ec": GREY, "lw": 2.0 if box["frozen"] else 1.0}
    shape = FancyBboxPatch((place + 0.05, row - 0.27), 0.82, 0.54, "round,pad=0,rounding_size=0.06", **edge)
    shape.set(facecolor=ORIGIN_COLOUR[box["origin"]], zorder=2)
    axes.add_patch(shape)
    axes.text(place + 0.13, row - 0.1, box["origin"], va="center", fontsize=9, fontweight="bold", zorder=3)
    axes.text(place + 0.46, row + 0.13, _size(box.get("shape")), ha="center", va="center", fontsize=7, zorder=3)
    if box["frozen"]:
        _lock(axes, place + 0.72, row - 0.09)


def _size(shape: Sequence[int] | None) -> str:
    """The shape of a layer's weights: 24x3x5x5."""
    return "" if not shape else "×".join(str(side) for side in shape)


def _lock(axes: Axes, x: float, y: float) -> None:
    """A padlock of about 0.14 layers: body and shackle."""
    axes.add_patch(Rectangle((x - 0.07, y - 0.03), 0.14, 0.15, fc=BLACK, ec="none", zorder=4))
    axes.add_patch(Arc((x, y - 0.03), 0.1, 0.2, theta1=180, theta2=360, color=BLACK, lw=1.5, zorder=4))


def _legend(figure: Figure, networks: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    present = {box["origin"] for boxes in networks.values() for box in boxes}
    handles = [Patch(fc=ORIGIN_COLOUR[o], ec=GREY, label=f"{o}: {text}") for o, text in ORIGINS.items() if o in present]
    if any(box["frozen"] for boxes in networks.values() for box in boxes):
        handles.append(Patch(fc="white", ec=GREY, lw=2.0, label="thick border, padlock: frozen"))
    figure.legend(handles=handles, loc="outside upper left", ncols=4)
