"""The object that ``course.start`` returns: everything that a notebook does goes through it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..files import checksum, expanded, write_text
from . import show, tables
from .checks import CheckFailed, Expectation, Expected
from .memory import most_megabytes
from .project import Project

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ..analysis.claims import Claim
    from ..data.image_set import ImageSet
    from ..experiments.store import Store
    from ..experiments.study import Study
    from .networks import Trained

READ_SIZE = "quick"


@dataclass
class Course:
    """One notebook in one profile. ``renew`` replaces what is committed under ``figures/``."""

    notebook: str
    profile: str
    data: str
    seed: int
    parameters: dict[str, Any]
    project: Project
    renew: bool = False
    checked: list[str] = field(default_factory=list)
    judged: list[Claim] = field(default_factory=list)
    drawn: list[str] = field(default_factory=list)
    measured: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    # what there is to look at

    @property
    def trains(self) -> bool:
        """Whether networks are trained here; the profile ``read`` takes everything from the committed tables."""
        return self.profile != "read"

    def plan(self, name: str = "transfer", **overrides: Any) -> Study:
        """The study as a list of networks, nothing trained; ``overrides`` are fields of ``experiments.profiles.Size``.

        In ``read`` its size is that of ``quick``.
        """
        from ..experiments.profiles import study_profile

        return study_profile(name, self.profile if self.trains else READ_SIZE, self.data, **overrides)

    def study(
        self, name: str = "transfer", *, where: Mapping[str, Any] | None = None, **overrides: Any
    ) -> pd.DataFrame:
        """One row per trained network: read from the committed table, or trained now as far as it is missing.

        ``where`` keeps the rows with these values, such as ``{"image_size": 32}``; ``overrides`` (fields of
        ``experiments.profiles.Size``) change what is trained.
        """
        if not self.trains:
            return self.evidence(name, where=where)
        from . import networks

        rows = networks.train_study(self, self.plan(name, **overrides))
        return tables.rows_of(rows, self.data, source=f"study {name}", where=where)

    def evidence(
        self, name: str = "transfer", *, data: str | None = None, where: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """The committed rows of ``data`` (default: this notebook's), in any profile."""
        from ..experiments.names import STUDIES

        path = self.project.evidence(name)
        shown = self.project.shown(path)
        table = tables.read_rows(path, shown=shown) if name in STUDIES else tables.read_measure(path, shown=shown)
        return tables.rows_of(table, data or self.data, source=shown, where=where)

    def has_evidence(self, name: str = "transfer", *, data: str | None = None) -> bool:
        """Whether rows of ``data`` (default: this notebook's) are committed for a study or a measure."""
        path = self.project.evidence(name)
        return path.exists() and tables.holds(path, data or self.data)

    def measure(
        self,
        name: str,
        compute: Callable[[], pd.DataFrame],
        *,
        where: Mapping[str, Any] | None = None,
        taste: bool = False,
    ) -> pd.DataFrame:
        """A table that needs trained networks: ``compute()``, or in ``read`` what it once gave for these values.

        ``where`` names what the committed rows must be of, such as ``{"seed": 0}``, so that no other ones are shown.
        Written to ``data/NAME.csv`` beside the figures, six digits of each number, with the data set as first column;
        a measure of a ``taste`` of a study (``experiments.study.Study``) never replaces the committed one.
        """
        self.measured.append(name)
        if not self.trains:
            return self.evidence(name, where=where)
        from ..experiments.target_spec import data_label

        frame = compute().copy()
        frame.insert(0, "data", data_label(self.plan().runs[0].data))
        folder = self.project.build / "figures" if taste else self.figures
        tables.write_measure(frame, folder / "data" / f"{name}.csv")
        return tables.as_read_back(frame)

    def images(self) -> ImageSet:
        """The images of this profile and data set, loaded once. Raises InputError when they are not to be had."""
        return self._images

    @cached_property
    def _images(self) -> ImageSet:
        from ..experiments.worker import load_images

        return load_images(self.plan().runs[0].data, self.project.data)

    @cached_property
    def store(self) -> Store:
        """Where the networks of this profile and data set are kept. Raises InputError in ``read``."""
        from ..experiments.store import Store

        if not self.trains:
            raise InputError("the profile 'read' trains nothing and has no store; choose 'quick' to train networks.")
        return Store(self.project.build / "store" / f"{self.profile}-{_short(self.data)}")

    def base_networks(self, *, split: str = "random0", seed: int | None = None) -> dict[str, Trained]:
        """The base networks of both halves with their weights, trained now where missing: ``{"A": ..., "B": ...}``.

        Raises InputError in ``read``; call it inside ``measure``.
        """
        from . import networks

        return networks.bases(self, split=split, seed=self.seed if seed is None else seed)

    @property
    def workers(self) -> int:
        """How many networks learn at the same time: FCTRANSFER_WORKERS, else one per core; one on a GPU."""
        import torch

        from .start import usable_cores

        given = os.environ.get("FCTRANSFER_WORKERS")
        if given:
            if not given.isdecimal() or int(given) < 1:
                raise InputError(f"FCTRANSFER_WORKERS is {given!r}; give a whole number from 1 on, or unset it.")
            return int(given)
        on_gpu = torch.cuda.is_available() or torch.backends.mps.is_available()
        return 1 if self.profile == "smoke" or on_gpu else usable_cores()

    def each(self, function: Callable[..., Any], *items: Iterable[Any]) -> list[Any]:
        """``list(map(function, *items))`` in as many processes as ``workers`` says, one after another for one."""
        from ..experiments.side_by_side import side_by_side

        return side_by_side(function, *items, workers=self.workers)

    # what is shown and recorded

    @property
    def figures(self) -> Path:
        """Where figures and their tables are written: ``build/figures``, or ``figures`` when these are renewed."""
        return self.project.figures if self.renew else self.project.build / "figures"

    def figure(self, fig: Figure, id: str, *, caption: str, data: pd.DataFrame) -> None:
        """Show a figure with its caption and write it as SVG and PNG, and ``data``, the numbers in it, as CSV."""
        from ..plots.save import save

        if id in self.measured:
            raise InputError(
                f"figure {id!r} has the name of a measure, whose table it would replace; name it otherwise."
            )
        if not caption.strip():
            raise InputError(f"figure {id!r} has no caption; say what there is to see in it.")
        save(fig, id, data=data, folder=self.figures, caption=caption)
        self.drawn.append(id)
        show.figure(fig, caption=caption)

    def check(self, statement: str, condition: object, detail: str = "") -> None:
        """Say that ``statement`` holds. Raises CheckFailed with it and ``detail`` when it does not."""
        if not condition:
            raise CheckFailed(f"does not hold: {statement}" + (f" ({detail})" if detail else ""))
        self.checked.append(statement)
        show.line(f"✓ {statement}" + (f" ({detail})" if detail else ""))

    def claims(self, claims: Sequence[Claim]) -> None:
        """Show what the papers claim, what was found here, and the verdicts; keep them for the table at the end."""
        from ..analysis.claims import claims_table

        self.judged.extend(claims)
        show.table(claims_table(claims).drop(columns="where"))

    def expect(self, name: str, value: float, *, tolerance: float = 0.005, seeds: str = "", source: str = "") -> float:
        """``value``, compared with ``figures/expected.json`` where it comes from the same images as that file's.

        ``seeds`` and ``source`` say for which seeds and from which table or cell it comes. Renewing in ``read``
        replaces the file's value. Raises CheckFailed.
        """
        value = float(value)
        if self.profile not in ("read", "full") or (self.trains and not self._is_published()):
            return value
        expected = Expected(self.project.figures / "expected.json")
        if self.renew and not self.trains:
            expected.put(self.data, name, Expectation(round(value, 6), tolerance, seeds, source or self.notebook))
            return value
        wanted = expected.get(self.data, name)
        if not wanted.fits(value):
            raise CheckFailed(
                f"{name} is {value:.6g}, but {wanted.value:.6g} within {wanted.tolerance:.6g} is expected"
                f" ({wanted.source})"
            )
        self.checked.append(f"{name} is the published value")
        return value

    def _is_published(self) -> bool:
        """Whether the committed table holds networks trained on the very images of this profile."""
        from ..experiments.target_spec import data_label

        path = self.project.evidence("transfer")
        label = data_label(self.plan().runs[0].data)
        return path.exists() and label in set(tables.read_rows(path, shown=self.project.shown(path))["data"])

    def finish(self) -> None:
        """Record what was checked and found, and say where the figures went."""
        found = {
            "notebook": self.notebook,
            "profile": self.profile,
            "data": self.data,
            "seconds": round(time.monotonic() - self.started, 1),
            "megabytes": most_megabytes(),
            "checks": self.checked,
            "claims": [
                {"id": claim.id, "statement": claim.statement, "verdict": claim.verdict} for claim in self.judged
            ],
            "figures": self.drawn,
        }
        path = self.project.claims(self.profile, self.notebook)
        write_text(path, json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        where = f"; figures in {self.project.shown(self.figures)}: {', '.join(self.drawn)}" if self.drawn else ""
        show.line(f"{len(self.checked)} checks hold{where}")


def _short(data: str) -> str:
    """A data set as part of a folder's name."""
    if not data.startswith("folder:"):
        return data
    path = expanded(data.removeprefix("folder:")).absolute()
    return f"folder-{path.name}-{checksum(str(path))[:8]}"
