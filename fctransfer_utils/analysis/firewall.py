"""The measures of notebook 10 as tables beside the paper's, and the sentences that follow from them.

Tables are those of ``course.firewall``: one row per network and measure, with ``split, seed, arm``. Means are over
(split, seed), with t intervals at 95 %, nan where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError
from .answers import word
from .claims import Claim
from .claims_firewall import effect_of, having, interval
from .concentration import concentration
from .estimates import Estimate, mean_interval, nothing
from .localise import iou, scda_boxes
from .published import committed_table

FILE = "zhang2017_tables3_4.csv"
NEEDED = ("table", "model", "map", "measure", "setting", "percent")
BESIDE_MAP = "7x7"
SETTINGS = {  # setting of the paper's tables: our table, its column, and which of its rows
    ("3", "0.35"): ("boxes", "share", {"method": "scda", "threshold": 0.35}, "boxes with IoU above 0.35"),
    ("3", "0.50"): ("boxes", "share", {"method": "scda", "threshold": 0.5}, "boxes with IoU above 0.5"),
    ("3", "0.70"): ("boxes", "share", {"method": "scda", "threshold": 0.7}, "boxes with IoU above 0.7"),
    ("4", "avg top-1"): ("retrieval", "map", {"pooling": "avg", "k": 1}, "retrieval, avg, top-1"),
    ("4", "avg+max top-1"): ("retrieval", "map", {"pooling": "avg+max", "k": 1}, "retrieval, avg+max, top-1"),
    ("4", "avg+max top-5"): ("retrieval", "map", {"pooling": "avg+max", "k": 5}, "retrieval, avg+max, top-5"),
}
SIZES = (0.25, 0.5, 0.75)  # of the object of ``sharpness``, in shares of the side
WIDTHS = (0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0)  # cells
REFERENCES = {  # what an arm's boxes should beat: which rows of the table of boxes
    "one box in the middle for all pictures": {"method": "centre"},
    "the whole picture": {"method": "whole"},
    "an untrained network": {"method": "scda", "arm": "untrained"},
}
PEAK = 3  # the cell in whose middle the response is strongest


def paper_tables(path: Path | str) -> pd.DataFrame:
    """Tables 3 and 4 of Zhang et al. (2017): ``table, model, map, measure, setting, percent``, one network each.

    Raises InputError for a missing file or column.
    """
    table = committed_table(FILE, path, dtype={"table": str, "setting": str})
    absent = [name for name in NEEDED if name not in table]
    if absent:
        raise InputError(f"the published table has no column {', '.join(absent)}; restore figures/data/{FILE}.")
    return table


def beside_paper(paper: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The paper's values on its 7 x 7 map beside ours, in per cent: a row per setting that both have.

    Columns ``what, paper_with, paper_without, paper_gap, ours_with, ours_without, gap, low, high, seeds``; with is arm
    B, without arm A, the gap is paired by seed.
    """
    lines = []
    for (number, setting), (name, value, where, what) in SETTINGS.items():
        theirs = paper[(paper["table"] == number) & (paper["setting"] == setting) & (paper["map"] == BESIDE_MAP)]
        with_fc, without = (theirs.loc[theirs["model"] == f"VGG-16 {way} FC", "percent"] for way in ("with", "without"))
        if not (len(with_fc) and len(without)) or name not in tables:
            continue
        found = interval(100 * effect_of(tables[name], value, **where)) or nothing("arms A and B are not both there")
        means = arm_means(tables[name], value, scale=100, **where).set_index("arm")["mean"]
        both = with_fc.item(), without.item()
        ours = means.get("B", np.nan), means.get("A", np.nan)
        bounds = found.mean, found.low, found.high, found.count
        lines.append((what, *both, both[0] - both[1], *ours, *bounds))
    columns = ["paper_with", "paper_without", "paper_gap", "ours_with", "ours_without", "gap", "low", "high", "seeds"]
    return pd.DataFrame(lines, columns=["what", *columns])


def arm_means(table: pd.DataFrame, value: str, *, scale: float = 1.0, **where: object) -> pd.DataFrame:
    """``value`` by arm for the rows with the values ``where``: ``arm, mean, low, high, count``."""
    lines = []
    for arm, part in having(table, where).dropna(subset=[value]).groupby("arm"):
        found = mean_interval(scale * part[value], unit="")
        lines.append((arm, found.mean, found.low, found.high, found.count))
    return pd.DataFrame(lines, columns=["arm", "mean", "low", "high", "count"])


def by_arm(table: pd.DataFrame, value: str, *, rows: str, scale: float = 1.0, **where: object) -> pd.DataFrame:
    """Means of ``value`` over the seeds with a row per value of the column ``rows`` and a column per arm.

    ``where`` names columns and the values that rows must have.
    """
    wide = scale * having(table, where).pivot_table(index=rows, columns="arm", values=value, sort=False)
    return wide[sorted(wide.columns, key=lambda arm: (len(arm), arm))].reset_index().rename_axis(columns=None)


def effects(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """What arm B has more than A in every measure of the notebook, as text: ``measure, difference``."""
    asked = (
        ("boxes with IoU above 0.5, SCDA", "boxes", "share", 100, {"method": "scda", "threshold": 0.5}),
        ("boxes with IoU above 0.5, by class", "boxes", "share", 100, {"method": "gradcam", "threshold": 0.5}),
        ("retrieval, mAP top-1", "retrieval", "map", 100, {"pooling": "avg+max", "k": 1}),
        ("spatial entropy of the response", "concentration", "entropy", 1, {"which": "forward"}),
        ("spatial entropy of the first gradient", "concentration", "entropy", 1, {"which": "gradient"}),
        ("variation within learnt classes (share)", "separation", "within", 100, {"classes": "source"}),
        ("effective rank on held-out classes", "separation", "effective_rank", 1, {"classes": "held out"}),
    )
    found = [(what, str(effect(tables, name, value, scale=k, **where))) for what, name, value, k, where in asked]
    return pd.DataFrame(found, columns=["measure", "difference"])


def sharpness(widths: Sequence[float] = WIDTHS, sizes: Sequence[float] = SIZES) -> pd.DataFrame:
    """What the sum-of-channels box makes of responses that all lie on the object, from sharp to wide.

    The object is a square of ``size`` shares of the side in the middle of the picture; the response is a Gaussian of so
    many cells ``width`` around a cell next to the middle of an 8 x 8 map. Columns ``size, width, entropy, iou``. No
    network is needed: it shows what the measure does by construction.
    """
    cells = np.arange(8) - PEAK
    lines = []
    for size in sizes:
        known = np.array([[0.5 - size / 2, 0.5 - size / 2, 0.5 + size / 2, 0.5 + size / 2]])
        for width in widths:
            slope = np.exp(-(cells**2) / (2 * width**2))
            heat = np.outer(slope, slope)[None]
            lines.append((size, width, concentration(heat)["entropy"], float(iou(scda_boxes(heat), known)[0])))
    return pd.DataFrame(lines, columns=["size", "width", "entropy", "iou"])


def effect(tables: Mapping[str, pd.DataFrame], name: str, value: str, *, scale: float = 100, **where) -> Estimate:
    """``value`` of arm B minus arm A in table ``name``, with its interval over seeds; of count 0 where one is absent.

    ``scale`` 100 makes points of fractions.
    """
    unit = "points" if scale == 100 else ""
    if name not in tables:
        return nothing("not measured", unit=unit)
    return interval(scale * effect_of(tables[name], value, **where), unit=unit) or nothing("not measured", unit=unit)


def take_home(tables: Mapping[str, pd.DataFrame], judged: Sequence[Claim], explained: Sequence[Claim]) -> list[str]:
    """Five sentences, each made of the numbers and the verdicts behind it."""
    claims = {claim.id: claim for claim in (*judged, *explained)}
    places = effect(tables, "boxes", "share", method="scda", threshold=0.5)
    fair = effect(tables, "boxes", "share", method="gradcam", threshold=0.5)
    finds = effect(tables, "retrieval", "map", pooling="avg+max", k=1)
    entropy = effect(tables, "concentration", "entropy", scale=1, which="forward")
    return [
        f"**Places.** By the sum of channels, FC layers {_more(places, 'localise better', 'localise worse')}: boxes"
        f" above IoU 0.5 {places} (paper: +21.9 points); {_beating(tables)}.",
        f"**A fair question.** Asked by class (Grad-CAM), FC layers {_more(fair, 'still lead', 'fall behind')}: {fair};"
        f" {_method(places, fair)}.",
        f"**Retrieval.** FC layers {_more(finds, 'retrieve better', 'retrieve worse')}: mAP top-1 {finds}"
        f" (paper: +33.5 points); {_who(claims)}.",
        f"**Spread.** FC layers {_more(entropy, 'spread the response', 'concentrate the response')} (spatial entropy"
        f" {entropy}); while it is fine-tuned, the trunk under them {_moves(claims.get('trunk-moves-less'))}.",
        f"**The firewall.** That a trunk which moves less gains more is {_verdict(claims, 'less-moved-more-gained')}:"
        f" {_number(claims, 'less-moved-more-gained', 'correlation')}; as an explanation the firewall"
        f" {_stands(claims)}.",
    ]


def _more(estimate: Estimate, above: str, below: str) -> str:
    if estimate.mean == 0:
        return "make no difference"
    return word(estimate, above=above, below=below, unclear="make no clear difference")


def _method(places: Estimate, fair: Estimate) -> str:
    """What the change of the question says about the measure."""
    if not (places.count and fair.count):
        return "the two questions cannot be compared"
    if places.mean <= 0:
        return "the sum of channels showed no lead to begin with"
    if fair.mean <= 0:
        return "the lead that the sum of channels shows is gone"
    return f"that is {fair.mean / places.mean:.0%} of the difference that the sum of channels shows"


def beating(boxes: pd.DataFrame, *, threshold: float = 0.5) -> tuple[dict[str, list[str]], int]:
    """The trained arms whose SCDA boxes fit more often than each of REFERENCES, by reference; and how many arms.

    A reference that was not measured is left out.
    """
    means = arm_means(boxes, "share", method="scda", threshold=threshold)
    means = means[means["arm"].str.len() == 1]
    found = {}
    for name, where in REFERENCES.items():
        rows = having(boxes, {"threshold": threshold, **where})
        if len(rows):
            found[name] = list(means.loc[means["mean"] > rows["share"].mean(), "arm"])
    return found, len(means)


def _beating(tables: Mapping[str, pd.DataFrame]) -> str:
    if "boxes" not in tables:
        return "nothing was compared with a box that looks at nothing"
    found, count = beating(tables["boxes"])
    return f"of {count} arms, these do better: " + ", ".join(
        f"{' and '.join(arms) or 'none'} than {name}" for name, arms in found.items()
    )


def _who(claims: Mapping[str, Claim]) -> str:
    """Which arms have most of B's gain."""
    asked = {arm: claims.get(f"retrieval-explained-by-{arm}") for arm in "CDE"}
    there = {arm: claim for arm, claim in asked.items() if claim is not None and claim.ours is not None}
    if not there:
        return "what explains it was not measured"
    if all("nothing to explain" in claim.note for claim in there.values()):
        return "no gain is shown that arms C, D or E could explain"
    enough = [arm for arm, claim in there.items() if claim.verdict == "reproduced"]
    if enough:
        return f"arm {' and '.join(enough)} alone gives at least 80 % of it"
    out = [arm for arm, claim in there.items() if claim.verdict == "not reproduced"]
    rest = [arm for arm in there if arm not in out]
    said = f"arm {', '.join(out)} does not give 80 % of it" if out else ""
    open_ones = f"arm {', '.join(rest)} is undecided" if rest else ""
    return " and ".join(part for part in (said, open_ones) if part)


def _moves(claim: Claim | None) -> str:
    if claim is None or claim.ours is None:
        return "was not followed"
    words = word(claim.ours, above="moves more", below="moves less", unclear="moves neither clearly more nor less")
    return f"{words} ({claim.ours})"


def _verdict(claims: Mapping[str, Claim], id: str) -> str:
    return claims[id].verdict if id in claims else "not tested"


def _number(claims: Mapping[str, Claim], id: str, what: str) -> str:
    ours = claims[id].ours if id in claims else None
    return f"no {what} could be measured" if ours is None else f"{what} {ours}"


def _stands(claims: Mapping[str, Claim]) -> str:
    """The firewall as an explanation needs both: a trunk that moves less, and gains where it does."""
    verdicts = {_verdict(claims, id) for id in ("trunk-moves-less", "less-moved-more-gained")}
    if verdicts == {"reproduced"}:
        return "agrees with both numbers, which does not prove it"
    return "fails here" if "not reproduced" in verdicts else "is left open"
