"""From a row of a committed table back to the network's specification: the one whose key the row carries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..data.spec import VIEWS
from ..errors import InputError
from .fc_spec import ON_SOURCE, PROTOCOLS
from .profiles import FC_GLYPHS, study_profile
from .record import AnySpec
from .spec import LAYERS, TREATMENTS
from .study import DIRECTIONS

Row = Mapping[str, Any]
_RENDERED = re.compile(r"glyphs\[(\d+)x(\d+)(?: seed (\d+))?\]")
_NET = re.compile(r"alexnet_(?:mini|map)-(\d+)(?:-bn)?(?:-drop([\d.]+))?")
# What a study of few steps on a target is given beside the columns of its table: see figures/data/README.md.
_FC_EVIDENCE = {"epochs": 16, "fc_steps": 120}


def specifications(rows: Sequence[Row]) -> dict[str, AnySpec]:
    """By key, the networks of ``rows`` (of one study) that follow from the profiles of the package.

    The options of a study are read off the rows of each data set; networks that it then holds and whose key a row
    carries are found. Rows of other options (another learning rate, images in a folder of another name) are left out.
    """
    found: dict[str, AnySpec] = {}
    for group in _groups(rows):
        wanted = {row["key"] for row in group}
        for options in _options(group):
            try:
                study = study_profile(group[0]["study"], **options)
            except InputError:
                continue
            specs = (spec for run in study.runs for spec in (run, run.donor) if spec is not None)
            found |= {spec.key: spec for spec in specs if spec.key in wanted}
    return found


def _groups(rows: Sequence[Row]) -> Iterable[list[Row]]:
    places = dict.fromkeys((row["data"], row["image_size"], _plain(row["net"])) for row in rows)
    for place in places:
        yield [row for row in rows if (row["data"], row["image_size"], _plain(row["net"])) == place]


def _plain(net: str) -> str:
    """A network's label without what a study varies by itself."""
    return net.replace("-bn", "").removesuffix("-gaussian")


def _options(rows: Sequence[Row]) -> Iterable[dict[str, Any]]:
    """The options of ``study_profile`` that made ``rows``, as far as they can be read off them; one set or several."""
    first = rows[0]
    options: dict[str, Any] = {name: first[name] for name in ("data", "image_size")}
    options |= {"profile": "full", "seeds": _values(rows, "seed"), "splits": _values(rows, "split")}
    if label := _NET.match(first["net"]):
        options |= {"width": int(label[1]), "dropout": float(label[2] or 0.5)}
    if rendered := _RENDERED.fullmatch(first["data"]):
        options |= {"data": "glyphs", "profile": "quick"}
        options |= {"glyph_classes": int(rendered[1]), "glyphs_per_class": int(rendered[2])}
    if first["study"] == "fc":
        yield from (options | own for own in _fc(rows))
    elif first["study"] == "keep":
        yield options | {"labels": _values(rows, "labels_per_class")}
    else:
        yield options | _halves(rows)


def _halves(rows: Sequence[Row]) -> dict[str, Any]:
    used = _values(rows, "treatment")
    return {
        "directions": DIRECTIONS,
        "treatments": [name for name in TREATMENTS if name in used],
        "cuts": [n for n in _values(rows, "n") if 0 < n < LAYERS] or None,
        "volumes": [images for images in _values(rows, "images_per_class") if images] or None,
    }


def _fc(rows: Sequence[Row]) -> Iterable[dict[str, Any]]:
    """The options of all rows, then those of P8 with fewer labels: it is trained with the largest number only."""
    protocols = [name for name in (*PROTOCOLS, *ON_SOURCE) if name in _values(rows, "protocol")]
    labels = [count for count in _values(rows, "labels_per_class") if count]
    words = {word for row in rows for word in row["target_set"].split()}
    common = {
        **_FC_EVIDENCE,
        "arms": _values(rows, "arm"),
        "protocols": protocols,
        "rates": sorted({row["learning_rate"] for row in rows if row["protocol"] in PROTOCOLS}),
        "views": [view for view in VIEWS if view in words],
        "targets": FC_GLYPHS,
    }
    yield common | {"labels": labels}
    if "P8" in protocols:
        yield from (common | {"labels": labels[:most], "protocols": ["P8"]} for most in range(1, len(labels)))


def _values(rows: Sequence[Row], name: str) -> list[Any]:
    return sorted({row[name] for row in rows})
