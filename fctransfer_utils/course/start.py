"""The first call of every notebook."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import InputError
from . import show
from .lesson import Course
from .memory import OWN, no_room
from .parameters import Between, check_data, check_parameter, check_profile, check_seed
from .project import find_project

RENEW = "FCTRANSFER_RENEW"
ONE_AT_A_TIME = (
    "There is little memory here: keep one notebook open at a time. Before you open the next one, end this one's kernel"
    " (menu Kernel, Shut Down Kernel)."
)


def start(
    notebook: str,
    *,
    profile: str = "read",
    data: str = "glyphs",
    seed: int = 0,
    allowed: Mapping[str, Iterable[object] | Between] | None = None,
    **parameters: Any,
) -> Course:
    """Check every parameter, set seeds, one thread and the plot style, and print one line of provenance.

    ``notebook`` is the file's name without ``.ipynb``; ``parameters`` are the notebook's own, ``allowed`` the values
    that some of them may take. Raises InputError that names the value, what is allowed and how to mend it,
    also where nothing can be written.
    """
    profile, data, seed = check_profile(profile), check_data(data), check_seed(seed)
    for name in allowed or {}:
        if name not in parameters:
            raise InputError(f"values are allowed for {name!r}, but start was not given that parameter.")
    own = {name: check_parameter(name, value, allowed=(allowed or {}).get(name)) for name, value in parameters.items()}
    renew = renewing()
    if renew and profile == "smoke":
        raise InputError(
            f"{RENEW} is set, which replaces the committed figures, but the profile 'smoke' only tests mechanics; use"
            f" 'read', 'quick' or 'full', or unset {RENEW}."
        )
    run = Course(
        notebook=notebook, profile=profile, data=data, seed=seed, parameters=own, project=find_project(), renew=renew
    )
    run.project.check_writable()
    _settle(seed)
    show.line(_provenance(run))
    if no_room(OWN, limits=()):  # for a second notebook, on Binder or where JupyterHub sets a limit
        show.line(ONE_AT_A_TIME)
    return run


def _settle(seed: int) -> None:
    import matplotlib as mpl
    import torch

    from ..plots.style import STYLE

    torch.manual_seed(seed)
    # on one thread sums are added in one order, so numbers are the same on every run
    torch.set_num_threads(1)
    mpl.rcParams.update(STYLE)


def _provenance(run: Course) -> str:
    """What made the outputs below; in ``read`` nothing that differs between machines."""
    from .. import __version__

    parts = [f"profile {run.profile}", f"data {run.data}", f"seed {run.seed}"]
    parts += [f"{name} {value}" for name, value in run.parameters.items()]
    parts.append(f"fctransfer {__version__}")
    if not run.trains:
        return " · ".join([*parts, "nothing is trained: numbers come from figures/data"])
    import torch

    return " · ".join([*parts, f"torch {torch.__version__}", _device()])


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return "mps" if torch.backends.mps.is_available() else f"{usable_cores()} CPU cores"


def renewing() -> bool:
    """Whether FCTRANSFER_RENEW says that the committed figures are replaced."""
    return os.environ.get(RENEW, "") not in ("", "0")


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
