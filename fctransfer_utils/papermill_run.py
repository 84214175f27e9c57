"""Run the notebooks with papermill, one on each core: ``fctransfer notebooks PROFILE``."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from .errors import InputError, escape_output, one_line, unknown
from .experiments.executors import executor
from .files import PROJECT, build_folder, replacing
from .notebook import RENEW

AT_ONCE = 4  # notebooks at most, whatever the cores: each takes up to a gigabyte


def notebooks(only: str = "") -> list[Path]:
    """The committed notebooks in order; ``only``: numbers, such as "00,04"."""
    found = {path.name[:2]: path for path in sorted((PROJECT / "notebooks").glob("[0-9][0-9]_*.ipynb"))}
    wanted = [each.strip() for each in only.split(",") if each.strip()] or list(found)
    if not found:
        raise InputError("there are no notebooks here; they come with the repository and not with the package.")
    for number in wanted:
        if number not in found:
            raise InputError(f"there is no notebook {number!r}; there are {', '.join(found)}.")
    return [found[number] for number in wanted]


def given(books: list[Path], parameters: dict[str, str]) -> dict[Path, dict[str, str]]:
    """For each notebook those of ``parameters`` that it has; a path from here as a whole one.

    Raises InputError for a parameter that none of them has.
    """
    import papermill

    known = {path: papermill.inspect_notebook(path) if parameters else {} for path in books}
    for name in parameters:
        allowed = sorted({each for its in known.values() for each in its} - {"profile"})
        if name not in allowed:
            raise unknown("parameter", name, allowed)
    whole = {
        name: str(Path(value).resolve()) if value and Path(value).exists() else value
        for name, value in parameters.items()
    }
    return {path: {name: whole[name] for name in its if name in whole} for path, its in known.items()}


def run(path: Path, *, profile: str, parameters: dict[str, str] | None = None, output: Path | None = None) -> Path:
    """Execute a notebook in ``profile``; the executed copy lies at ``output``, whole, even where a cell failed.

    Raises InputError, of one line, when a cell fails or the kernel dies.
    """
    import papermill
    from nbclient.exceptions import DeadKernelError
    from traitlets.config import Config

    output = output or build_folder() / "notebooks" / profile / path.name
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="fctransfer-") as sockets:
            listens = {"transport": "ipc", "ip": f"{sockets}/kernel"}  # over tcp others on the machine could listen
            papermill.execute_notebook(
                path, output, parameters={"profile": profile, **(parameters or {})}, cwd=path.parent,
                progress_bar=False, kernel_name="python3",
                shutdown_kernel="immediate",  # all is written by then, and a graceful end may print an interrupt
                config=Config({"KernelManager": listens if os.name == "posix" else {}}),
            )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        told = f"{error.ename}: {one_line(error.evalue)}"
        raise InputError(f"{path.name} stopped in cell {error.cell_index}: {told} (see {output})") from error
    except DeadKernelError as error:
        raise InputError(f"{path.name}: its kernel died, as it does without memory left; see {output}.") from error
    return output


def keep(executed: Path, committed: Path) -> None:
    """The executed notebook in place of the committed one, without the runner's notes, times and parameters."""
    import nbformat

    book = nbformat.read(executed, as_version=4)
    book.cells = [cell for cell in book.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    names = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book.metadata = {"kernelspec": names, "language_info": {"name": "python"}}
    for number, cell in enumerate(book.cells):
        tags = cell.metadata.get("tags", [])
        cell.metadata = {"tags": tags} if tags else {}
        cell.id = f"cell-{number:02d}"
        for output in cell.get("outputs", []):
            output["metadata"] = {}
    with replacing(committed) as temporary:
        nbformat.write(book, temporary)


def _told(job: tuple[Path, str, dict[str, str], bool]) -> bool:
    """Run one notebook, keep it in place where this is asked for, and tell how long it took; whether it failed."""
    escape_output()
    path, profile, parameters, in_place = job
    start = time.perf_counter()
    try:
        output = run(path, profile=profile, parameters=parameters)
        if in_place:
            keep(output, path)
    except InputError as error:
        print(f"{path.stem}: FAILED: {error}", file=sys.stderr, flush=True)
        return True
    print(f"{path.stem}: {time.perf_counter() - start:.0f} s", flush=True)
    return False


def closing() -> str:
    """What the transfer study of the last run says, where its figure lies, and what to do next."""
    import pandas as pd

    from .analysis.summary import sentences

    figures = build_folder() / "figures"
    told = "\n".join(sentences(pd.read_csv(figures / "tables" / "transfer_glyphs.csv")))
    return (
        f"\n{told}\n\nThe curve: {figures / '04_figure2.png'}\nNext: `make lab`, open notebooks/00 and change a line, "
        "or ask which layers to keep for pictures of yours: `fctransfer keep FOLDER`."
    )


def run_all(profile: str, *, only: str = "", in_place: bool = False, parameters: dict[str, str] | None = None) -> int:
    """Run the notebooks (``only``: see ``notebooks``) on as many cores as there are; how many of them failed.

    ``in_place``: outputs, tables and figures of what ran are kept in the project. Raises InputError where memory ends.
    """
    if in_place:
        os.environ[RENEW] = "1"
    books = given(notebooks(only), parameters or {})
    try:
        with executor(min(os.cpu_count() or 1, AT_ONCE, len(books)), "", preload=[__name__]) as (begin, _):
            jobs = [begin(_told, (path, profile, its, in_place), {}) for path, its in books.items()]
            failed = sum(job.result() for job in jobs)
    except BrokenProcessPool:
        raise InputError("a process died, as it does without memory left; run what is missing by --only.") from None
    if not failed:
        print(f"All notebooks ran in {profile!r}; they lie in {build_folder() / 'notebooks' / profile}.")
        if profile == "quick" and any(path.stem.startswith("04") for path in books):
            print(closing())
    return failed
