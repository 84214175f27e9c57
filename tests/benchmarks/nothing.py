"""Loaded by workers (``dask worker --preload``) whose networks shall take no time: what is left is the engine."""

from made_records import made_outcome

from fctransfer_utils.experiments import dispatch

dispatch.train_job = made_outcome
