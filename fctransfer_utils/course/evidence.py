"""The committed tables of the studies, by data set: what README.md and the report are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .project import Project
from .tables import plain_name, read_measure, read_rows

if TYPE_CHECKING:
    import pandas as pd

TITLES = {"tiny-imagenet": "Tiny ImageNet (photographs)", "glyphs": "glyphs (rendered)"}


def title_of(data: str) -> str:
    """A data set as the tables call it."""
    return TITLES.get(data, data)


def halves_by_data(project: Project) -> dict[str, dict[str, pd.DataFrame]]:
    """The committed rows of the studies about Yosinski et al. (2014): by data set, photographs first, and study."""
    from ..analysis.overview import STUDIES

    found: dict[str, dict[str, pd.DataFrame]] = {}
    for study in STUDIES:
        path = project.evidence(study)
        if path.exists():
            table = read_rows(path, shown=project.shown(path))
            for name, rows in table.groupby(table["data"].map(plain_name)):
                found.setdefault(str(name), {})[study] = rows.reset_index(drop=True)
    return {name: found[name] for name in sorted(found, key=_photographs_first)}


def firewall_by_data(project: Project) -> dict[str, dict[str, pd.DataFrame]]:
    """The committed rows of study fc by data set, photographs first, with the measures of notebook 10."""
    from ..analysis.claims_firewall import MEASURES

    found: dict[str, dict[str, pd.DataFrame]] = {}
    names = {"fc": "fc"} | {name: f"firewall_{name}" for name in MEASURES if name != "fc"}
    for name, file in names.items():
        path = project.evidence(file)
        if not path.exists():
            continue
        read = read_rows if name == "fc" else read_measure
        table = read(path, shown=project.shown(path))
        for data, rows in table.groupby(table["data"].map(plain_name)):
            found.setdefault(str(data), {})[name] = rows.reset_index(drop=True)
    with_study = [name for name, parts in found.items() if "fc" in parts]
    return {name: found[name] for name in sorted(with_study, key=_photographs_first)}


def studies(project: Project) -> dict[str, pd.DataFrame]:
    """Every committed study with all of its rows, in the order of the course."""
    from ..experiments.names import STUDIES

    paths = {name: project.evidence(name) for name in STUDIES}
    return {name: read_rows(path, shown=project.shown(path)) for name, path in paths.items() if path.exists()}


def _photographs_first(name: str) -> tuple[bool, str]:
    return name == "glyphs", name
