"""Images, studies and stores that make an experiment a matter of seconds."""

import hashlib
import json
import multiprocessing
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import torch

from fctransfer_utils.data.images import Images
from fctransfer_utils.data.sources import Source
from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.experiments import engine, studies, train
from fctransfer_utils.experiments.profiles import profile
from fctransfer_utils.experiments.store import Record, Store

CLASSES, SIZE = 10, 16
ON_CPU = {"device": "cpu", "dtype": "float32"}


def pixels(per_class: int, seed: int) -> Images:
    """Classes that differ in colour, each image with noise of its own."""
    chance = torch.Generator().manual_seed(seed)
    colours = torch.randint(0, 200, (CLASSES, 3, 1, 1), generator=torch.Generator().manual_seed(5))
    labels = torch.arange(CLASSES).repeat_interleave(per_class)
    noise = torch.randint(0, 56, (len(labels), 3, SIZE, SIZE), generator=chance)
    names = tuple(f"class {number}" for number in range(CLASSES))
    return Images((colours[labels] + noise).to(torch.uint8), labels, names)


def tiny(spec: DataSpec) -> Source:
    """Ten classes of 16 x 16 pixels, whatever ``spec`` says."""
    return Source(pixels(12, 1), pixels(6, 2), {"near-far": (tuple(range(5)), tuple(range(5, 10)))})


def others(spec: DataSpec) -> Source:
    """The same classes, other images."""
    return Source(pixels(12, 3), pixels(6, 2))


def donors_other_images(spec: DataSpec) -> Source:
    """``tiny`` where textures are asked for, else other images."""
    return tiny(spec) if spec.name == "textures" else others(spec)


def deadly(spec: DataSpec) -> Source:
    """``tiny``, but a worker process that asks for textures dies as if memory had run out."""
    if spec.name == "textures" and multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return tiny(spec)


def deadly_once(spec: DataSpec) -> Source:
    """``tiny``, but the first worker process that asks for it dies."""
    flag = Path(os.environ["MADE_DEADLY"])
    if multiprocessing.parent_process() is not None and not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return tiny(spec)


def small_profile(*, epochs: int = 2, **changes):
    """The smallest transfer study that has every treatment."""
    made = profile("smoke")
    recipe = replace(made.recipe, epochs=epochs, batch_size=8)
    return replace(made, **{"data": DataSpec(size=SIZE), "recipe": recipe} | changes)


def small_study(**changes) -> studies.Study:
    """Base, long and twice, and BnB, AnB, BnB+, AnB+ at one or two cuts, in both directions: 18 networks."""
    return studies.transfer(small_profile(**changes))


def trained(study: studies.Study, path: Path, **options) -> Store:
    """A store in which ``study`` is trained on ``tiny``."""
    store = Store(path)
    engine.run(study, store, **{"load": tiny} | ON_CPU | options)
    return store


def records(store: Store) -> list[Record]:
    """All records in the store, whichever study they are from."""
    return [Record(**json.loads(file.read_bytes())) for file in sorted((store.path / "records").glob("*.json"))]


def findings(study: studies.Study, store: Store) -> list:
    """What must not depend on how the networks were trained: measures, curves, and weights by their checksum."""
    records = [store.record(network) for _, network in study]
    return [record and (record.measures, record.curve, record.diverged, record.weights) for record in records]


def pretended(job: engine.Job, *weights: bytes) -> list[tuple[Record, bytes | None]]:
    """In place of ``engine.train_job``: records and 50 kB of weights that depend on the networks alone."""
    found = []
    for network in job.networks:
        content = network.key.encode() * 3125 if network.key in job.keep else None
        measures = {"loss": 1.0, "top1": int(network.key, 16) / 16**16}
        record = Record(
            key=network.key, network=network.described(), measures=measures, curve={"loss": [1.0] * 120},
            diverged=False, seconds=1.0, setting=ON_CPU, images=job.images, version="0", torch="0",
            weights=hashlib.sha256(content).hexdigest() if content else "",
        )  # fmt: skip
        found.append((record, content))
    return found


# a process to be killed: it writes the key of every network that its run calls finished to a file

_fork = multiprocessing.get_context("forkserver")
_fork.set_forkserver_preload(engine.PRELOAD)


def begin_run(study: studies.Study, path: Path, log: Path, **options) -> multiprocessing.Process:
    """A process that trains ``study`` into the store at ``path``; for options see ``_run_and_log``."""
    process = _fork.Process(target=_run_and_log, args=(study, path, log), kwargs=options)
    process.start()
    return process


def _run_and_log(study, path: Path, log: Path, *, die_at: int = 0, pretend: bool = False) -> None:
    """``die_at``: kill -9 just before that file operation in the store (0: never; the log then ends in their number).

    ``pretend``: no network is trained. Otherwise a checkpoint is written after every epoch.
    """
    torch.set_num_threads(1)
    if pretend:
        engine.train_job = pretended
    together = train.train_together
    train.train_together = lambda *args, **named: together(*args, save_every=0.0, **named)
    count = 0

    def before(event: str, arguments: tuple) -> None:
        nonlocal count
        written = event in ("os.rename", "os.remove", "os.chmod", "os.mkdir") or (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        )
        if written and str(arguments[0]).startswith(str(path)):
            count += 1
            if count == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(before)

    def finished(done: int, total: int, record) -> None:
        if record:
            with log.open("a") as file:
                file.write(record.key + "\n")

    trained(study, path, progress=finished)
    with log.open("a") as file:
        file.write(f"{count}\n")
