"""What the evidence says about itself: how many networks, from which seeds, machines and versions, and what it lacks.

Everything here is counted in the tables of the studies (one row per trained network). What cannot be counted, such as
how the recipe differs from the papers', is written down once, beside the numbers that belong to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from .claims import Claim
from .tables import ranges

NETWORKS = (
    "study", "data", "networks", "splits", "seeds", "epochs", "pixels", "network", "device", "torch", "minutes",
)  # fmt: skip
DAYS_PER_NETWORK = 9.5
YOSINSKI, ZHANG, HERE = "Yosinski et al. 2014", "Zhang et al. 2017", "here"


def networks(studies: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """A row per study and data set, columns ``NETWORKS``; ``minutes`` is the training time of all its networks."""
    rows = []
    for study, table in studies.items():
        for data, part in table.groupby("data"):
            rows.append({"study": study, "data": data, **_summary(part)})
    return pd.DataFrame(rows, columns=list(NETWORKS))


def together(studies: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The same over all studies, a row per data set; a network that several studies need counts once."""
    shared = ["data", "key", "split", "seed", "epochs", "image_size", "net", "device", "torch", "seconds"]
    every = pd.concat([table[shared] for table in studies.values()]).drop_duplicates("key")
    rows = [{"study": "all", "data": data, **_summary(part)} for data, part in every.groupby("data")]
    return pd.DataFrame(rows, columns=list(NETWORKS))


def deviations(counted: pd.DataFrame, *, rates: Iterable[float] = ()) -> pd.DataFrame:
    """How the recipe differs from the papers': ``what`` and a column per paper and for here, all text.

    ``counted`` is what ``networks`` gives; ``rates`` are the learning rates that were tried on targets.
    """
    tried = ", ".join(f"{rate:g}" for rate in sorted(rates))
    grid = f"; on targets the best of {tried} by validation" if tried else ""
    rows = [
        ("images", "ImageNet: 1000 classes, 1.3 million images", "ImageNet as source, five target sets",
         _listed(counted["data"])),
        ("image side", "227 pixels", "224 pixels", f"{_listed(counted['pixels'])} pixels"),
        ("network", "CaffeNet: 8 weight layers, about 60 million weights", "VGG-16 and ResNet-50",
         f"the same 8 weight layers, an eighth of the widths, no groups, no LRN: {_listed(counted['network'])}"),
        ("first weights", "small Gaussians", "published networks; new last layers N(0, 0.001)",
         "He; standard deviation 0.001 in the last layer (a condition of study random: the paper's Gaussians)"),
        ("training", "450,000 steps of 256 images, about 9.5 days", "not told in full",
         f"{_listed(counted['epochs'])} epochs in batches of 16 (glyphs) and 64 (photographs), minutes"),
        ("learning rate", "0.01, divided by 10 every 100,000 steps", "1e-5 for every network and target",
         f"found by a stated search, falling linearly to 0{grid}"),
        ("repetitions", "four splits, one network each", "one network per cell",
         f"seeds {_listed(counted['seeds'])}, by study and data set"),
        ("compared are", "means over halves that were not always the same", "two accuracies",
         "pairs of the same half, seed and images, with a 95 % interval"),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["what", YOSINSKI, ZHANG, HERE])


def not_reproducible(published: pd.DataFrame, *, folders: Sequence[str] = ()) -> pd.DataFrame:
    """What cannot be had again from this project, why, and what there is instead: ``what, why, instead``, all text.

    ``published`` are the networks of the published logs; ``folders`` the target sets that were read from a folder.
    """
    days = DAYS_PER_NETWORK * len(published)
    rows = [
        (
            "the published numbers themselves",
            f"{len(published)} networks of about {DAYS_PER_NETWORK} days each are {days / 365:.1f} years on one GPU of"
            " 2012, and ImageNet may not be passed on",
            "the authors' logs are read again with intervals (notebook 08), and the same code runs on a folder of"
            " ImageNet",
        ),
        (
            "a test of Table 2 of Zhang et al.",
            "it has one network per cell and no answers image by image, so no paired error can be computed",
            "an assumed binomial error and a sign test (notebook 09)",
        ),
        (
            "our numbers to the last bit on another machine",
            "other processors, devices and torch versions round differently",
            "the same specification gives the same record on the same machine and versions; elsewhere single networks"
            " differ, and the intervals say how far two seeds are apart",
        ),
        (
            "measures of networks without training them",
            "no weights are committed",
            "their tables are (`firewall_*.csv`, `*_distances.csv`), and a command trains the networks again",
        ),
    ]
    if folders:
        rows.append(
            (
                f"the photographs that networks were moved to ({', '.join(folders)})",
                "they belong to others and were read from folders; the project neither holds nor prepares them",
                "any folders of the same layout; rendered targets need no download",
            )
        )
    return pd.DataFrame(rows, columns=["what", "why", "instead"])


def folders_of(studies: Mapping[str, pd.DataFrame]) -> list[str]:
    """The target sets that were read from a folder, by their names."""
    names = {name for table in studies.values() if "target_set" in table for name in table["target_set"].astype(str)}
    return sorted(name.removeprefix("folder:") for name in names if name.startswith("folder:"))


def limits(by_data: Mapping[str, Sequence[Claim]], counted: pd.DataFrame) -> list[str]:
    """What the evidence could not show, with its numbers; ``by_data`` are all claims of both papers."""
    every = [claim for claims in by_data.values() for claim in claims]
    tested = sum(claim.ours is not None and claim.ours.has_interval for claim in every)
    found = [f"{_decided(name, claims)}" for name, claims in by_data.items()]
    devices, versions = _listed(counted["device"]), _listed(counted["torch"])
    return [
        "**Size.** Networks that learn for minutes on images of "
        f"{_listed(counted['pixels'])} pixels and few classes exaggerate effects of late layers (Harun et al. 2024). A"
        " verdict here is a verdict about such networks; it neither confirms nor refutes what happens on ImageNet.",
        "**Photographs.** On " + "; on ".join(found) + ". An effect that was not decided on may still be there: "
        "*inconclusive* is not *no effect*.",
        f"**Many claims.** {len(every)} verdicts are given, {tested} of them by a 95 % interval of their own. If no"
        f" effect were real, about {0.05 * tested:.0f} of these intervals would leave out 0 by chance alone.",
        "**Pairs that are not independent.** Both directions of one seed share networks, so their pairs tell less than"
        " as many separate ones; where it matters, notebook 08 gives the interval over seeds beside.",
        f"**One kind of machine.** Everything was trained on {devices} with torch {versions}. Other instructions of the"
        " processor round sums otherwise, which moves a network about as far as another seed does; the tables name them"
        " in newer rows only.",
        "**One family of networks.** One width, no residual network, and batch norm in study `dip` only: the second"
        " paper's VGG-16 and ResNet-50 are not tested.",
    ]


def _decided(name: str, claims: Sequence[Claim]) -> str:
    decided = sum(claim.verdict != "inconclusive" for claim in claims)
    bare = sum(claim.ours is None or not claim.ours.has_interval for claim in claims)
    words = f"{name}, {decided} of {len(claims)} claims are decided"
    return f"{words}, and {bare} have no interval at all" if bare else words


def _summary(part: pd.DataFrame) -> dict[str, object]:
    return {
        "networks": part["key"].nunique(),
        "splits": _listed(part["split"]),
        "seeds": ranges(part["seed"]),
        "epochs": _listed(part["epochs"]),
        "pixels": _listed(part["image_size"]),
        "network": _listed(part["net"]),
        "device": _listed(part["device"]),
        "torch": _listed(part["torch"]),
        "minutes": part.drop_duplicates("key")["seconds"].sum() / 60,
    }


def _listed(values: Iterable[object]) -> str:
    """Every value once, in order; values that are lists already are taken apart."""
    single = {word for value in values for word in str(value).split(", ")}
    return ", ".join(sorted(single, key=lambda word: (len(word), word) if word.isdecimal() else (0, word)))
