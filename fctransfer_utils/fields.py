"""The fields of a specification hold what they declare, whether they come from a caller, from JSON or from YAML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from functools import cache, lru_cache
from numbers import Integral, Real
from typing import Any, get_args, get_origin, get_type_hints

from .errors import InputError

LARGEST = 2**63 - 1
"""Whole numbers beyond this fit into no array and no other program."""


def settle_fields(spec: Any) -> None:
    """Bring the numbers in the frozen dataclass ``spec`` to their declared types; call it first in ``__post_init__``.

    A whole number where a float is declared becomes one, numpy's numbers become Python's: equal specifications have
    equal JSON, and so one key. Raises InputError for a value of another type.
    """
    for name, kind in _kinds(type(spec)).items():
        value = getattr(spec, name)
        if type(value) is kind and kind not in (int, float):
            continue  # thousands of records are read at once, and nearly all values are what they should be
        settled = _settled(name, value, kind)
        if settled is not value:
            object.__setattr__(spec, name, settled)


@cache
def _kinds(cls: type) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in fields(cls)}


def plain(spec: Any) -> dict[str, Any]:
    """The fields of a dataclass by name, those of dataclasses in it as well: ``dataclasses.asdict`` without copies."""
    values = ((name, getattr(spec, name)) for name in _kinds(type(spec)))
    return {
        name: value if type(value) in _SIMPLE or not is_dataclass(value) else dict(_plain(value))
        for name, value in values
    }


_SIMPLE = frozenset((str, int, float, bool, type(None)))


@lru_cache(maxsize=1024)
def _plain(part: Any) -> dict[str, Any]:
    """Thousands of specifications have the same parts."""
    return plain(part)


def _settled(name: str, value: Any, kind: Any) -> Any:
    if type(value) is int is kind and -LARGEST <= value <= LARGEST:
        return value
    if type(value) is float is kind:
        return value + 0.0  # -0.0 and 0.0 are one number, but two texts
    number = isinstance(value, Real) and not isinstance(value, bool)
    if kind is int and number and isinstance(value, Integral):
        if abs(value) > LARGEST:
            raise InputError(f"{name} has more than 63 bits; give a whole number of at most {LARGEST}.")
        return value if type(value) is int else int(value)
    if kind is float and number:
        try:
            return float(value) + 0.0
        except OverflowError:
            raise InputError(f"{name} is too large for a number with a decimal point; give a smaller one.") from None
    if get_origin(kind) is Sequence:
        return _settled_items(name, value, get_args(kind)[0])
    if get_origin(kind) is tuple:
        if not isinstance(value, (list, tuple)) or len(value) != len(get_args(kind)):
            raise InputError(f"{name} {value!r} holds no {len(get_args(kind))} values; give as many.")
        return tuple(_settled(name, item, each) for item, each in zip(value, get_args(kind), strict=True))
    if kind in (int, float) or not isinstance(value, kind):
        wanted = getattr(kind, "__name__", str(kind))
        raise InputError(f"{name} {value!r} is a {type(value).__name__}; give {_ARTICLES.get(wanted, wanted)}.")
    return value


def _settled_items(name: str, value: Any, kind: Any) -> tuple[Any, ...]:
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise InputError(f"{name} {value!r} is a {type(value).__name__}; give a list.")
    return tuple(_settled(name, item, kind) for item in value)


_ARTICLES = {"int": "a whole number", "float": "a number", "str": "a text", "bool": "True or False"}
