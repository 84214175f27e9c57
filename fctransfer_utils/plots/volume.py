"""Accuracy against images per class: the published curve, ours for scratch, freeze, fine-tune, and its worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from ..analysis.volume import KINDS, images_of, learning_curves, study_cuts
from ..analysis.volume_limits import BELOW, BEYOND, Crossing
from ..errors import InputError, unknown
from .style import BLACK, BLUE, GREY, PALE, TREATMENT_STYLE, Look, label_ends, new_figure, say_missing, settle, styled

IMAGES = "training images per class"
MOST_PANELS = 4
APART = 1.05  # factor between treatments at one number of images, so that bars do not lie on each other
STUCK = 0.01  # nats; a training loss as near to that of guessing means that nothing was learnt


def published_reduced(table: pd.DataFrame, *, classes: int = 1000) -> Figure:
    """Figure S1 of Yosinski et al. (2014): top-1 and final training loss of the published networks against images.

    ``table`` is ``paper_table(experiment="reduced_data")``. Open markers: networks whose training loss is still that of
    guessing among ``classes`` classes, so they have not begun to learn.
    """
    if not len(table):
        raise InputError("no published network is selected; pass paper_table(experiment='reduced_data').")
    rows, guessing = table.sort_values("images_per_class"), float(np.log(classes))
    stuck = (rows["train_loss"] - guessing).abs() < STUCK
    look = TREATMENT_STYLE["base"]
    with styled():
        figure, (left, right) = new_figure(1, 2, height=3.9)
        for axes, values in ((left, 100 * rows["top1"]), (right, rows["train_loss"])):
            axes.plot(rows["images_per_class"], values, color=look.colour, ls=look.line, lw=1.2, zorder=2)
            faces = np.where(stuck, "white", look.colour)
            axes.scatter(rows["images_per_class"], values, marker="o", s=42, c=faces, edgecolors=look.colour, zorder=3)
            _log_images(axes, [1, 2, 5, 10, 25, 50, 100, 250, 500, 1300])
        left.set(title="Top-1 on all classes", ylabel="Top-1 accuracy (%)")
        right.set(title="Training loss at the end", ylabel="Cross-entropy (nats)")
        for axes, value, text in ((left, 100 / classes, "chance"), (right, guessing, f"guessing: ln {classes}")):
            axes.axhline(value, color=GREY, lw=1, ls=":")
            axes.annotate(
                text,
                (0.99, value),
                (0, 3),
                ("axes fraction", "data"),
                "offset points",
                color=GREY,
                fontsize=8,
                ha="right",
            )
        handles = [
            Line2D([], [], ls="", marker="o", mec=look.colour, mfc=look.colour, label="has learnt"),
            Line2D([], [], ls="", marker="o", mec=look.colour, mfc="white", label="never left guessing"),
        ]
        figure.legend(handles=handles, loc="outside upper left", ncols=2)
        settle(figure)
    return figure


def volume_curves(rows: pd.DataFrame, *, chance: float | None = None) -> Figure:
    """Learning curves: top-1 against images per class above, points over scratch below, a panel per cut.

    ``rows`` is ``analysis.volume.volume_rows``; ``chance`` is a fraction. Of many cuts, four are drawn. Bars are 95 %
    intervals where there are at least two (split, seed).
    """
    cuts = some_of(study_cuts(rows), MOST_PANELS)
    raw, relative = learning_curves(rows), learning_curves(rows, "delta_points")
    if not cuts:
        cuts = [0]  # networks from scratch alone have no cut
    with styled():
        figure, grid = new_figure(2, len(cuts), height=6.6, sharex=True, sharey="row", squeeze=False)
        for column, cut in enumerate(cuts):
            _curves(grid[0][column], raw, cut, scale=100)
            _curves(grid[1][column], relative, cut, scale=1)
            grid[1][column].axhline(0, color=BLACK, ls=TREATMENT_STYLE["base"].line, lw=1.4, zorder=2)
            if chance is not None:
                grid[0][column].axhline(100 * chance, color=GREY, ls=":", lw=1)
            grid[0][column].set_title(f"n = {cut}" if cut else "from scratch only")
            _log_images(grid[1][column], images_of(rows))
            grid[1][column].set_xlabel(IMAGES)
        grid[0][0].set_ylabel("Top-1 accuracy (%)")
        grid[1][0].set_ylabel("Top-1 minus scratch (points)")
        _legend(figure, sorted(set(rows["kind"]), key=list(KINDS).index))
        say_missing(figure, raw.attrs["missing"] + relative.attrs["missing"])
        settle(figure)
    return figure


def treatments_at(rows: pd.DataFrame, images: int) -> Figure:
    """The treatments against n at one number of ``images`` per class, on the scale of all; what the slider shows."""
    allowed = images_of(rows)
    if images not in allowed:
        raise unknown("number of images per class", images, allowed)
    curves = learning_curves(rows).dropna(subset="mean")
    here, ends = curves[curves["images_per_class"] == images], {}
    with styled():
        figure, axes = new_figure(height=4.2, width=7.0)
        for kind, part in here.groupby("kind", sort=False):
            look = TREATMENT_STYLE[KINDS[kind]]
            ends[KINDS[kind]] = 100 * float(part["mean"].iloc[-1])
            if kind == "scratch":
                axes.axhline(ends[KINDS[kind]], color=look.colour, ls=look.line, zorder=2)
                continue
            axes.plot(part["n"], 100 * part["mean"], color=look.colour, ls=look.line, marker=look.marker, zorder=3)
            _bars(axes, part["n"].to_numpy(dtype=float), part, look, scale=100)
        cuts = study_cuts(rows)
        axes.set_xticks(cuts)
        axes.set_xlim(min(cuts, default=0) - 0.5, max(cuts, default=0) + 0.5)
        axes.set_ylim(0, max(100 * float(curves["mean"].max()) * 1.05, 1))
        axes.set(title=f"{images} images per class" if images > 1 else "1 image per class")
        axes.set(xlabel="n: layers copied from the donor", ylabel="Top-1 accuracy (%)")
        label_ends(axes, ends)
        settle(figure)
    return figure


def stopping_points(
    gaps: Sequence[pd.DataFrame], crossings: Sequence[Crossing], *, margins: Sequence[float], titles: Sequence[str]
) -> Figure:
    """A panel per ``analysis.volume_limits.gap_by_images``: the difference against images, and where it falls below its
    margin (vertical line, grey band where seeds bound it).
    """
    if not gaps or len({len(gaps), len(crossings), len(margins), len(titles)}) > 1:
        raise InputError(
            f"{len(gaps)} gaps, {len(crossings)} crossings, {len(margins)} margins and {len(titles)} titles do not fit "
            "together; give one of each per panel."
        )
    with styled():
        figure, grid = new_figure(1, len(gaps), height=4.0, squeeze=False)
        words: list[str] = []
        for axes, gap, crossing, margin, title in zip(grid[0], gaps, crossings, margins, titles, strict=True):
            _crossed(axes, crossing)
            axes.axhline(margin, color=BLACK, lw=1, zorder=2)
            axes.plot(gap["images_per_class"], gap["mean"], color=BLUE, marker="o", mec="white", mew=0.6, zorder=4)
            _bars(axes, gap["images_per_class"].to_numpy(dtype=float), gap, Look(BLUE, "o", "-", ""), scale=1)
            axes.set_title(title)
            axes.set_xlabel(f"{IMAGES} (units)")
            _log_images(axes, list(gap["images_per_class"]), counts=list(gap["count"]))
            words += gap.attrs.get("missing", ())
        grid[0][0].set_ylabel("Difference in top-1 (points)")
        say_missing(figure, words)
        settle(figure)
    return figure


def data_worth(table: pd.DataFrame) -> Figure:
    """How many times as many images scratch needs for the accuracy of transfer: ``volume_limits.data_multiplier``.

    Arrows mark bounds: scratch does not reach that accuracy (up), or exceeds it already with the fewest images (down).
    """
    rows = table.dropna(subset="multiplier")
    if not len(rows):
        raise InputError(
            "no multiplier is determined, so there is nothing to draw; see data_multiplier's bound column."
        )
    with styled():
        figure, axes = new_figure(height=4.2, width=7.5)
        for place, (kind, part) in enumerate(rows.groupby("kind", sort=False)):
            look = TREATMENT_STYLE[KINDS[kind]]
            x = part["images_per_class"].to_numpy(dtype=float) * APART ** (2 * place - 1)
            axes.plot(
                x, part["multiplier"], color=look.colour, ls=look.line, marker=look.marker, ms=look.size, zorder=3
            )
            _bars(axes, x, part.assign(mean=part["multiplier"]), look, scale=1)
            for at, row in zip(x, part.itertuples(), strict=True):
                _bound(axes, at, row, look)
        axes.axhline(1, color=BLACK, lw=1, zorder=2)
        axes.set_yscale("log", base=2)
        low, high = axes.get_ylim()
        ticks = [value for value in 2.0 ** np.arange(-6, 12) if low / 1.5 <= value <= high * 1.5]
        axes.set_yticks(ticks, [f"× {value:g}" for value in ticks])
        axes.set_ylim(min(low / 1.3, 0.9), high * 1.5)
        _log_images(axes, images_of(rows))
        axes.set_xlabel(f"{IMAGES} that transfer was given")
        axes.set_ylabel("images that scratch needs\nfor the same top-1, as a factor")
        _legend(figure, [kind for kind in KINDS if kind in set(rows["kind"])])
        say_missing(figure, table.attrs.get("missing", ()))
        settle(figure)
    return figure


def some_of(values: Sequence[int], most: int) -> list[int]:
    """At most ``most`` of ``values``, the first, the last and evenly between."""
    if len(values) <= most:
        return list(values)
    return [values[int(place)] for place in np.linspace(0, len(values) - 1, most).round()]


def _curves(axes: Axes, curves: pd.DataFrame, cut: int, *, scale: float) -> None:
    drawn = [kind for kind in KINDS if kind in set(curves["kind"])]
    for kind in drawn:
        part = curves[(curves["kind"] == kind) & curves["n"].isin([0 if kind == "scratch" else cut])].dropna(
            subset="mean"
        )
        look = TREATMENT_STYLE[KINDS[kind]]
        x = part["images_per_class"].to_numpy(dtype=float) * APART ** (drawn.index(kind) - (len(drawn) - 1) / 2)
        axes.plot(x, scale * part["mean"], color=look.colour, ls=look.line, zorder=3)
        _bars(axes, x, part, look, scale=scale)
        axes.plot(
            x,
            scale * part["mean"],
            ls="",
            marker=look.marker,
            ms=look.size,
            color=look.colour,
            mec="white",
            mew=0.6,
            zorder=5,
        )


def _bars(axes: Axes, x: np.ndarray, rows: pd.DataFrame, look: Look, *, scale: float) -> None:
    bounded = rows[["low", "high"]].notna().all(axis=1).to_numpy()
    if bounded.any():
        chosen = scale * rows.loc[bounded, ["mean", "low", "high"]]
        reach = [chosen["mean"] - chosen["low"], chosen["high"] - chosen["mean"]]
        axes.errorbar(
            x[bounded], chosen["mean"], reach, fmt="none", ecolor=look.colour, elinewidth=1.3, capsize=2.5, zorder=3
        )


def _crossed(axes: Axes, crossing: Crossing) -> None:
    """The crossing as a vertical line with its band, and in words where it lies outside of the data."""
    edges = {BELOW: crossing.first, BEYOND: crossing.last}
    if crossing.has_interval:
        axes.axvspan(
            edges.get(crossing.low, crossing.low), edges.get(crossing.high, crossing.high), color=PALE, zorder=0
        )
    if crossing.images not in edges and not np.isnan(crossing.images):
        axes.axvline(crossing.images, color=GREY, lw=1.4, ls="--", zorder=1)
    axes.annotate(
        crossing.place(crossing.images),
        (0.98, 0.97),
        xycoords="axes fraction",
        ha="right",
        va="top",
        color=GREY,
        fontsize=9,
    )


def _bound(axes: Axes, x: float, row, look: Look) -> None:
    if row.bound:
        arrow = {"arrowstyle": "-|>", "color": look.colour, "lw": 1.4}
        away = 24 if row.bound == "at least" else -24
        axes.annotate(
            "", (x, row.multiplier), (0, away), textcoords="offset points", arrowprops=arrow | {"arrowstyle": "<|-"}
        )


def _log_images(axes: Axes, images: Sequence[int], *, counts: Sequence[int] | None = None) -> None:
    axes.set_xscale("log")
    labels = (
        [str(k) for k in images] if counts is None else [f"{k}\n({c})" for k, c in zip(images, counts, strict=True)]
    )
    axes.set_xticks(list(images), labels)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(min(images) / 1.25, max(images) * 1.25)
    if not axes.get_xlabel():
        axes.set_xlabel(IMAGES)


def _legend(figure: Figure, kinds: Sequence[str]) -> None:
    handles = []
    for kind in kinds:
        look = TREATMENT_STYLE[KINDS[kind]]
        marker = {"marker": look.marker, "ms": look.size, "mec": "white", "mew": 0.6}
        handles.append(Line2D([], [], color=look.colour, ls=look.line, label=f"{kind} ({KINDS[kind]})", **marker))
    figure.legend(handles=handles, loc="outside upper left", ncols=3, handlelength=3.2, columnspacing=1.4)
