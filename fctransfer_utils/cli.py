"""The command ``fctransfer``: run a study, see where it stands, write its table, execute the notebooks.

Nothing heavy is imported before a command needs it. Exit codes: 0 done, 1 a network that was verified lies outside the
tolerance, 2 bad input (one line on standard error), 3 the time limit was reached with work left, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from . import __version__, cli_verify
from .errors import InputError, unknown
from .experiments.names import STUDIES

OK, BAD_INPUT, TIME_LIMIT, INTERRUPTED = 0, 2, 3, 130
MOST_NUMBERS = 1000
_STUDY_OPTIONS = (
    "seeds", "splits", "directions", "treatments", "cuts", "net", "width", "batch_norm", "dropout", "init", "epochs",
    "batch_size", "learning_rate", "steps", "schedule", "drop_every", "crop", "image_size", "images_per_class",
    "glyph_classes", "glyphs_per_class", "volumes",
    "few_steps", "long_epochs", "labels", "keep_steps", "targets", "arms", "protocols",
    "rates", "fc_steps", "views",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line ``arguments`` (default: those of the process) and return the exit code."""
    try:
        given = list(sys.argv[1:] if arguments is None else arguments)
        if given[:1] == ["bench"]:
            return _bench(given[1:])
        options = _parser().parse_args(given)
        return options.command(options)
    except InputError as error:
        sys.stderr.write(f"fctransfer: {_printable(' '.join(str(error).splitlines()), sys.stderr)}\n")
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
    _add_run(commands.add_parser("run", help="train the networks of a study that are missing"))
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


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_run)
    parser.add_argument("study", choices=STUDIES, help="which study")
    parser.add_argument("--store", required=True, metavar="DIR", help="where records and weights are kept")
    _add_study(parser, profile="quick")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes of one thread (1: this one)")
    parser.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="train on an existing Dask cluster")
    parser.add_argument("--time-limit", type=float, metavar="SECONDS", help="end cleanly after so long")
    parser.add_argument("--table", metavar="CSV", help="rows of this table count as done")
    parser.add_argument("--checkpoints", metavar="DIR", help="where networks are kept while they learn; default: STORE")
    parser.add_argument(
        "--checkpoint-every", type=float, default=600.0, metavar="SECONDS", help="default: 600; 0: every evaluation"
    )
    parser.add_argument(
        "--plan", action="store_true", help="only tell what is left: work, memory, disk and time; train nothing"
    )
    parser.add_argument("--keep-weights", choices=("donors", "all"), default="donors", help="default: donors")
    parser.add_argument(
        "--execution", metavar="DEVICE/PRECISION", help="such as cpu/float32; default: by a short probe"
    )


def _add_study(parser: argparse.ArgumentParser, *, profile: str | None) -> None:
    group = parser.add_argument_group("the study (what is left out comes from the profile)")
    group.add_argument("--profile", default=profile, metavar="smoke|quick|full|paper", help=f"default: {profile}")
    group.add_argument(
        "--data", default="glyphs", metavar="NAME", help="glyphs, tiny-imagenet, cifar10, folder:PATH ..."
    )
    group.add_argument("--data-root", metavar="DIR", help="where the public sets lie or are downloaded to")
    group.add_argument("--seeds", type=_numbers, metavar="0,1|0-4")
    group.add_argument("--splits", type=_words, metavar="random0,random1")
    group.add_argument("--directions", type=_directions, metavar="A-B,B-A", help="source-target")
    group.add_argument("--treatments", type=_words, metavar="base,BnB,...")
    group.add_argument("--cuts", type=_numbers, metavar="1-7|1,4,7")
    group.add_argument("--net", metavar="NAME", help="alexnet_mini, alexnet or caffenet")
    group.add_argument("--width", type=int, metavar="W", help="filters of conv1 of alexnet_mini, a multiple of 12")
    group.add_argument("--batch-norm", action="store_true", default=None)
    group.add_argument("--dropout", type=float, metavar="P", help="in fc6 and fc7")
    group.add_argument(
        "--init", metavar="he|gaussian", help="how new layers are drawn: He, or the 2014 paper's Gaussian"
    )
    group.add_argument("--epochs", type=int, metavar="N")
    group.add_argument("--batch-size", type=int, metavar="N")
    group.add_argument("--learning-rate", type=float, metavar="RATE")
    group.add_argument("--steps", type=int, metavar="N", help="between two evaluations; default: one pass")
    group.add_argument("--schedule", metavar="linear|step", help="how the learning rate falls")
    group.add_argument("--drop-every", type=int, metavar="N", help="schedule step: steps until it is divided by 10")
    group.add_argument("--crop", type=int, metavar="PIXELS", help="random crops of this side; default: whole images")
    group.add_argument("--image-size", type=int, metavar="PIXELS")
    group.add_argument("--images-per-class", type=int, metavar="K", help="training images of the target; 0: all")
    group.add_argument("--volumes", type=_numbers, metavar="1,5,20", help="study volume: images per class")
    group.add_argument("--few-steps", type=int, metavar="N", help="study volume: steps per epoch with few images")
    group.add_argument("--long-epochs", type=int, metavar="N", help="study dip: epochs of the longer schedule")
    group.add_argument("--labels", type=_numbers, metavar="5,20,100", help="studies keep, fc: images per class")
    group.add_argument("--keep-steps", type=int, metavar="N", help="study keep: steps per epoch")
    group.add_argument("--targets", type=_words, metavar="folder:PATH,...", help="studies keep, fc: other sets")
    group.add_argument("--arms", type=_words, metavar="A,B", help="study fc: what stands behind the convolutions")
    group.add_argument("--protocols", type=_words, metavar="P1,P3,...", help="study fc: how a network is moved")
    group.add_argument("--rates", type=_rates, metavar="0.003,0.01", help="study fc: learning rates on a target")
    group.add_argument("--fc-steps", type=int, metavar="N", help="study fc: steps on a target")
    group.add_argument("--views", type=_words, metavar="grey,inverted", help="study fc: views of the held-out classes")
    group.add_argument("--glyph-classes", type=int, metavar="K")
    group.add_argument("--glyphs-per-class", type=int, metavar="K")


def _add_status(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_status)
    parser.add_argument("study", choices=STUDIES, nargs="?", default="transfer", help="default: transfer")
    parser.add_argument("--store", required=True, metavar="DIR")
    parser.add_argument("--table", metavar="CSV", help="rows of this table count as done")
    _add_study(parser, profile=None)


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
    _add_study(parser, profile=None)


def _add_notebooks(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_notebooks)
    parser.add_argument("profile", metavar="PROFILE", help="read, smoke, quick or full")
    parser.add_argument("--data", default="glyphs", metavar="NAME")
    parser.add_argument("--out", metavar="DIR", help="default: build/notebooks")
    parser.add_argument("--only", type=_words, metavar="03,05", help="these notebooks only")


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_report)
    parser.add_argument("--out", metavar="DIR", help="default: build/report")


def _add_measure(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_measure)
    parser.add_argument(
        "measure", metavar="NAME", help="keep_distances, fc_distances, firewall, explore_filters or explore_maps"
    )
    parser.add_argument("--store", required=True, metavar="DIR", help="where the source networks are kept")
    _add_study(parser, profile="quick")


def _add_learning_rate(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_learning_rate)
    _add_study(parser, profile="quick")
    parser.add_argument("--grid", type=_rates, metavar="0.01,0.02,...", help="default: the procedure's own")
    parser.add_argument("--execution", metavar="DEVICE/PRECISION")


def _plan(options: argparse.Namespace) -> int:
    from .experiments.forecast import EmptyStore, forecast, lines
    from .experiments.store import Store
    from .experiments.table import table_keys
    from .files import exists, expanded

    study = _study(options)
    there = exists(expanded(options.store))
    found = forecast(
        study,
        Store(options.store, create=False) if there else EmptyStore(),
        known=table_keys(options.table) if options.table else (),
        data_root=options.data_root,
        workers=options.workers,
        execution=_execution(options.execution),
    )
    _say("\n".join(lines(found, study)))
    return OK


def _run(options: argparse.Namespace) -> int:
    if options.plan:
        return _plan(options)
    from .experiments.engine import run
    from .experiments.progress import clock
    from .experiments.store import Store

    study = _study(options)
    before = signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        report = run(
            study,
            Store(options.store),
            workers=options.workers,
            scheduler=options.scheduler,
            execution=_execution(options.execution, elsewhere=options.scheduler is not None),
            time_limit=options.time_limit,
            table=options.table,
            data_root=options.data_root,
            keep_weights=options.keep_weights,
            checkpoints=options.checkpoints,
            checkpoint_every=options.checkpoint_every,
        )
    finally:
        signal.signal(signal.SIGTERM, before)
    line = f"{report.done} trained, {report.skipped} done before, {report.remaining} left; {clock(report.seconds)}."
    if report.diverged:
        line += f" Diverged: {_some(report.diverged)}."
    if report.set_aside:
        line += f" Damaged files set aside and trained again: {_some(report.set_aside)}."
    if report.interrupted or report.timed_out:
        line += f" {'Interrupted' if report.interrupted else 'Time limit'}: the same command goes on from here."
    _say(line)
    return INTERRUPTED if report.interrupted else TIME_LIMIT if report.timed_out else OK


def _some(keys: Sequence[str], *, most: int = 5) -> str:
    """Keys in a line; beyond ``most`` they are counted (``fctransfer status`` names all)."""
    rest = len(keys) - most
    return ", ".join(keys[:most]) + (f" and {rest} more" if rest > 0 else "")


def _status(options: argparse.Namespace) -> int:
    from .experiments.status import store_lines, study_lines
    from .experiments.store import Store

    store = Store(options.store, create=False)
    lines = store_lines(store)
    if _describes_study(options) or options.table:
        options.profile = options.profile or "quick"
        lines += study_lines(_study(options), store, table=options.table)
    _say("\n".join(lines))
    return OK


def _table(options: argparse.Namespace) -> int:
    from .experiments.store import Store
    from .experiments.table import merge, read_table, tidy, write_table

    if not options.store and not options.merge:
        raise InputError("nothing to write a table of; give --store DIR, --merge CSV or both.")
    old = [read_table(path) for path in options.merge]
    stored = [record for path in options.store for record in Store(path, create=False).records()]
    if _describes_study(options):
        options.profile = options.profile or "quick"
        wanted = set(_study(options).keys)
        stored = [record for record in stored if record.key in wanted]
    new = [tidy(stored, study=options.study, best=options.best)]
    rows = merge(*old, *new)
    write_table(rows, options.out)
    kept = len(merge(*old))
    _say(f"{options.out}: {len(rows)} networks, {len(rows) - kept} of them new.")
    return OK


def _notebooks(options: argparse.Namespace) -> int:
    from .course.runner import run_notebooks

    return run_notebooks(profile=options.profile, data=options.data, out=options.out, only=options.only)


def _report(options: argparse.Namespace) -> int:
    from .course.project import find_project
    from .course.report_html import write_report

    project = find_project()
    page = write_report(project, options.out)
    _say(f"{project.shown(page)}: {page.stat().st_size / 1e6:.1f} MB, one file; print it from a browser for a PDF")
    return OK


def _measure(options: argparse.Namespace) -> int:
    from .course.measures import measure, study_of

    options.study = study_of(options.measure)
    if options.data_root:
        os.environ["FCTRANSFER_DATA"] = options.data_root
    folder = measure(options.measure, _study(options), profile=options.profile, data=options.data, store=options.store)
    _say(f"{options.measure}: written to {folder}")
    return OK


def _learning_rate(options: argparse.Namespace) -> int:
    from .experiments.rates import rate_lines

    for line in rate_lines(
        _study(options), data_root=options.data_root, grid=options.grid, execution=_execution(options.execution)
    ):
        _say(line)
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


def _describes_study(options: argparse.Namespace) -> bool:
    return bool(options.profile) or any(getattr(options, name) is not None for name in _STUDY_OPTIONS)


def _study(options: argparse.Namespace) -> Any:
    from .experiments.profiles import study_profile

    chosen = {name: getattr(options, name) for name in _STUDY_OPTIONS}
    return study_profile(getattr(options, "study", "transfer"), options.profile, options.data, **chosen)


def _execution(text: str | None, *, elsewhere: bool = False) -> Any:
    if text is None:
        return None
    from .training.execution import parse

    execution = parse(text)
    if not elsewhere:
        execution.check_device()
    return execution


def _printable(text: str, stream: TextIO) -> str:
    """File names may hold what a terminal cannot show."""
    known = stream.encoding or "utf-8"
    return text.encode(known, errors="backslashreplace").decode(known)


def _say(text: str) -> None:
    sys.stdout.write(f"{_printable(text, sys.stdout)}\n")
    sys.stdout.flush()


def _as_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _numbers(text: str) -> list[int]:
    """``0,1,4-6`` as [0, 1, 4, 5, 6]."""
    numbers: list[int] = []
    for word in _words(text):
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", word)
        if not found or (found[2] and int(found[2]) < int(found[1])):
            raise argparse.ArgumentTypeError(f"{word!r} is not a number or a range such as 0-4")
        several = range(int(found[1]), int(found[2] or found[1]) + 1)
        if several.stop - several.start + len(numbers) > MOST_NUMBERS:
            raise argparse.ArgumentTypeError(f"{word!r} makes more than {MOST_NUMBERS} numbers")
        numbers += several
    return numbers


def _rates(text: str) -> list[float]:
    try:
        return [float(word) for word in _words(text)]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of rates such as 0.01,0.02") from error


def _directions(text: str) -> list[tuple[str, str]]:
    pairs = []
    for word in _words(text):
        source, dash, target = word.partition("-")
        if not dash:
            raise argparse.ArgumentTypeError(str(unknown("direction", word, ("A-B", "B-A"))))
        pairs.append((source, target))
    return pairs
