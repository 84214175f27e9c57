"""The processes of this machine that networks learn in."""

import os

import pytest

from fctransfer_utils.experiments import cluster

distributed = pytest.importorskip("distributed")


def test_workers_see_our_settings_as_they_are_now(monkeypatch):
    for value in ("skip", "refuse"):  # the second workers are forked from a server that began before the change
        monkeypatch.setenv("FCTRANSFER_BAD_IMAGES", value)
        with cluster.local_cluster(1) as workers, distributed.Client(workers) as client:
            assert client.submit(os.environ.get, "FCTRANSFER_BAD_IMAGES", pure=False).result() == value
            assert client.submit(os.environ.get, "OMP_NUM_THREADS", pure=False).result() == "1"
