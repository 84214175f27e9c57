"""Where the project lies, found from any working directory, and where things lie in it."""

from __future__ import annotations

import os
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError

NAME = "fctransfer"
VARIABLE = "FCTRANSFER_PROJECT"
BUILD = "FCTRANSFER_BUILD"


@dataclass(frozen=True)
class Project:
    """The folder of the project. What is committed lies beside its pyproject.toml, what a run makes in ``build/``."""

    root: Path

    @property
    def notebooks(self) -> Path:
        """The course itself."""
        return self.root / "notebooks"

    @property
    def figures(self) -> Path:
        """The committed figures; ``data/`` in it holds the tables behind them."""
        return self.root / "figures"

    @property
    def build(self) -> Path:
        """Everything that a run makes: FCTRANSFER_BUILD, else ``build/``."""
        given = os.environ.get(BUILD)
        return Path(given).expanduser().absolute() if given else self.root / "build"

    @property
    def data(self) -> Path:
        """Where image sets lie or are downloaded to: FCTRANSFER_DATA, else ``build/data``."""
        given = os.environ.get("FCTRANSFER_DATA")
        return Path(given).expanduser().absolute() if given else self.build / "data"

    def evidence(self, name: str) -> Path:
        """The committed table of that name."""
        return self.figures / "data" / f"{name}.csv"

    def profile(self, name: str) -> Path:
        """The parameters of the notebooks in a profile."""
        return self.notebooks / "profiles" / f"{name}.yaml"

    def claims(self, profile: str, notebook: str) -> Path:
        """What a notebook found when it ran last in that profile."""
        return self.build / "claims" / profile / f"{notebook}.json"

    def check_writable(self) -> None:
        """Raises InputError when nothing can be written to ``build``, which is made where it is missing."""
        try:
            self.build.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.build):
                pass
        except OSError as error:
            own = Path.home() / NAME
            raise InputError(
                f"nothing can be written to {str(self.build)!r} ({error.strerror}); set {BUILD} to a folder that you"
                f" may write in, such as {str(own)!r}."
            ) from error

    def shown(self, path: Path) -> str:
        """``path`` as a reader sees it, the same on every machine: relative to the project, with forward slashes."""
        path = Path(path)
        for folder, name in ((self.build, "build"), (self.root, "")):
            if path.is_relative_to(folder):
                return (Path(name) / path.relative_to(folder)).as_posix()
        return str(path)

    def notebook_files(self) -> list[Path]:
        """All notebooks in order."""
        return sorted(self.notebooks.glob("[0-9][0-9]_*.ipynb"))


def find_project(start: Path | str | None = None) -> Project:
    """The project that FCTRANSFER_PROJECT names, else the one around ``start`` (default: the working directory), else
    the one that this package lies in. Raises InputError when there is none.
    """
    given = os.environ.get(VARIABLE)
    if given:
        root = Path(given).expanduser().absolute()
        if not _is_project(root):
            raise InputError(
                f"{VARIABLE} is {given!r}, but there is no pyproject.toml of {NAME} in that folder; set it to the"
                " folder that was cloned, or unset it."
            )
        return Project(root)
    here = Path(start or Path.cwd()).absolute()
    package = Path(__file__).resolve().parents[2]
    for folder in (here, *here.parents, package):
        if _is_project(folder):
            return Project(folder)
    raise InputError(
        f"the working directory {str(here)!r} lies in no clone of the project, and the package was not installed from"
        f" one; change into the cloned folder, or set {VARIABLE} to it."
    )


def _is_project(folder: Path) -> bool:
    try:
        described = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False
    return described.get("project", {}).get("name") == NAME
