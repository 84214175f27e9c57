"""Where networks learn: in this process, in worker processes of this machine, or on the workers of a scheduler."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..scratch import scratch_folder
from .worker import load_images, train_job

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

    from ..data.spec import DataSpec
    from ..training.execution import Execution
    from .fleet import Fleet
    from .record import AnySpec
    from .session import Session


@dataclass(frozen=True)
class Place:
    """What the engine asks of a place.

    ``probe()`` chooses an Execution there, ``fingerprint(data, root)`` names the images that are found there, and
    ``train(session)`` trains what waits. ``elsewhere``: devices of this process do not matter.
    """

    probe: Callable[[], Execution]
    fingerprint: Callable[[DataSpec, str | None], str]
    train: Callable[[Session], None]
    elsewhere: bool = False


@contextmanager
def place(workers: int, scheduler: str | None, tell: Callable[[str], object]) -> Iterator[Place]:
    """The place that a call of the engine names; a connection to a scheduler ends with the context.

    ``tell`` hears in lines of text who trains, and who does not.
    """
    from ..training.execution import probe

    if scheduler is not None:
        from .cluster import PATIENCE, remote_cluster
        from .fleet import Fleet

        with remote_cluster(scheduler) as client:
            fleet = Fleet(client, tell)
            yield Place(
                probe=lambda: _execution_of(fleet.ask(_probe, patience=PATIENCE)),
                fingerprint=lambda data, root: fleet.ask(_fingerprint, data, root, patience=PATIENCE),
                train=lambda session: _train_on(client, session, fleet),
                elsewhere=True,
            )
    elif workers == 1:
        yield Place(probe, _seen_here, _train_here)
    else:
        from .cluster import local_cluster

        with ExitStack() as stack, ThreadPoolExecutor(1) as beside:  # they start while this process probes and loads
            started = beside.submit(stack.enter_context, local_cluster(workers))
            yield Place(probe, _seen_here, partial(_train_beside, started=started, tell=tell))


def _seen_here(data: DataSpec, root: str | None) -> str:
    return load_images(data, root, progress=sys.stderr.isatty()).fingerprint


def _train_here(session: Session) -> None:
    session.counter.start()
    from ..training.execution import one_thread

    with one_thread(session.execution):
        while runs := session.next_runs():
            session.tell("begun", runs)
            session.keep(runs, train_job(session.job(runs), on_epoch=_telling(session, runs)))


def _telling(session: Session, runs: tuple[AnySpec, ...]) -> Callable:
    return lambda epoch: session.tell("epoch", runs, epoch=epoch)


def _train_beside(session: Session, *, started: Future[LocalCluster], tell: Callable[[str], object]) -> None:
    from .cluster import PATIENCE

    with scratch_folder() as folder:
        session.images = _handed(session, folder)
        cluster = started.result()  # or what keeps the workers from starting
        from distributed import Client

        from .fleet import Fleet

        with Client(cluster) as client:
            _train_on(client, session, Fleet(client, tell), patience=PATIENCE)


def _handed(session: Session, folder: Path) -> dict[DataSpec, Path]:
    """Files with the images that were made here, for the workers; sets that lie in files anyway are not among them."""
    from ..data.handed import hand, is_handed

    files = {}
    for number, data in enumerate(data for data in session.fingerprints if data.rendered_classes or data.view):
        images, file = load_images(data, session.data_root), folder / f"{number}.safetensors"
        if is_handed(images):
            with suppress(OSError):  # no room: every worker makes its own
                hand(images, file)
                files[data] = file
    return files


def _train_on(client: Client, session: Session, fleet: Fleet, *, patience: float | None = None) -> None:
    from .cluster import PATIENCE
    from .dispatch import Dispatch

    fleet.settle(session.execution)
    fleet.gather(patience=PATIENCE)
    fleet.tell(f"{fleet.text()}; dashboard: {client.dashboard_link}")
    Dispatch(client, session, fleet, patience=patience).train()


def _probe() -> dict[str, Any]:
    """Runs in a worker."""
    from ..training.execution import probe

    return asdict(probe())


def _fingerprint(data: DataSpec, root: str | None) -> str:
    """Runs in a worker."""
    return load_images(data, root).fingerprint


def _execution_of(value: dict[str, Any]) -> Execution:
    from ..training.execution import Execution

    return Execution(**value)
