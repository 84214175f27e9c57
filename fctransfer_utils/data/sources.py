"""The images of a ``DataSpec``: rendered, public, or the reader's own folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputError, unknown
from . import documents, folders, glyphs, public
from .images import Images
from .spec import DataSpec
from .splits import TUNE, Halves, balanced, random_halves, replicate_halves, set_aside


@dataclass(frozen=True)
class Source:
    """What is learnt and what is tested, and the halves of classes that have a name (such as "natural-manmade").

    ``summary``: of a reader's own folder, in words, what came in and what did not.
    """

    train: Images
    test: Images
    distant: dict[str, Halves] = field(default_factory=dict)
    summary: str = ""

    def halves(self, split: str, *, each: int = 0, replicate: int = 0) -> Halves:
        """The classes of A and B. ``split``: "random" (``each`` classes a half, drawn for ``replicate``; 0: as many as
        there are) or the name of distant halves; there ``each`` balances their sizes, and classes that are set aside
        are in neither. "paper" and "paper-natural-manmade" are Yosinski et al.'s halves of all classes.

        Raises InputError for a split that these images do not know.
        """
        classes = len(self.train.classes)
        if split == "random":
            aside = len(set_aside(classes))
            most = (aside if replicate == TUNE else classes - aside) // 2
            return replicate_halves(classes, each=each or most, replicate=replicate)
        if split == "paper":
            return random_halves(classes, replicate)
        if split == "paper-natural-manmade" and "natural-manmade" in self.distant:
            return self.distant["natural-manmade"]
        if split not in self.distant:
            raise unknown("split of these images", split, ("random", "paper", *self.distant))
        aside = set_aside(classes)
        halves = tuple(tuple(c for c in half if (c in aside) == (replicate == TUNE)) for half in self.distant[split])
        return balanced(halves, each=each, seed=replicate + 1)


def load(spec: DataSpec, root: str | Path | None = None, *, progress: bool = False) -> Source:
    """The images of ``spec``; ``root`` is the folder of a set that is not rendered."""
    if spec.needs_files and not root:
        raise InputError(f"the images of {spec.name!r} lie in a folder of yours; name it (--root FOLDER).")
    if spec.name == "folder":
        found = folders.read_folder(root, size=spec.size, progress=progress)
        return Source(found.train, found.test, public.halves_of(spec.name, found.train), str(found.summary))
    if spec.needs_files:
        train, test = public.read_public(spec.name, root, size=spec.size, progress=progress)
        return Source(train, test, public.halves_of(spec.name, train))
    given = {name: getattr(spec, name) for name in ("classes", "per_class", "test_per_class") if getattr(spec, name)}
    render = {"glyphs": glyphs.glyphs, "textures": glyphs.textures, "documents": documents.documents}[spec.name]
    train, test = render(size=spec.size, **given)
    kinds = {"letters-symbols": glyphs.letters_symbols(len(train.classes))} if spec.name == "glyphs" else {}
    return Source(train, test, kinds)
