"""What a notebook needs of us: its profile, its tables and its figures. The rest is torch, pandas and plots."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import InputError, unknown
from .files import PROJECT, TABLES, build_folder

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from .experiments.store import Store
    from .experiments.studies import Study

PROFILES = {
    "read": "tables of the long studies as committed; what is short runs live",
    "quick": "every study for real, on rendered images",
    "smoke": "every path once, on as little as possible",
    "full": "every study for real, on photographs of yours",
}
RENEW = "FCTRANSFER_RENEW"  # set to 1, results go to figures/ in place of build/


@dataclass(frozen=True)
class Notebook:
    """A notebook at work in a profile; made by ``setup``."""

    profile: str

    def cached(
        self, name: str, make: Callable[[], pd.DataFrame], *, profiles: tuple[str, ...] = ("full",)
    ) -> pd.DataFrame:
        """The table ``name``: made anew in ``profiles`` and kept, read as committed in the others."""
        import pandas as pd

        from .experiments.table import write_csv

        committed = TABLES / f"{name}.csv"
        if self.profile in profiles:
            table = make()
            write_csv(table, _results() / "tables" / f"{name}.csv")
            return table
        if not committed.exists():
            raise InputError(f"there is no table {name!r} among those committed; run the notebook in {profiles[0]!r}.")
        return pd.read_csv(committed)

    def study(self, name: str, study: Study, *, root: str = "", profiles: tuple[str, ...] = ("full",)) -> pd.DataFrame:
        """The table ``name`` of a study's networks: trained in ``profiles`` on one process a core, else as committed.

        ``root``: the folder of images that are not rendered. Networks that were trained before are not trained again.
        """

        def make() -> pd.DataFrame:
            from tqdm.auto import tqdm

            from .experiments import engine
            from .experiments.loader import Files

            with self.store(study[0][1].data.name) as store, tqdm(unit="network", desc=name, leave=False) as bar:

                def progress(trained: int, total: int, record: object) -> None:
                    bar.total, bar.n = total, trained
                    bar.refresh()

                how = {"load": Files(root or None), "workers": os.cpu_count() or 1, "progress": progress}
                return engine.trained(study, store, **how)

        return self.cached(name, make, profiles=profiles)

    @contextmanager
    def store(self, name: str) -> Iterator[Store]:
        """The store ``name`` of what is trained here; a notebook waits while another trains networks in it."""
        from filelock import FileLock

        from .experiments.store import Store

        folder = build_folder() / "stores" / name
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            yield Store(folder)

    def save(self, figure: Figure, name: str, caption: str) -> None:
        """Keep ``figure`` as a PNG of 200 dots an inch and show it, once, with its caption."""
        import PIL.Image
        from IPython.display import Image, Markdown, display
        from matplotlib import pyplot

        from .plots import style

        file, shown = _results() / f"{name}.png", io.BytesIO()
        style.save(figure, file)
        PIL.Image.open(file).reduce(2).save(shown, format="png", optimize=True)
        pyplot.close(figure)  # else the notebook would show it a second time
        display(Image(shown.getvalue(), alt=caption), Markdown(f"*{caption}*"))


def setup(profile: str = "read", *, only: dict[str, tuple[object, tuple[str, ...]]] | None = None) -> Notebook:
    """Begin a notebook: one thread for each network, one look for all figures.

    ``only``: parameters that take effect in some profiles alone, as {name: (value, profiles)}. One that is given where
    it would be ignored is refused.
    """
    if profile not in PROFILES:
        raise unknown("profile", profile, PROFILES)
    for name, (value, profiles) in (only or {}).items():
        if value and profile not in profiles:
            raise InputError(
                f"{name} = {value!r} takes no effect in the profile {profile!r}; "
                f"leave it empty, or choose the profile {' or '.join(map(repr, profiles))}."
            )
    import torch

    from .plots import style

    torch.set_num_threads(1)
    style.apply()
    return Notebook(profile)


def _results() -> Path:
    return PROJECT / "figures" if os.environ.get(RENEW) == "1" else build_folder() / "figures"
