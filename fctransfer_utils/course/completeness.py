"""The ML Code Completeness Checklist, answered by what lies in the project: each answer is tested, none is asserted.

The five items are those that reviewers of published code ask for (github.com/paperswithcode/releasing-research-code).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import InputError
from .generated import part_of
from .project import Project

WEIGHTS = ("*.safetensors", "*.pt", "*.pth", "*.ckpt", "*.npz")
COMMITTED = ("binder", "figures", "fctransfer_utils", "notebooks", "tests")


@dataclass(frozen=True)
class Proof:
    """One thing that must be so for an answer to be right, and what to do when it is not."""

    statement: str
    holds: bool
    mend: str


@dataclass(frozen=True)
class Item:
    """One item of the list: the answer given, in words, and what proves it."""

    name: str
    answer: str
    told: str
    proofs: tuple[Proof, ...]

    @property
    def missing(self) -> list[str]:
        """What is not as the answer says, each with how to mend it; empty when the answer is right."""
        return [f"{proof.statement}: not so; {proof.mend}" for proof in self.proofs if not proof.holds]


def checklist(project: Project) -> tuple[Item, ...]:
    """The five items with their proofs, looked up now."""
    return (
        Item(
            "Dependencies",
            "yes",
            "`requirements.txt` pins every package, `environment.yml` is for conda and `binder/` for Binder;"
            " `make course` installs them.",
            (
                _file(project, "requirements.txt"),
                _pinned(project, "torch"),
                _file(project, "environment.yml"),
                _file(project, "binder/environment.yml"),
                _verb(project, "course"),
            ),
        ),
        Item(
            "Training code",
            "yes",
            "`fctransfer run STUDY` trains what a study lacks and goes on where it stopped; README.md has the options"
            " of every table.",
            (
                _command(project, "run"),
                *(_options(project, study) for study in _studies()),
            ),
        ),
        Item(
            "Evaluation code",
            "yes",
            "`fctransfer table` writes the records as a table, `fctransfer measure` looks into the networks, and the"
            " notebooks turn tables into figures and verdicts.",
            (
                _command(project, "table"),
                _command(project, "measure"),
                _verb(project, "evidence"),
                Proof("there are notebooks", bool(project.notebook_files()), "restore notebooks/."),
            ),
        ),
        Item(
            "Pre-trained models",
            "no",
            "No weights are committed. What stands in for them: a record per network (accuracy, recipe, key) in"
            " `figures/data`, and the commands that train the networks again, in minutes on glyphs.",
            (_no_weights(project), *(_table(project, study) for study in _studies())),
        ),
        Item(
            "Results with the commands behind them",
            "yes",
            "README.md has every claim with its published number, ours, the verdict and the notebook, and the command"
            " of each table; `make report` writes this report.",
            (
                _generated(project, "results"),
                _generated(project, "zhang"),
                _generated(project, "commands"),
                _verb(project, "report"),
                _file(project, "figures/expected.json"),
            ),
        ),
    )


def _studies() -> tuple[str, ...]:
    from ..experiments.names import STUDIES

    return STUDIES


def _file(project: Project, name: str) -> Proof:
    return Proof(f"{name} exists", (project.root / name).is_file(), "restore it from the project.")


def _table(project: Project, study: str) -> Proof:
    path = project.evidence(study)
    mend = f"write it with: fctransfer table {study}."
    return Proof(f"{project.shown(path)} holds the records", path.is_file(), mend)


def _pinned(project: Project, package: str) -> Proof:
    pinned = re.search(rf"^{package}==\S+", _text(project, "requirements.txt"), re.MULTILINE)
    return Proof(f"requirements.txt pins {package}", bool(pinned), "pin it to one version.")


def _verb(project: Project, name: str) -> Proof:
    """That the Makefile has the verb and README.md tells of it."""
    there = re.search(rf"^{name}:", _text(project, "Makefile"), re.MULTILINE)
    told = f"make {name}" in _text(project, "README.md")
    return Proof(f"`make {name}` exists and README.md tells of it", bool(there) and told, "add what is missing.")


def _command(project: Project, name: str) -> Proof:
    """That the command line knows the command and README.md tells of it."""
    from ..cli import commands

    told = re.search(rf"fctransfer {name}\b", _text(project, "README.md"))
    holds = name in commands() and bool(told)
    return Proof(f"`fctransfer {name}` exists and README.md tells of it", holds, "add what is missing.")


def _options(project: Project, study: str) -> Proof:
    row = f"| `{study}.csv` | "
    return Proof(f"README.md has the options of {study}.csv", row in _text(project, "README.md"), "run: make format.")


def _generated(project: Project, part: str) -> Proof:
    """That README.md has the generated part and a table in it."""
    rows = (part_of(_text(project, "README.md"), part) or "").count("\n|")
    return Proof(f"README.md has the table of {part}", rows > 2, "add its marks and run: make format.")


def _no_weights(project: Project) -> Proof:
    folders = [project.root / name for name in COMMITTED]
    weights = [path for folder in folders for kind in WEIGHTS for path in folder.rglob(kind)]
    mend = f"say so here instead, or remove {project.shown(weights[0])}." if weights else ""
    return Proof("no weights are among the committed files", not weights, mend)


def _text(project: Project, name: str) -> str:
    try:
        return (project.root / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {name}: {error}; restore it from the project.") from error
