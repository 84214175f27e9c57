"""Which classes are learnt and which are "other" (imports no torch)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError

Halves = tuple[tuple[int, ...], tuple[int, ...]]

TUNE = -1  # the replicate on which rates and lengths are chosen

# Yosinski et al.'s natural half of ImageNet's 1000 classes in alphabetical order of their wnids: 449 classes.
NATURAL = frozenset([*range(398), *range(936, 959), 970, *range(972, 999)])


def random_halves(classes: int, split: int) -> Halves:
    """The random halves A and B of ``classes`` classes by the recipe of the published split files.

    numpy's old generator, seeded with a list: ``RandomState([s])`` gives other halves than ``RandomState(s)``.
    """
    if classes < 4:
        raise InputError(f"{classes} classes have no halves of at least two classes; give 4 classes or more.")
    first = np.random.RandomState([split]).choice(np.arange(classes), classes // 2, replace=False)
    return complementary(classes, sorted(first.tolist()))


def set_aside(classes: int) -> frozenset[int]:
    """The fifth of all classes on which rates and lengths are chosen; no judged replicate sees one of them."""
    return frozenset(_shuffled(classes)[: classes // 5].tolist())


def _shuffled(classes: int) -> np.ndarray:
    return np.random.RandomState([classes]).permutation(classes)


def replicate_halves(classes: int, *, each: int, replicate: int) -> Halves:
    """Halves A and B of ``each`` random classes for a replicate, numbered from 0, or for ``TUNE``.

    Those of ``TUNE`` are from the classes that are ``set_aside``, all others from the rest.
    """
    aside = set_aside(classes)
    pool = np.array([each for each in _shuffled(classes) if (each in aside) == (replicate == TUNE)], dtype=int)
    if not 2 <= each <= len(pool) // 2:
        where = "set aside for tuning" if replicate == TUNE else "left for replicates"
        mend = f"give 2 to {len(pool) // 2} classes a half." if len(pool) >= 4 else "take a set of more classes."
        raise InputError(
            f"two halves of {each} classes cannot be drawn from the {len(pool)} of {classes} classes {where}; {mend}"
        )
    chosen = np.random.RandomState([replicate + 1]).choice(pool, 2 * each, replace=False)
    return tuple(sorted(chosen[:each].tolist())), tuple(sorted(chosen[each:].tolist()))


def complementary(classes: int, first: Sequence[int]) -> Halves:
    """Half A and all classes that are not in it."""
    inside = set(first)
    return tuple(first), tuple(each for each in range(classes) if each not in inside)


def balanced(halves: Halves, *, each: int, seed: int) -> Halves:
    """``each`` random classes of both halves, where a comparison needs halves of one size (0: the halves as they are).

    Raises InputError for halves without as many, or without two classes to tell apart.
    """
    most = min(len(half) for half in halves)
    if not 2 <= (each or most) <= most:
        mend = f"ask for 2 to {most}" if most >= 2 else "take a set of more classes"
        found = " and ".join(str(len(half)) for half in halves)
        raise InputError(f"two halves of {each or 2} classes cannot be drawn from halves of {found}; {mend}.")
    chance = np.random.RandomState([seed])
    first, second = (sorted(chance.choice(half, each, replace=False).tolist()) if each else half for half in halves)
    return tuple(first), tuple(second)
