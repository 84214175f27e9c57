"""The studies at the command line: their names and options, and the networks that these name (imports no torch)."""

from __future__ import annotations

import os
import re
import shlex
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .data.spec import SOURCES
from .errors import InputError, one_line, unknown
from .experiments import profiles, studies
from .experiments.store import Store
from .files import TABLES, build_folder
from .models.spec import NetSpec
from .training.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd

RATES = "learning_rate=0.005,0.01,0.02,0.04"


@dataclass(frozen=True)
class Entry:
    """A study: how it is made of its sizes and its ``options``, and an ``example`` of these.

    ``by``: the columns, besides the treatment, that tell its rows apart; ``measure``: what is compared.
    """

    about: str
    make: Callable[[profiles.Profile, Namespace], studies.Study]
    options: tuple[str, ...]
    example: str
    by: Callable[[Namespace], list[str]] = lambda options: ["n"]
    measure: str = "top1"


def _distant(sizes: profiles.Profile, options: Namespace) -> studies.Study:
    by_kind = "letters-symbols" if options.data == "glyphs" else "natural-manmade"
    return studies.distant(sizes, options.split or by_kind)


def _recipes(sizes: profiles.Profile, options: Namespace) -> studies.Study:
    whole = options.treatment in ("base", "long", "twice")
    if whole == bool(options.n):
        raise InputError(f"--treatment {options.treatment} {'has no --n' if whole else 'needs --n, from 1 to 7'}.")
    return studies.recipes(sizes, grid=_grid(options), treatment=options.treatment, n=options.n)


def _volumes(sizes: profiles.Profile, options: Namespace) -> studies.Study:
    import pandas as pd

    file = Path(options.recipes or TABLES / f"recipes_volumes_{options.data.replace('-', '_')}.csv")
    if not file.is_file():
        raise InputError(
            f"no rates for few images of {options.data!r} are known: there is no {shown(file)}. Give a table of "
            "studies.volume_search, as notebook 07 makes it: --recipes FILE."
        )
    try:
        chosen = studies.best_recipes(profiles.profile("full", options.data), pd.read_csv(file))
    except (ValueError, KeyError) as error:
        raise InputError(
            f"{shown(file)} is no table of rates and steps ({one_line(error)}); see notebook 07."
        ) from None
    return studies.volumes(sizes, chosen)


# Another study is an entry here; an option that no other study has is one in OPTIONS, too.
STUDIES = {
    "transfer": Entry(
        "layers 1..n copied from this half of the classes or the other, frozen or not (Figure 2)",
        lambda sizes, options: studies.transfer(sizes, split=options.split or "random"),
        ("replicates", "cuts", "split"),
        "--replicates 0-2 --cuts 1,4,7",
    ),
    "distant": Entry(
        "frozen copies between halves that differ in kind (Figure 3)",
        _distant,
        ("replicates", "cuts", "split"),
        "--split letters-symbols",
    ),
    "random-filters": Entry(
        "layers 1..n drawn at random and frozen (Figure 3, top right)",
        lambda sizes, options: studies.random_filters(sizes, split=options.split or "random"),
        ("replicates", "cuts", "split"),
        "--cuts 1-7",
    ),
    "volumes": Entry(
        "few images: from scratch, copied and frozen, or fine-tuned, each at its own rate (notebook 07)",
        _volumes,
        ("replicates", "recipes"),
        "--replicates 0-2",
        by=lambda options: ["per_class", "n"],
    ),
    "recipes": Entry(
        "rates and lengths, on classes and images that no other study judges",
        _recipes,
        ("grid", "treatment", "n"),
        "--grid learning_rate=0.005,0.01 --grid epochs=20,40",
        by=lambda options: [*_grid(options)],
        measure="validation_top1",
    ),
}


def _count(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,8}", text):
        raise ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


OPTIONS: dict[str, dict[str, Any]] = {
    "data": {"default": "glyphs", "choices": SOURCES, "help": "the images; default: glyphs"},
    "profile": {"default": "quick", "choices": profiles.PROFILES, "help": "how large; default: quick"},
    "store": {"metavar": "FOLDER", "help": "of records and weights; default: build/stores/DATA"},
    "replicates": {"metavar": "0-2,4", "help": "splits with a seed of their own; default: the profile's"},
    "cuts": {"metavar": "1,4-7", "help": "the n of every treatment; default: the profile's"},
    "split": {"metavar": "NAME", "help": "random, paper, letters-symbols, natural-manmade or paper-natural-manmade"},
    "recipes": {"metavar": "FILE", "help": "what studies.volume_search tried; default: the committed table"},
    "grid": {"action": "append", "metavar": "NAME=V,V", "help": f"may be repeated; default: {RATES}"},
    "treatment": {"default": "base", "metavar": "NAME", "help": "whose recipe: base (default), BnB, AnB+, ..."},
    "n": {"type": int, "default": 0, "choices": range(1, 8), "help": "for treatments with copied layers"},
    "root": {"metavar": "FOLDER", "help": "where images lie that are not rendered"},
    "workers": {"type": _count, "metavar": "N", "help": "processes; default: one a core"},
    "scheduler": {"default": "", "metavar": "tcp://HOST:PORT", "help": "train on a Dask cluster instead"},
    "device": {"default": "", "metavar": "NAME", "help": "cpu, cuda, cuda:1 or mps; default: a GPU where there is one"},
    "time-limit": {"type": _count, "default": 0, "metavar": "SECONDS", "help": "stop after so long"},
    "csv": {"metavar": "FILE", "help": "write a row for each network there"},
    "table": {"metavar": "TABLE", "help": "a CSV file of fctransfer table"},
    "count": {"type": _count, "default": 3, "metavar": "N", "help": "how many networks; default: 3"},
}


def add_options(parser: ArgumentParser, study: str, own: Sequence[str]) -> None:
    """The options that name networks of ``study``, and a command's ``own``."""
    for name in ("data", "profile", *STUDIES[study].options, *own):
        parser.add_argument(name if name == "table" else f"--{name}", **OPTIONS[name])
    parser.set_defaults(parser=parser)


def study_of(options: Namespace) -> studies.Study:
    """The networks that the options name. Raises InputError for what is no study."""
    chosen = _numbers("replicates", getattr(options, "replicates", None), range(1000))
    cuts = _numbers("cuts", getattr(options, "cuts", None), range(1, 8))
    changes: dict[str, Any] = {"replicates": chosen[-1] + 1} if chosen else {}
    changes |= {"cuts": cuts, "tuned_cuts": cuts} if cuts else {}
    rows = STUDIES[options.study].make(profiles.profile(options.profile, options.data, **changes), options)
    return [row for row in rows if not chosen or row[0]["replicate"] in chosen]


def store_of(options: Namespace) -> Store:
    """Where they are kept: as in the notebooks, if the options do not say otherwise."""
    return Store(options.store or build_folder() / "stores" / options.data)


def shown(path: Path) -> str:
    """``path`` as one would type it here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def again(verb: str, options: Namespace) -> str:
    """The command ``verb`` for the study and the store that ``options`` name."""
    words = ["fctransfer", verb, options.study]
    for name in ("data", "profile", *STUDIES[options.study].options, "store"):
        value = getattr(options, name)
        if value != options.parser.get_default(name):
            words += [word for each in (value if name == "grid" else [value]) for word in (f"--{name}", str(each))]
    return shlex.join(words)


@contextmanager
def training(options: Namespace, study: studies.Study) -> Iterator[dict[str, Any]]:
    """What the engine has to know, and a bar. Bad input is told here: nothing is trained before."""
    spec = study[0][1].data
    if options.device and not re.fullmatch("(cpu|cuda|mps)(:[0-9]+)?", options.device):
        raise unknown("device", options.device, ("cpu", "cuda", "mps"))
    if options.workers and options.scheduler:
        raise InputError("--workers has no effect beside --scheduler; give one of them.")
    if options.root and not spec.needs_files:
        raise InputError(f"--root has no effect, as images of {spec.name!r} are rendered; leave it out.")
    from tqdm import tqdm

    from .experiments.loader import Files
    from .experiments.train import loaded
    from .training.device import checked

    if options.device:
        checked(options.device)
    load = Files(str(Path(options.root).expanduser().absolute()) if options.root else None, progress=True)
    if summary := loaded(load, spec)[0].summary:
        print(summary, flush=True)
    with ExitStack() as bars:
        bar: Any = None

        def progress(done: int, total: int, record: object) -> None:
            nonlocal bar
            if record is None:  # a training begins
                bar = bars.enter_context(tqdm(total=total, unit="network", dynamic_ncols=True))
            bar.update(done - bar.n)

        yield {
            "load": load,
            "workers": 1 if options.scheduler else options.workers or os.cpu_count() or 1,
            "scheduler": options.scheduler,
            "device": options.device,
            "progress": progress,
        }


def accuracies(options: Namespace, study: studies.Study, store: Store) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row for each network that is trained, and the mean accuracy of every treatment in per cent."""
    from .analysis.effects import levels
    from .experiments.table import read

    rows, entry = read(study, store), STUDIES[options.study]
    if rows.empty:
        raise InputError(f"nothing of it lies in {shown(store.path)}; train it: {again('run', options)}")
    return rows, levels(rows, entry.by(options), measure=entry.measure)


def closing(options: Namespace, rows: pd.DataFrame, means: pd.DataFrame) -> str:
    """The accuracies by treatment as text, and what is in no mean."""
    import pandas as pd

    entry = STUDIES[options.study]
    across, *down = entry.by(options)
    means["treatment"] = pd.Categorical(means["treatment"], means["treatment"].unique())  # in the order of the study
    wide = means.pivot(index=["treatment", *down], columns=across, values="mean")
    wide = wide.rename(columns=lambda value: "-" if across == "n" and value == 0 else str(value))
    rows_of = wide.index.to_frame().itertuples(index=False)
    wide.index = [", ".join([name, *map("{} {}".format, down, values)]) for name, *values in rows_of]
    counts = [str(count) for count in sorted(set(means["count"]))]
    lines = [
        wide.to_string(float_format="{:.1f}".format, na_rep=""),
        f"{entry.measure} in per cent; replicates behind each mean: {' to '.join(counts[:: len(counts) - 1 or 1])}",
    ]
    lines += [f"diverged: {named(row, options)}" for row in rows[rows["diverged"]].to_dict("records")]
    lines += [f"not counted: {reason}" for reason in dict.fromkeys(means["left_out"]) if reason]
    return "\n".join(lines)


def named(row: Mapping[str, Any], options: Namespace) -> str:
    """The network of a table's row in words."""
    names = (*STUDIES[options.study].by(options), "target", "replicate")
    return ", ".join([row["treatment"], *(f"{name} {row[name]}" for name in names)])


def _numbers(option: str, text: str | None, allowed: range) -> tuple[int, ...]:
    """``0-2,4`` as (0, 1, 2, 4), each once and rising; nothing without a text."""
    found: set[int] = set()
    for word in text.split(",") if text is not None else ():
        ends = re.fullmatch("([0-9]{1,3})(?:-([0-9]{1,3}))?", word.strip())
        several = range(int(ends[1]), int(ends[2] or ends[1]) + 1) if ends else range(0)
        if not several or not set(several) <= set(allowed):
            raise InputError(f"--{option} {text!r} is no list of numbers from {allowed[0]} to {allowed[-1]}, as 1-3,5.")
        found.update(several)
    return tuple(sorted(found))


def _grid(options: Namespace) -> dict[str, tuple[Any, ...]]:
    """The values to search over, each of its field's type."""
    kinds = {field.name: field.type for field in (*fields(NetSpec), *fields(Recipe))}
    grid: dict[str, dict[Any, None]] = {}
    for text in options.grid or [RATES]:
        name, _, values = text.partition("=")
        if name not in kinds:
            raise unknown("value to search over", name, kinds)
        try:
            kind = {"int": int, "float": float}.get(kinds[name], str)
            grid.setdefault(name, {}).update(dict.fromkeys(map(kind, values.split(","))))
        except ValueError:
            raise InputError(f"--grid {text!r} has no values of {name}; give them as in {RATES}.") from None
    return {name: tuple(values) for name, values in grid.items()}
