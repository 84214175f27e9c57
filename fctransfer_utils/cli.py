"""The command ``fctransfer``: run a study, see where it stands, write its table, execute the notebooks.

Nothing heavy is imported before a command needs it. Exit codes: 0 done, 1 a network that was verified lies outside the
tolerance, 2 bad input (one line on standard error), 3 the time limit was reached with work left, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from . import __version__, cli_run, cli_study, cli_verify
from .cli_output import BAD_INPUT, INTERRUPTED, OK, printable, say
from .cli_study import describes_study, execution_of, rates, study_of, words
from .errors import InputError
from .experiments.names import STUDIES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line ``arguments`` (default: those of the process) and return the exit code."""
    try:
        given = list(sys.argv[1:] if arguments is None else arguments)
        if given[:1] == ["bench"]:
            return _bench(given[1:])
        options = _parser().parse_args(given)
        return options.command(options)
    except InputError as error:
        sys.stderr.write(f"fctransfer: {printable(' '.join(str(error).splitlines()), sys.stderr)}\n")
        return BAD_INPUT
    except KeyboardInterrupt:
        sys.stderr.write("fctransfer: interrupted.\n")
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return OK


class _Parser(argparse.ArgumentParser):
    """argparse with its complaints in one line."""

    def error(self, message: str) -> Any:
        raise InputError(f"{message}. See: {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="fctransfer", description="Train and evaluate the course's studies.")
    parser.add_argument("--version", action="version", version=f"fctransfer {__version__}")
    commands = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    cli_run.add(commands.add_parser("run", help="train the networks of a study that are missing"))
    _add_status(commands.add_parser("status", help="what a store holds and what a study still needs"))
    _add_table(commands.add_parser("table", help="write a store's records as a tidy CSV table"))
    _add_notebooks(commands.add_parser("notebooks", help="execute the course's notebooks"))
    _add_report(commands.add_parser("report", help="write the report on all claims and figures as one HTML page"))
    _add_measure(commands.add_parser("measure", help="compute a table of measures from the networks in a store"))
    commands.add_parser("bench", help="this course's speed beside other loops (its options: fctransfer bench --help)")
    cli_verify.add(commands.add_parser("verify", help="train some committed networks again and compare"))
    _add_learning_rate(commands.add_parser("lr", help="compare learning rates by the stated procedure"))
    return parser


def commands() -> tuple[str, ...]:
    """The names of the commands."""
    actions = _parser()._subparsers._group_actions  # argparse has no public way to ask
    return tuple(actions[0].choices)


def _add_status(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_status)
    parser.add_argument("study", choices=STUDIES, nargs="?", default="transfer", help="default: transfer")
    parser.add_argument("--store", required=True, metavar="DIR")
    parser.add_argument("--table", metavar="CSV", help="rows of this table count as done")
    cli_study.add(parser, profile=None)


def _add_table(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_table)
    parser.add_argument("--store", action="append", default=[], metavar="DIR", help="may be given several times")
    parser.add_argument(
        "--merge", action="append", default=[], metavar="CSV", help="rows to keep; they win over a store's"
    )
    parser.add_argument("study", choices=STUDIES, nargs="?", default="transfer", help="default: transfer")
    parser.add_argument("--out", required=True, metavar="CSV")
    parser.add_argument(
        "--best", action="store_true", help="with the mean of the ten best accuracies of each network's curve"
    )
    cli_study.add(parser, profile=None)


def _add_notebooks(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_notebooks)
    parser.add_argument("profile", metavar="PROFILE", help="read, smoke, quick or full")
    parser.add_argument("--data", default="glyphs", metavar="NAME")
    parser.add_argument("--out", metavar="DIR", help="default: build/notebooks")
    parser.add_argument("--only", type=words, metavar="03,05", help="these notebooks only")
    parser.add_argument(
        "--side-by-side",
        type=int,
        metavar="N",
        help="at the same time; default: 2 where there are two cores and 8 GB of memory, else 1",
    )


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_report)
    parser.add_argument("--out", metavar="DIR", help="default: build/report")


def _add_measure(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_measure)
    parser.add_argument(
        "measure", metavar="NAME", help="keep_distances, fc_distances, firewall, explore_filters or explore_maps"
    )
    parser.add_argument("--store", required=True, metavar="DIR", help="where the source networks are kept")
    cli_study.add(parser, profile="quick")


def _add_learning_rate(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_learning_rate)
    cli_study.add(parser, profile="quick")
    parser.add_argument("--grid", type=rates, metavar="0.01,0.02,...", help="default: the procedure's own")
    parser.add_argument("--execution", metavar="DEVICE/PRECISION")


def _status(options: argparse.Namespace) -> int:
    from .experiments.status import store_lines, study_lines
    from .experiments.store import Store

    store = Store(options.store, create=False)
    lines = store_lines(store)
    if describes_study(options) or options.table:
        options.profile = options.profile or "quick"
        lines += study_lines(study_of(options), store, table=options.table)
    say("\n".join(lines))
    return OK


def _table(options: argparse.Namespace) -> int:
    from .experiments.store import Store
    from .experiments.table import merge, read_table, tidy, write_table

    if not options.store and not options.merge:
        raise InputError("nothing to write a table of; give --store DIR, --merge CSV or both.")
    old = [read_table(path) for path in options.merge]
    stored = [record for path in options.store for record in Store(path, create=False).records()]
    if describes_study(options):
        options.profile = options.profile or "quick"
        wanted = set(study_of(options).keys)
        stored = [record for record in stored if record.key in wanted]
    new = [tidy(stored, study=options.study, best=options.best)]
    rows = merge(*old, *new)
    write_table(rows, options.out)
    kept = len(merge(*old))
    say(f"{options.out}: {len(rows)} networks, {len(rows) - kept} of them new.")
    return OK


def _notebooks(options: argparse.Namespace) -> int:
    from .course.runner import run_notebooks

    chosen = {name: getattr(options, name) for name in ("profile", "data", "out", "only", "side_by_side")}
    return run_notebooks(**chosen)


def _report(options: argparse.Namespace) -> int:
    from .course.project import find_project
    from .course.report_html import write_report

    project = find_project()
    page = write_report(project, options.out)
    say(f"{project.shown(page)}: {page.stat().st_size / 1e6:.1f} MB, one file; print it from a browser for a PDF")
    return OK


def _measure(options: argparse.Namespace) -> int:
    from .course import measures

    options.study = measures.study_of(options.measure)
    if options.data_root:
        os.environ["FCTRANSFER_DATA"] = options.data_root
    folder = measures.measure(
        options.measure, study_of(options), profile=options.profile, data=options.data, store=options.store
    )
    say(f"{options.measure}: written to {folder}")
    return OK


def _learning_rate(options: argparse.Namespace) -> int:
    from .experiments.rates import rate_lines

    for line in rate_lines(
        study_of(options), data_root=options.data_root, grid=options.grid, execution=execution_of(options.execution)
    ):
        say(line)
    return OK


def _bench(arguments: Sequence[str]) -> int:
    """The benchmark lives beside the tests, with the peers that it compares: it is no part of an installed package."""
    import subprocess
    from pathlib import Path

    folder = Path(__file__).parents[1] / "tests"
    if not (folder / "benchmarks").is_dir():
        raise InputError(f"there is no benchmark in {folder}; run this command from a copy of the whole project.")
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run([sys.executable, "-m", "benchmarks", *arguments], env=environment, check=False).returncode
