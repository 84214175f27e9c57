"""Figures of what a study costs: its networks, what freezing saves, hardware, and more machines."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from .style import BLUE, GREY, ORANGE, PALE, TREATMENT_STYLE, VERMILLION, new_figure, settle, styled

HATCHES = {"AnB": "//", "AnB+": "//", "twice": "..", "random": "xx"}  # what is not learnt on the own half, in grey too


def work_of_studies(table: pd.DataFrame) -> Figure:
    """Stacked bars, one per study: operations by treatment. Columns ``study, treatment, networks, operations``."""
    with styled():
        figure, axes = new_figure(height=2.8)
        studies = list(dict.fromkeys(table["study"]))
        seen = set()
        for place, study in enumerate(studies):
            left = 0.0
            for row in table[table["study"] == study].itertuples():
                look = TREATMENT_STYLE[row.treatment]
                name = None if row.treatment in seen else look.label
                seen.add(row.treatment)
                axes.barh(
                    place, row.operations, left=left, color=look.colour, edgecolor="white", label=name,
                    hatch=HATCHES.get(row.treatment),
                )  # fmt: skip
                plate = {"facecolor": look.colour, "edgecolor": "none", "pad": 1.5}
                axes.text(left + row.operations / 2, place, str(row.networks), ha="center", va="center", color="white",
                          bbox=plate)  # fmt: skip
                left += row.operations
        axes.set_yticks(range(len(studies)), studies)
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("floating-point operations")
        figure.legend(loc="outside lower center", ncols=2)
        settle(figure)
    return figure


def work_by_cut(table: pd.DataFrame) -> Figure:
    """Operations of a network that copies n layers, base = 1. Columns ``treatment, n, forward, backward, share``."""
    with styled():
        figure, axes = new_figure(height=3.2)
        for treatment, rows in table.groupby("treatment", sort=False):
            look = TREATMENT_STYLE[treatment]
            axes.plot(
                rows["n"], rows["share"], color=look.colour, marker=look.marker, linestyle=look.line, label=look.label
            )
        frozen = table[table["treatment"] == "BnB"]
        axes.fill_between(
            frozen["n"], frozen["forward"], color=PALE, label="the forward pass alone, which no freezing saves"
        )
        axes.set_ylim(0, 1.1)
        axes.set_xlabel("n, copied layers")
        axes.set_ylabel("operations, base = 1")
        axes.legend(loc="center right")
        settle(figure)
    return figure


def measured_speeds(table: pd.DataFrame) -> Figure:
    """Measured against predicted images per second, one panel per network. Columns of ``analysis.scale.predicted``."""
    with styled():
        names = list(dict.fromkeys(zip(table["net"], table["image_size"], strict=True)))
        figure, panels = new_figure(1, len(names), height=3.2, squeeze=False)
        for axes, (net, side) in zip(panels[0], names, strict=True):
            rows = table[(table["net"] == net) & (table["image_size"] == side)]
            places = range(len(rows))
            axes.bar(places, rows["images_per_second"], color=BLUE, width=0.6, label="measured")
            axes.plot(places, rows["predicted"], color=VERMILLION, marker="_", markersize=22, markeredgewidth=2.5,
                      linestyle="none", label="by counting operations")  # fmt: skip
            axes.set_xticks(places, [f"{row.treatment}\nn = {row.n}" for row in rows.itertuples()])
            axes.set_title(f"{net.partition('-drop')[0]}\n{side} pixels")
            axes.set_ylabel("images per second")
        figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
        settle(figure)
    return figure


def hours_on_hardware(table: pd.DataFrame, *, one: str = "device") -> Figure:
    """Hours by arithmetic and by feeding on a logarithmic axis. Columns of ``analysis.scale.estimates``."""
    with styled():
        figure, axes = new_figure(height=3.0)
        places = range(len(table))
        axes.barh([p - 0.19 for p in places], table["arithmetic_hours"], height=0.36, color=BLUE, label="arithmetic")
        axes.barh([p + 0.19 for p in places], table["feeding_hours"], height=0.36, color=ORANGE, hatch="//",
                  edgecolor="white", label="reading and sending images")  # fmt: skip
        for place, row in zip(places, table.itertuples(), strict=True):
            axes.text(row.hours * 1.08, place, f"{row.hours:,.0f} h", va="center", color=GREY)
        axes.set_xscale("log")
        axes.set_yticks(places, table["device"])
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.set_xlim(right=table["hours"].max() * 4)
        axes.set_xlabel(f"hours of one {one} (estimate)")
        axes.legend(loc="lower right")
        settle(figure)
    return figure


def hours_by_workers(table: pd.DataFrame) -> Figure:
    """Hours until all is done against the number of devices. Columns ``workers, hours, ideal, shortest``."""
    with styled():
        figure, axes = new_figure(height=3.2)
        axes.plot(table["workers"], table["ideal"], color=GREY, linestyle=":", label="work divided by devices")
        axes.plot(table["workers"], table["hours"], color=BLUE, marker="o", label="with networks that wait for a donor")
        axes.axhline(table["shortest"].iloc[0], color=VERMILLION, linestyle="--", label="a base and one that copies it")
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(table["workers"], [str(count) for count in table["workers"]])
        axes.set_xlabel("devices")
        axes.set_ylabel("hours (estimate)")
        axes.legend()
        settle(figure)
    return figure
