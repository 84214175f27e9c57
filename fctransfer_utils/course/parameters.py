"""What a notebook may be asked for: profile, data set, seed and its own parameters, checked before anything runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..errors import InputError, in_one_line, unknown
from ..fields import LARGEST
from ..files import expanded

PROFILES = ("read", "quick", "smoke", "full")
EXPLAINED = {
    "read": "trains nothing; redraws from the committed tables",
    "quick": "trains everything on rendered glyphs in minutes",
    "smoke": "the same path, tiny, for tests",
    "full": "real images and several seeds; hours",
}
PLAIN = (bool, int, float, str)
LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class Between:
    """What a parameter may be: a number from ``low`` to ``high``, whole where these are."""

    several: ClassVar[bool] = False
    low: float
    high: float

    def check(self, name: str, value: object) -> None:
        """Raises InputError for a value of another kind or outside."""
        if isinstance(value, (list, tuple)) != self.several:
            raise InputError(f"{name} = {value!r}; give {'a list of ' * self.several}{self}.")
        if self.several and not value:
            raise InputError(f"{name} is an empty list; give {self}.")
        for item in value if self.several else [value]:
            whole = isinstance(item, int) and not isinstance(item, bool)
            if not (whole or (isinstance(item, float) and isinstance(self.low, float))):
                raise InputError(f"{name} = {item!r} is a {type(item).__name__}; give {self}.")
            if not self.low <= item <= self.high:
                raise InputError(f"{name} = {item!r} is outside; give {self}.")

    def __str__(self) -> str:
        kind = "numbers" if isinstance(self.low, float) else "whole numbers"
        return f"{kind if self.several else 'a ' + kind[:-1]} from {self.low} to {self.high}"


class Several(Between):
    """A list of at least one such number."""

    several = True


def check_profile(value: object) -> str:
    """``value`` when it is a profile. Raises InputError."""
    if value not in PROFILES:
        words = "; ".join(f"{name}: {text}" for name, text in EXPLAINED.items())
        raise unknown("profile", value, PROFILES, mend=f"({words}.)")
    return str(value)


def check_data(value: object) -> str:
    """``value`` when it names a data set (``glyphs``, ``tiny-imagenet``, ..., ``folder:PATH``). Raises InputError."""
    from ..experiments.profiles import DATA

    allowed = (*DATA, "folder:PATH")
    if not isinstance(value, str):
        raise InputError(f"data {value!r} is not a text; allowed: {', '.join(allowed)}.")
    if value.startswith("folder:"):
        if not value.removeprefix("folder:").strip():
            raise InputError(f"data set {value!r} names no folder; write folder:PATH.")
        expanded(value.removeprefix("folder:"))
        return value
    if value not in DATA:
        raise unknown("data set", value, allowed)
    return value


def check_seed(value: object) -> int:
    """``value`` when it is a whole number from 0 to LARGEST_SEED. Raises InputError."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"seed {value!r} is not a whole number from 0 on; give a number such as 0.")
    if value > LARGEST_SEED:
        raise InputError(f"the seed has more than 32 bits; give a whole number from 0 to {LARGEST_SEED}.")
    return value


def check_parameter(name: str, value: object, *, allowed: Iterable[object] | Between | None = None) -> Any:
    """A notebook's own parameter: a plain value or a list of them, each among ``allowed`` where given.

    Raises InputError; also for a list that was passed as text, which is what a command line does to it, and for
    numbers that are not finite or have more than 63 bits.
    """
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    for item in values:
        _check_plain(name, item)
    if isinstance(allowed, Between):
        allowed.check(name, value)
        return value
    choices = None if allowed is None else list(allowed)
    for item in values:
        if choices is not None and not any(item == choice and type(item) is type(choice) for choice in choices):
            raise unknown(f"value of {name}", item, choices)
    return value


def _check_plain(name: str, item: object) -> None:
    if not isinstance(item, PLAIN):
        raise InputError(f"{name} = {item!r} is a {type(item).__name__}; give a number, a text, True or False.")
    if isinstance(item, str) and item.strip().startswith(("[", "{")):
        raise InputError(f"{name} = {item!r} is a text that looks like a list; give the list in a YAML file.")
    if isinstance(item, float) and not math.isfinite(item):
        raise InputError(f"{name} = {item!r} is no finite number; give one.")
    if isinstance(item, int) and abs(item) > LARGEST:
        raise InputError(f"{name} has more than 63 bits; give a smaller number.")


_ODD_YAML = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What PyYAML raises for values that are not what their tag says, such as the 40th of a month."""


def load_profile(path: Path, *, notebooks: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The parameters of each notebook in the YAML file ``path``: those under ``all``, then its own.

    Raises InputError when the file cannot be read or names a notebook that does not exist.
    """
    from ..optional import need

    yaml = need("yaml", "reading a profile", package="pyyaml")
    names = list(notebooks)
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError, *_ODD_YAML) as error:
        raise InputError(f"cannot read the profile {path.name}: {in_one_line(error)}; restore the file.") from error
    if not isinstance(content, Mapping) or not all(isinstance(part or {}, Mapping) for part in content.values()):
        raise InputError(
            f"the profile {path.name} must map 'all' or a notebook's name to parameters, such as 'all: {{seed: 0}}'."
        )
    for name in content:
        if name != "all" and name not in names:
            raise unknown(f"notebook in the profile {path.name}", name, ["all", *names])
    return {name: {**(content.get("all") or {}), **(content.get(name) or {})} for name in names}


def check_known(notebook: Path, given: Mapping[str, Any]) -> None:
    """Raises InputError when the parameters cell of ``notebook`` has none of the name, or another type, for a value."""
    known = inspected(notebook)
    for name, value in given.items():
        if name not in known:
            raise unknown(f"parameter of notebook {notebook.stem}", name, known)
        check_parameter(name, value)
        default = known[name]["default"]
        if _kind(default) is not None and not _fits(value, _kind(default)):
            raise InputError(
                f"parameter {name} of notebook {notebook.stem} is {value!r}; its default {default} is a"
                f" {_kind(default).__name__}, so give one too."
            )


def inspected(notebook: Path) -> dict[str, dict[str, str]]:
    """What papermill sees in the parameters cell: name -> default and help, both as text. Raises InputError."""
    import nbformat

    from ..optional import need

    papermill = need("papermill", "reading a notebook's parameters")
    try:
        content = nbformat.read(notebook, as_version=4)
    except (OSError, ValueError, AttributeError, nbformat.ValidationError) as error:
        raise InputError(
            f"cannot read the notebook {notebook.name}: {in_one_line(error)}; restore the file."
        ) from error
    # a notebook fresh from an editor may not say its kernel yet
    content.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python 3"}
    return papermill.inspect_notebook(content)


def _kind(default: str) -> type | None:
    """The type of a default as it stands in the parameters cell; None when it is no plain value."""
    from ast import literal_eval

    try:
        kind = type(literal_eval(default))
    except (ValueError, SyntaxError):
        return None
    return kind if kind in (*PLAIN, list) else None


def _fits(value: Any, kind: type) -> bool:
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is kind
