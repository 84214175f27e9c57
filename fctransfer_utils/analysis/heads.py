"""Heads compared: where each one ends, how its curves read, and whether the best beats a linear one."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ..errors import InputError
from .estimates import Estimate
from .fit import readings
from .learning import accuracy_difference

LINEAR = "linear"
AT_THE_END = ("hidden", "width", "parameters", "seconds", "test_top1", "test_images")


def head_table(curves: pd.DataFrame, *, by: str = "condition") -> pd.DataFrame:
    """A row per ``by`` and ``head``: its reading (see ``analysis.fit``) and what it had at the end of training.

    ``curves`` has a row per epoch, with ``by``, ``head``, the columns of ``analysis.fit`` and ``AT_THE_END``. Raises
    InputError when one is missing.
    """
    missing = [name for name in (by, "head", *AT_THE_END) if name not in curves.columns]
    if missing or not len(curves):
        raise InputError(f"not a table of trained heads: it lacks {', '.join(missing) or 'rows'}.")
    parts = [readings(part).assign(**{by: name}) for name, part in curves.groupby(by, sort=False)]
    ends = curves.sort_values("epoch", kind="stable").groupby([by, "head"], sort=False).tail(1)
    found = pd.concat(parts, ignore_index=True).merge(ends[[by, "head", *AT_THE_END]], on=[by, "head"])
    return found[[by, *(name for name in found.columns if name != by)]]


@dataclass(frozen=True)
class Best:
    """The head of a condition that validates best, and its gain over the linear head on the test images, in points.

    ``gain`` is None where the linear head is the best or was not trained; ``linear_parameters`` is 0 then.
    """

    condition: str
    head: str
    parameters: int
    test_top1: float
    gain: Estimate | None
    linear_parameters: int

    @property
    def words(self) -> str:
        """Whether its interval lies above 0, below it, or holds it."""
        if self.gain is None:
            return "itself the linear one" if self.head == LINEAR else "there is no linear head to compare with"
        if self.gain.low > 0:
            return "clearly better than linear"
        return "clearly worse than linear" if self.gain.high < 0 else "not to be told apart from linear"


def best_heads(table: pd.DataFrame, *, by: str = "condition") -> list[Best]:
    """The best head of each condition of a ``head_table``: chosen by validation top-1, compared on the test images.

    Among equals the one with fewer parameters is taken. The interval of the gain holds the chance of the test images
    only (see ``analysis.learning.accuracy_difference``).
    """
    found = []
    for name, part in table.groupby(by, sort=False):
        top = part.sort_values(["validation_top1", "parameters"], ascending=[False, True], kind="stable").iloc[0]
        linear = part[part["head"] == LINEAR]
        gain, parameters = None, 0
        if len(linear) and top["head"] != LINEAR:
            other, count = linear.iloc[0], int(top["test_images"])
            gain = accuracy_difference(top["test_top1"], other["test_top1"], images=(count, count))
            parameters = int(other["parameters"])
        found.append(
            Best(str(name), str(top["head"]), int(top["parameters"]), float(top["test_top1"]), gain, parameters)
        )
    return found
