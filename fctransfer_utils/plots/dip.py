"""The dip of BnB below base: test accuracy above, training loss below, one column per net and schedule."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..errors import InputError
from .style import BLACK, GREY, TREATMENT_STYLE, new_figure, say_missing, settle, styled

LABELS = {"top1": "Top-1 minus base\n(points)", "train_loss": "Training loss minus base\n(nats)"}
DODGE = 0.09
MOST_COLUMNS = 4


def dip_plot(effects: pd.DataFrame, *, names: dict[str, str] | None = None) -> Figure:
    """Each treatment minus base along n: top-1 above (lower is worse), training loss below (higher is worse).

    ``effects`` is ``analysis.dip.effects_of_dip``, one column per net and epochs. ``names`` replaces the title of a
    ``net``. Intervals are drawn where there are any; what was absent stands below.
    """
    if not len(effects):
        raise InputError("no effect to draw; the table holds no BnB, warm or stitch network with its base.")
    columns = list(dict.fromkeys(effects[["net", "epochs"]].itertuples(index=False, name=None)))
    if len(columns) > MOST_COLUMNS:
        raise InputError(f"{len(columns)} nets and schedules do not fit; select at most {MOST_COLUMNS} of them.")
    cuts = sorted(set(effects["n"]))
    present = [name for name in TREATMENT_STYLE if name in set(effects["treatment"])]
    with styled():
        width = 4.6 if len(columns) == 1 else 9.0
        figure, grid = new_figure(2, len(columns), height=5.6, width=width, sharex=True, sharey="row", squeeze=False)
        for place, (net, epochs) in enumerate(columns):
            mine = effects[(effects["net"] == net) & (effects["epochs"] == epochs)]
            for axes, value in zip(grid[:, place], LABELS, strict=True):
                _draw(axes, mine[mine["value"] == value], present)
            grid[0][place].set_title((names or {}).get(net) or _title(mine.iloc[0]), fontsize=10)
            grid[1][place].set_xticks(cuts)
            grid[1][place].set_xlim(cuts[0] - 0.5, cuts[-1] + 0.5)
        for axes, label in zip(grid[:, 0], LABELS.values(), strict=True):
            axes.set_ylabel(label)
        figure.supxlabel("n: layers copied and frozen", fontsize=10)
        _legend(figure, present)
        say_missing(figure, effects.attrs.get("missing", ()))
        settle(figure)
    return figure


def _title(row: pd.Series) -> str:
    norm = "With batch norm" if row["batch_norm"] else "Without batch norm"
    longer = "" if row["times"] == 1 else f" (x {row['times']:g})"
    return f"{norm}\n{row['epochs']} epochs{longer}"


def _draw(axes: Axes, rows: pd.DataFrame, present: list[str]) -> None:
    axes.axhline(0, color=BLACK, ls=TREATMENT_STYLE["base"].line, lw=1.3, zorder=2)
    drawn = False
    for place, name in enumerate(present):
        mine = rows[(rows["treatment"] == name)].dropna(subset="mean").sort_values("n")
        if not len(mine):
            continue
        drawn, look = True, TREATMENT_STYLE[name]
        x = mine["n"].to_numpy() + DODGE * (place - (len(present) - 1) / 2)
        axes.plot(x, mine["mean"], color=look.colour, ls=look.line, lw=1.5, zorder=3)
        axes.plot(x, mine["mean"], ls="", marker=look.marker, ms=look.size, color=look.colour, mec="white", mew=0.6,
                  zorder=5)  # fmt: skip
        bounded = mine[["low", "high"]].notna().all(axis=1).to_numpy()
        if bounded.any():
            reach = np.abs([mine["mean"] - mine["low"], mine["high"] - mine["mean"]])[:, bounded]
            axes.errorbar(x[bounded], mine["mean"][bounded], reach, fmt="none", ecolor=look.colour, elinewidth=1.4,
                          capsize=2.5, zorder=3)  # fmt: skip
    if not drawn:
        axes.text(0.5, 0.5, "nothing to compare", transform=axes.transAxes, ha="center", color=GREY, style="italic")


def _legend(figure: Figure, present: list[str]) -> None:
    looks = [TREATMENT_STYLE[name] for name in present]
    handles = [
        Line2D([], [], color=look.colour, ls=look.line, marker=look.marker, ms=look.size, label=look.label)
        for look in looks
    ]
    handles.append(Line2D([], [], color=BLACK, ls=TREATMENT_STYLE["base"].line, label="base of the same target"))
    figure.legend(handles=handles, loc="outside upper left", ncols=2, handlelength=3.0)
