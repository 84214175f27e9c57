"""FC layers against GAP: the arms as a scheme, top-1 by target, and what arm B gains over A against distance."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from ..analysis.fc import ARMS, FAR, FINE, GROUPS, MAIN, NEAR, OTHER, VIEWS, plain_target
from ..errors import InputError
from .style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE_BLUE,
    PALE_RED,
    PURPLE,
    SKY,
    VERMILLION,
    Look,
    new_figure,
    settle,
    styled,
)

ARM_STYLE = {
    "A": Look(BLACK, "o", (0, (5, 2)), "A: GAP"),
    "B": Look(VERMILLION, "s", "-", "B: flatten, hidden FC"),
    "C": Look(ORANGE, "^", (0, (4, 1.5)), "C: GAP, hidden FC"),
    "D": Look(SKY, "D", (0, (2, 1)), "D: flatten, no hidden FC"),
    "E": Look(PURPLE, "v", (0, (1, 1)), "E: more convolutions, GAP"),
}
PROTOCOL_STYLE = {
    "P1": Look(BLUE, "o", "-", "P1: equal linear probe on the frozen trunk"),
    "P2": Look(VERMILLION, "s", (0, (5, 1.5)), "P2: trunk frozen, own head learns (the paper's -fix)"),
    "P3": Look(GREEN, "^", (0, (1.5, 1)), "P3: everything fine-tuned"),
}
GROUP_WORDS = {"near": "near", "far": "far", "views": "other views", "fine": "fine-grained", OTHER: "other"}
BOXES = {
    "A": (("GAP", "pool"), ("fc8", "last")),
    "B": (("max pool, flatten", "pool"), ("fc6", "fc"), ("fc7", "fc"), ("fc8", "last")),
    "C": (("GAP", "pool"), ("fc6", "fc"), ("fc7", "fc"), ("fc8", "last")),
    "D": (("max pool, flatten", "pool"), ("fc8", "last")),
    "E": (("conv6", "conv"), ("conv7", "conv"), ("GAP", "pool"), ("fc8", "last")),
}
FACE = {"conv": PALE_BLUE, "fc": PALE_RED, "pool": "#FFFFFF", "last": "#DDDDDD"}
WIDE_BOX = {"max pool, flatten": 1.75}
KNOWN_TARGETS = (*NEAR, *VIEWS, *FINE, *FAR)


def arms_scheme() -> Figure:
    """The five arms as rows of boxes behind the trunk that they share, with what each of them isolates."""
    with styled():
        figure, axes = new_figure(height=3.1)
        for row, arm in enumerate(ARMS):
            place = 0.0
            for name, kind in (("conv1 to conv5", "conv"), *BOXES[arm]):
                width = WIDE_BOX.get(name, 1.55 if name.startswith("conv1") else 0.78)
                look = {"hatch": "//"} if kind == "last" else {}
                axes.add_patch(Rectangle((place, row - 0.33), width, 0.66, fc=FACE[kind], ec=GREY, lw=1.0, **look))
                box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8} if look else None
                axes.text(place + width / 2, row, name, ha="center", va="center", fontsize=9, bbox=box)
                place += width + 0.14
        axes.set_xlim(-0.1, 7.2)
        axes.set_ylim(len(ARMS) - 0.4, -0.6)
        axes.set_yticks(range(len(ARMS)), list(ARMS), fontsize=11, fontweight="bold")
        axes.set_xticks([])
        axes.grid(visible=False)
        axes.tick_params(length=0)
        axes.spines[["left", "bottom"]].set_visible(False)
        handles = [
            Patch(fc=FACE["conv"], ec=GREY, label="convolution"),
            Patch(fc=FACE["fc"], ec=GREY, label="hidden FC layer"),
            Patch(fc=FACE["pool"], ec=GREY, label="pooling"),
            Patch(fc=FACE["last"], ec=GREY, hatch="//", label="last layer, drawn anew on every target"),
        ]
        figure.legend(handles=handles, loc="outside upper left", ncols=4)
        settle(figure)
    return figure


def top1_by_target(table: pd.DataFrame, distances: pd.DataFrame | None = None) -> Figure:
    """Top-1 of the arms on every target: a column per main protocol, a row per number of labels per class.

    ``table`` is ``analysis.fc_effects.top1_table``; targets go from near to far by the measured ``distances``
    (``target_set, domain``). Bars are 95 % intervals over the seeds.
    """
    shown = table[table["protocol"].isin(MAIN)]
    if not len(shown):
        raise InputError("no network of P1, P2 or P3 to draw; train more of the study 'fc'.")
    names, counts = _order(shown, distances), sorted(set(shown["labels_per_class"]))
    arms = [arm for arm in ARMS if arm in set(shown["arm"])]
    with styled():
        figure, grid = new_figure(
            len(counts), len(MAIN), height=1.7 + 2.0 * len(counts), sharex=True, sharey="row", squeeze=False
        )
        for line, labels in zip(grid, counts, strict=True):
            for axes, protocol in zip(line, MAIN, strict=True):
                part = shown[(shown["protocol"] == protocol) & (shown["labels_per_class"] == labels)]
                for number, arm in enumerate(arms):
                    for row in part[part["arm"] == arm].itertuples():
                        x = names.index(row.target_set) + 0.15 * (number - (len(arms) - 1) / 2)
                        _point(axes, x, row, ARM_STYLE[arm], scale=100)
                for x in range(len(names) - 1):
                    axes.axvline(x + 0.5, color="#EEEEEE", lw=0.8, zorder=0)
                axes.set_xlim(-0.6, len(names) - 0.4)
                axes.set_title(f"{protocol}, {labels} labels per class", fontsize=10)
            line[0].set_ylabel("Top-1 (%)")
        for axes in grid[-1]:
            axes.set_xticks(range(len(names)), [plain_target(name) for name in names], rotation=45, ha="right")
        _arm_legend(figure, arms)
        settle(figure)
    return figure


def gaps(table: pd.DataFrame, distances: pd.DataFrame | None = None) -> Figure:
    """What arm B gains over A on every target and number of labels, from ``analysis.fc_effects.gap_by_target``.

    A panel per protocol; targets by group, within it from near to far. Bars are 95 % intervals over the seeds; numbers
    in brackets count them. Open markers: one number of labels; filled, above them beside the name: their mean (0).
    """
    shown = table[table["count"] > 0]
    if not len(shown):
        raise InputError("no pair of arms A and B to compare; train more of the study 'fc'.")
    order = [*GROUPS, OTHER]
    ranks = {name: place for place, name in enumerate(_order(shown, distances))}
    names = sorted(ranks, key=lambda name: (order.index(_group(shown, name)), ranks[name]))
    lines = [(name, labels) for name in names for labels in sorted(set(shown["labels_per_class"]))]
    lines = [line for line in lines if len(_rows(shown, *line))]
    protocols = [name for name in MAIN if name in set(shown["protocol"])]
    with styled():
        figure, grid = new_figure(
            1, len(protocols), height=1.4 + 0.21 * len(lines), sharey=True, sharex=True, squeeze=False
        )
        for axes, protocol in zip(grid[0], protocols, strict=True):
            axes.axvline(0, color=BLACK, lw=1.0)
            look, mine = PROTOCOL_STYLE[protocol], shown[shown["protocol"] == protocol]
            for place, line in enumerate(lines):
                for row in _rows(mine, *line).itertuples():
                    _bar(axes, row, place, look, filled=row.labels_per_class == 0)
            axes.set_title(protocol)
            axes.grid(axis="x")
            axes.grid(visible=False, axis="y")
            axes.set_xlabel("B minus A (points)")
        largest = shown.groupby(["target_set", "labels_per_class"])["count"].max()
        words = [_line_words(name, labels, largest[name, labels]) for name, labels in lines]
        grid[0][0].set_yticks(range(len(lines)), words)
        grid[0][0].set_ylim(len(lines) - 0.4, -0.6)
        _group_rules(grid[0], [_group(shown, name) for name, _ in lines])
        settle(figure)
    return figure


def against_distance(table: pd.DataFrame, slopes: pd.DataFrame | None = None) -> Figure:
    """What arm B gains over A against the measured distance of the target, one line per protocol.

    ``table`` is ``analysis.fc_effects.by_distance``. Filled markers: targets that the authors' order calls near or far;
    open: views and fine-grained ones. Bars are 95 % intervals over the seeds; the line is the least-squares one through
    the means, and ``slopes`` (``protocol, mean, low, high``) puts its slope per unit of distance into the legend.
    """
    shown = table[table["count"] > 0]
    if not len(shown):
        raise InputError("no target with a measured distance and both arms; train more of the study 'fc'.")
    protocols = [name for name in MAIN if name in set(shown["protocol"])]
    spread = max(float(shown["domain"].max() - shown["domain"].min()), 0.1)
    with styled():
        figure, axes = new_figure(height=5.6)
        axes.axhline(0, color=BLACK, lw=1.0)
        handles = []
        for number, protocol in enumerate(protocols):
            look, part = PROTOCOL_STYLE[protocol], shown[shown["protocol"] == protocol]
            shift = 0.008 * spread * (number - (len(protocols) - 1) / 2)
            for row in part.itertuples():
                _point(axes, row.domain + shift, row, look, filled=row.group in ("near", "far"))
            ends = _fitted(part)
            if ends:
                axes.plot(*ends, color=look.colour, ls=look.line, lw=1.6, zorder=2)
            handles.append(_handle(look, look.label + _slope_words(slopes, protocol)))
        handles.append(Line2D([], [], ls="", marker="o", color=GREY, mfc="white", label="open: views, fine-grained"))
        axes.set_xlabel("measured distance of the target (proxy A-distance on conv5, 0 to 2)")
        axes.set_ylabel("B minus A: gain of FC (points)")
        _name_targets(axes, shown)
        figure.legend(handles=handles, loc="outside upper left")
        settle(figure)
    return figure


def _name_targets(axes: Axes, shown: pd.DataFrame) -> None:
    """The names along the top edge, turned, each over its distance; the group in brackets."""
    from .style import apart

    ends = shown.groupby("target_set")[["domain", "group", "plain"]].first().sort_values("domain")
    span = max(float(ends["domain"].max() - ends["domain"].min()), 0.1)
    axes.set_xlim(ends["domain"].min() - 0.06 * span, ends["domain"].max() + 0.06 * span)
    places = apart(list(ends["domain"]), 0.036 * span)
    for row, place in zip(ends.itertuples(), places, strict=True):
        axes.annotate(
            f"{row.plain} ({GROUP_WORDS[row.group]})", xy=(row.domain, 1.0), xytext=(place, 1.05), rotation=35,
            xycoords=("data", "axes fraction"), textcoords=("data", "axes fraction"), fontsize=8.5, color=GREY,
            ha="left", va="bottom", annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": GREY, "lw": 0.6, "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip


def _fitted(part: pd.DataFrame) -> tuple[list[float], list[float]] | None:
    away = part["domain"] - part["domain"].mean()
    spread = float((away**2).sum())
    if len(part) < 2 or spread < 1e-6:
        return None
    slope, middle = float((away * part["mean"]).sum() / spread), float(part["mean"].mean())
    ends = [float(part["domain"].min()), float(part["domain"].max())]
    return ends, [middle + slope * (x - float(part["domain"].mean())) for x in ends]


def _slope_words(slopes: pd.DataFrame | None, protocol: str) -> str:
    rows = slopes[slopes["protocol"] == protocol] if slopes is not None else ()
    if not len(rows) or not rows["count"].iloc[0]:
        return ""
    row = rows.iloc[0]
    bounds = f" [{row['low']:+.1f}, {row['high']:+.1f}]" if pd.notna(row["low"]) else ""
    return f"; slope {row['mean']:+.1f}{bounds} points"


def _order(table: pd.DataFrame, distances: pd.DataFrame | None) -> list[str]:
    names = set(table["target_set"])
    if distances is not None and len(distances):
        far = distances.groupby("target_set")["domain"].mean()
        return sorted(names, key=lambda name: (far.get(name, float("inf")), name))
    known = {name: place for place, name in enumerate(KNOWN_TARGETS)}
    return sorted(names, key=lambda name: (known.get(plain_target(name), len(known)), name))


def _point(axes: Axes, x: float, row, look: Look, *, scale: float = 1, filled: bool = True) -> None:
    if pd.notna(row.low):
        axes.plot([x, x], [scale * row.low, scale * row.high], color=look.colour, lw=1.3, zorder=3)
    face = look.colour if filled else "white"
    axes.plot(x, scale * row.mean, marker=look.marker, color=look.colour, mfc=face, ms=5 if scale > 1 else 7, zorder=4)


def _bar(axes: Axes, row, place: float, look: Look, *, filled: bool) -> None:
    if pd.notna(row.low):
        axes.plot([row.low, row.high], [place, place], color=look.colour, lw=2.2 if filled else 1.2, zorder=3)
    face = look.colour if filled else "white"
    axes.plot(row.mean, place, marker=look.marker, color=look.colour, mfc=face, ms=6.5 if filled else 5, zorder=4)


def _rows(table: pd.DataFrame, name: str, labels: int) -> pd.DataFrame:
    return table[(table["target_set"] == name) & (table["labels_per_class"] == labels)]


def _group(table: pd.DataFrame, name: str) -> str:
    return table.loc[table["target_set"] == name, "group"].iloc[0]


def _line_words(name: str, labels: int, count: int) -> str:
    return f"{plain_target(name)}, mean ({count})" if labels == 0 else f"{labels} labels"


def _group_rules(panels, groups: list[str]) -> None:
    """A thin rule between groups, and the group's name at the right edge of the last panel."""
    starts = [place for place in range(len(groups)) if place == 0 or groups[place] != groups[place - 1]]
    for axes in panels:
        for start in starts[1:]:
            axes.axhline(start - 0.5, color=GREY, lw=0.8)
    for start, end in zip(starts, [*starts[1:], len(groups)], strict=True):
        panels[-1].annotate(
            groups[start], xy=(1.02, (start + end - 1) / 2), xycoords=("axes fraction", "data"),
            rotation=270, ha="left", va="center", fontweight="bold", color=GREY, annotation_clip=False,
        )  # fmt: skip


def _handle(look: Look, label: str) -> Line2D:
    return Line2D([], [], color=look.colour, ls=look.line, marker=look.marker, label=label)


def _arm_legend(figure: Figure, arms: list[str]) -> None:
    handles = [Line2D([], [], ls="", marker=s.marker, color=s.colour, label=s.label) for s in map(ARM_STYLE.get, arms)]
    figure.legend(handles=handles, loc="outside upper left", ncols=3)
