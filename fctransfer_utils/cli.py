"""The command ``fctransfer``: studies (train, look at, check), which layers to keep, and the notebooks.

Nothing heavy is imported before a command needs it. Exit status: 0 done; 1 something went wrong, or a network trained
again is different; 2 bad input; 3 the time limit came first; 130 Ctrl-C; 141 nobody reads the output any more.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import shlex
import sys
import time
import traceback
from argparse import Namespace
from collections.abc import Sequence
from typing import Any, NoReturn

from . import __version__, keep
from .cli_studies import STUDIES, accuracies, add_options, again, closing, named, shown, store_of, study_of, training
from .errors import InputError, escape_output, one_line, unknown
from .files import build_folder, write_text
from .notebook import PROFILES

EXAMPLES = """\
examples:
  fctransfer run transfer --profile smoke
  fctransfer plot transfer --profile smoke
  fctransfer run transfer --data folder --root my-pictures
  fctransfer table transfer --csv transfer.csv
  fctransfer keep my-pictures --minutes 10
  fctransfer notebooks quick --only 00,03
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line ``arguments`` (default: those of the process); returns the exit status.

    Whatever goes wrong ends here as one line on standard error; unless it was bad input, a file has the traceback.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    escape_output()
    try:
        try:
            options = parse(arguments)
            status = options.run(options)
        except SystemExit as ended:  # of argparse, behind --help
            status = ended.code or 0
        if sys.stdout:  # which may be closed
            sys.stdout.flush()
        return status
    except InputError as error:
        return _end(one_line(error), 2)
    except KeyboardInterrupt:
        kept = (
            "" if arguments[:1] == ["keep"] else "; what was finished is kept, and the same command goes on from there"
        )
        return _end(f"interrupted{kept}.", 130)
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            return 141
        return _end(f"{type(error).__name__}: {one_line(error)} ({_logged(arguments)})", 1)


def parse(arguments: Sequence[str]) -> Namespace:
    """The command in ``arguments`` with its options; ``run`` is what it does. Raises InputError for bad ones."""
    parser = _Parser(
        prog="fctransfer", description="Which layers transfer: the studies of the course, and yours.", epilog=EXAMPLES
    )
    parser.add_argument("--version", action="version", version=f"fctransfer {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for verb, (run, about, own) in VERBS.items():
        of = commands.add_parser(verb, help=about, description=about)
        names = of.add_subparsers(metavar="STUDY", required=True, dest="study")
        for name, entry in STUDIES.items():
            example = f"example:\n  fctransfer {verb} {name} {'table.csv ' if verb == 'verify' else ''}{entry.example}"
            each = names.add_parser(name, help=entry.about, description=entry.about, epilog=example)
            add_options(each, name, own)
            each.set_defaults(run=run)
    for verb, (run, about, add) in OTHERS.items():
        each = commands.add_parser(verb, help=about, description=about)
        add(each)
        each.set_defaults(run=run, parser=each)
    options, rest = parser.parse_known_args(arguments)
    if rest:
        options.parser.error(f"not known here: {shlex.join(rest)}")
    return options


class _Parser(argparse.ArgumentParser):
    """argparse that ends in one line, and takes no beginning of an option for the whole."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see: {self.prog} --help")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            raise unknown(str(action.metavar or action.dest).lower(), value, action.choices)


# commands


def _run(options: Namespace) -> int:
    study, store = study_of(options), store_of(options)
    with training(options, study) as how:
        from .experiments import engine

        report = engine.run(study, store, time_limit=options.time_limit, **how)
    if report.stopped:
        left = f"{report.stopped}: {report.trained} networks trained, {report.left} left; the same command goes on."
        return _end(left, 130 if report.stopped == "interrupted" else 3)
    rows, means = accuracies(options, study, store)
    _say(closing(options, rows, means))
    if options.study == "transfer" and not rows["diverged"].any():
        from .analysis.summary import sentences

        _say("\n".join(sentences(rows)))
    _say(f"{report.trained} networks trained; all lie in {shown(store.path)}. Next: {again('plot', options)}")
    return 0


def _plot(options: Namespace) -> int:
    from .plots.kinds import PERCENT, curves
    from .plots.style import save

    _, means = accuracies(options, study_of(options), store_of(options))
    x, *panels = STUDIES[options.study].by(options)
    if len(panels) > 1:
        raise InputError(f"a figure has room for two values of a grid, not for {', '.join((x, *panels))}.")
    figure = curves(
        means, x, hue="treatment", col=panels[0] if panels else None, bounds=PERCENT,
        logx=x in ("learning_rate", "per_class"),
        xlabel="layer n behind which the network is cut" if x == "n" else x.replace("_", " "), ylabel="accuracy (%)",
    )  # fmt: skip
    file = build_folder() / "figures" / f"{options.study}_{options.data}_{options.profile}.png"
    save(figure, file)
    _say(shown(file))
    return 0


def _status(options: Namespace) -> int:
    from .experiments.table import status

    store = store_of(options)
    found = status(study_of(options), store)
    _say(
        f"{found.done} of {found.done + found.left} networks trained, {found.diverged} of them diverged, in "
        f"{found.seconds:.0f} s of training; they lie in {shown(store.path)}."
    )
    _say(f"Next: {again('run' if found.left else 'plot', options)}")
    return 0


def _table(options: Namespace) -> int:
    rows, means = accuracies(options, study_of(options), store_of(options))
    _say(closing(options, rows, means))
    if options.csv:
        from .experiments.table import write_csv

        write_csv(rows, options.csv)
    return 0


def _verify(options: Namespace) -> int:
    import pandas as pd

    try:
        table = pd.read_csv(options.table)
    except (OSError, ValueError) as error:
        raise InputError(f"table {options.table!r} cannot be read: {one_line(error)}") from error
    if absent := {"key", "device", "dtype", "diverged", "images", "top1"} - set(table):
        raise InputError(f"table {options.table!r} has no column {min(absent)!r}; give one of fctransfer table --csv.")
    study = study_of(options)
    with training(options, study) as how:
        from .experiments.verify import verify

        verdicts = verify(table, study, count=options.count, **how)
    for each in verdicts:
        was, now = (f"{100 * measures.get('top1', float('nan')):.1f} %" for measures in (each.was, each.now))
        images = "" if each.same_images else "; its images are others"
        _say(f"{named(each.labels, options)}: {each.word}, {was} in the table and {now} now{images}")
    return int(any(each.word == "different" for each in verdicts))


def _notebook_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("profile", choices=PROFILES, nargs="?", default="read", help="default: read")
    parser.add_argument("--only", default="", metavar="00,04", help="numbers of notebooks; default: all")
    parser.add_argument("--in-place", action="store_true", help="keep outputs, tables and figures in the project")
    parser.add_argument("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="a parameter")


def _notebooks(options: Namespace) -> int:
    from .papermill_run import run_all

    return int(run_all(options.profile, only=options.only, in_place=options.in_place, parameters=dict(options.p)) > 0)


TRAINING = ("root", "workers", "scheduler", "device")
VERBS = {  # of a study, with their options
    "run": (_run, "train what is missing of a study", ("store", *TRAINING, "time-limit")),
    "plot": (_plot, "draw the accuracies of a study", ("store",)),
    "status": (_status, "how far a study is", ("store",)),
    "table": (_table, "the accuracies of a study", ("store", "csv")),
    "verify": (_verify, "train some networks of a table again and compare", ("table", "count", *TRAINING)),
}
OTHERS = {
    "keep": (keep.run, "which layers of a network to keep for pictures of yours", keep.add_options),
    "notebooks": (_notebooks, "run the notebooks in order", _notebook_options),
}


# what commands share


def _say(text: str) -> None:
    print(text, flush=True)


def _end(text: str, status: int) -> int:
    with contextlib.suppress(OSError):
        print(f"fctransfer: {text}", file=sys.stderr, flush=True)
    return status


def _logged(arguments: Sequence[str]) -> str:
    """Where the traceback of what has just happened lies."""
    file = build_folder() / "logs" / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    try:
        write_text(file, f"{shlex.join(['fctransfer', *arguments])}\n\n{traceback.format_exc()}")
    except OSError as error:
        return f"no log could be written: {one_line(error)}"
    return f"traceback: {file}"


def _nobody_reads() -> bool:
    """Whether standard output or error is a closed pipe; what still waits to be written there is dropped."""
    closed = []
    for stream in (sys.stdout, sys.stderr):
        poll = select.poll()
        poll.register(stream, 0)  # asks for nothing, and is told all the same that the other end is gone
        if poll.poll(0):
            closed.append(os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno()))
    return bool(closed)


if __name__ == "__main__":
    sys.exit(main())
