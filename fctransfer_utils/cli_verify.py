"""``fctransfer verify``: train some networks of the committed evidence again and compare."""

from __future__ import annotations

import argparse

from .cli_output import OK, OUTSIDE, TIME_LIMIT, say
from .experiments.names import STUDIES
from .scratch import scratch_folder


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.set_defaults(command=verify)
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=f"default: {' '.join(STUDIES)}")
    parser.add_argument("--data", default="glyphs", metavar="NAME", help="rows of this data set; default: glyphs")
    parser.add_argument("--data-root", metavar="DIR", help="where the public sets lie")
    parser.add_argument("--sample", type=int, default=4, metavar="N", help="networks to draw; default: 4")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the draw; default: 0")
    parser.add_argument("--tolerance", type=float, metavar="POINTS", help="of top-1; default: by the test images")
    parser.add_argument("--store", metavar="DIR", help="keep what is trained; default: nothing is kept")
    parser.add_argument("--workers", type=int, default=1, metavar="N")
    parser.add_argument("--time-limit", type=float, metavar="SECONDS")
    parser.add_argument("--execution", metavar="DEVICE/PRECISION", help="default: that of the committed rows")
    parser.add_argument(
        "--instructions", metavar="NAME", help="newest ones of the processor, as oneDNN calls them; default: likewise"
    )


def verify(options: argparse.Namespace) -> int:
    """0: all that were trained lie within the tolerance; 1: some do not; 3: the time limit came before the last."""
    from .course.project import find_project
    from .experiments import verify as evidence
    from .experiments.record import versions
    from .experiments.store import Store
    from .training.execution import parse

    project = find_project()
    tables = [path for name in STUDIES if (path := project.evidence(name)).exists()]
    among = evidence.candidates(tables, data=options.data)
    chosen = evidence.sample(among, count=options.sample, seed=options.seed, studies=options.studies)
    say(f"{len(chosen)} of {len(among)} networks on {options.data}, drawn by seed {options.seed}:")
    with scratch_folder() as scratch:
        found = evidence.verify(
            chosen,
            among,
            Store(options.store or f"{scratch}/store"),
            tolerance=None if options.tolerance is None else options.tolerance / 100,
            workers=options.workers,
            execution=parse(options.execution) if options.execution else None,
            newest=options.instructions,
            time_limit=options.time_limit,
            data_root=options.data_root,
        )
    say("\n".join(evidence.lines(found, versions=versions())))
    if any(not each.within for each in found.compared):
        return OUTSIDE
    return TIME_LIMIT if found.lost else OK
