"""Any calls side by side, in worker processes of one thread: for what a notebook trains that is no study."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from typing import Any

from ..errors import InputError


def side_by_side(function: Callable[..., Any], *items: Iterable[Any], workers: int) -> list[Any]:
    """``list(map(function, *items))`` on ``workers`` processes of this machine; here when one is enough.

    What ``function`` and the items hold is sent to the workers. Raises what a call raises, and InputError when a worker
    dies.
    """
    calls = list(zip(*items, strict=True))
    workers = min(workers, len(calls))
    if workers < 2:
        return [function(*call) for call in calls]
    from .cluster import local_cluster

    with local_cluster(workers) as cluster:
        from distributed import Client
        from distributed.scheduler import KilledWorker

        with Client(cluster) as client:
            try:
                shared = client.scatter(function, broadcast=True, hash=False)
                return client.gather([client.submit(_alone, shared, *call, pure=False) for call in calls])
            except (KilledWorker, CancelledError) as error:
                raise InputError(
                    "the worker processes died (often: no memory left); use fewer, such as FCTRANSFER_WORKERS=1."
                ) from error


def _alone(function: Callable[..., Any], *call: Any) -> Any:
    """Runs in the worker."""
    import torch

    torch.set_num_threads(1)
    return function(*call)
