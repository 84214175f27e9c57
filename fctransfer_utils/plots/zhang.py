"""Table 2 of Zhang et al. (2017) redrawn: what FC layers bring on each target, with the errors that it lacks."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from .style import BLACK, BLUE, GREEN, GREY, VERMILLION, Look, new_figure, settle, styled

NETWORK_STYLE = {
    "VGG-16, fine-tune": Look(GREEN, "^", "", "VGG-16, fine-tuned"),
    "VGG-16, frozen": Look(VERMILLION, "s", "", "VGG-16, convolutions frozen"),
    "ResNet-50, fine-tune": Look(BLUE, "o", "", "ResNet-50, fine-tuned"),
}


def table2(gaps: pd.DataFrame) -> Figure:
    """With minus without FC by target, near to far, from ``analysis.zhang.paper_gaps``: whole, and enlarged.

    Left: with 95 % intervals of two independent binomial shares. Right: the differences alone, on a scale on which
    they can be read.
    """
    names = gaps.sort_values("place")["dataset"].drop_duplicates().tolist()
    with styled():
        figure, (left, right) = new_figure(1, 2, height=4.2, width_ratios=(1.15, 1))
        for axes in (left, right):
            axes.axhline(0, color=BLACK, lw=1.0)
            for number, (network, look) in enumerate(NETWORK_STYLE.items()):
                part = gaps[gaps["network"] == network]
                x = part["place"] + 0.2 * (number - 1)
                if axes is left:
                    axes.vlines(x, part["low"], part["high"], color=look.colour, lw=1.6)
                axes.plot(x, part["difference"], ls="", marker=look.marker, color=look.colour, label=look.label, ms=7)
            axes.axvline(0.5, color=GREY, lw=0.8, ls=(0, (4, 3)))
            axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
            axes.set_xlim(-0.6, len(names) - 0.4)
        left.set_title("With 95 % intervals (images assumed)")
        right.set_title("The differences alone, enlarged")
        left.set_ylabel("With minus without FC (points)")
        right.text(0.53, right.get_ylim()[1], " far", va="top", color=GREY)
        right.text(0.47, right.get_ylim()[1], "near ", va="top", ha="right", color=GREY)
        figure.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=3)
        settle(figure)
    return figure
