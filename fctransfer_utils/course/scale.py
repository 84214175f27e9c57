"""What notebook 13 shows: the paper's study on ImageNet as numbers, and what of it can be tried on any machine."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..analysis.scale import Hardware, estimates
from ..data.outline import IMAGENET, Outline
from ..experiments.costs import Cost, cost_of
from ..experiments.profiles import PAPER, PAPER_STUDIES, study_profile
from ..experiments.schedule import makespan, schedule, shortest
from ..experiments.spec import RunSpec
from ..experiments.study import Study
from ..scratch import scratch_folder

if TYPE_CHECKING:
    from ..training.execution import Execution
    from .lesson import Course

PLACE = "folder:imagenet"
DEVICES = (1, 2, 4, 8, 16, 32, 64, 128)
PAPERS_FIRST = {  # the first classes of half A in the published split files
    "random0": (0, 1, 2, 5, 9, 10, 15, 16),
    "random1": (1, 5, 7, 9, 15, 16, 17, 19),
    "random2": (0, 2, 4, 5, 8, 9, 10, 13),
    "random3": (0, 5, 6, 7, 8, 10, 12, 14),
}


def papers_studies() -> dict[str, Study]:
    """The studies of Yosinski et al. (2014) on ImageNet with their network, images and schedule, by name."""
    return {name: study_profile(name, PAPER, PLACE) for name in PAPER_STUDIES}


def costs_of(study: Study, there: Outline = IMAGENET) -> dict[str, Cost]:
    """By key, what each network of ``study`` costs on ``there``."""
    outlines = {run.data: there for run in study.runs}
    return {run.key: cost_of(run, outlines) for run in study.runs}


def work_table(studies: Mapping[str, Study]) -> pd.DataFrame:
    """One row per study and treatment: ``study, treatment, networks, images_seen, operations``."""
    rows = []
    for name, study in studies.items():
        costs = costs_of(study)
        for treatment in dict.fromkeys(run.treatment for run in study.runs):
            mine = [costs[run.key] for run in study.runs if run.treatment == treatment]
            seen, work = sum(cost.images.seen for cost in mine), sum(cost.operations for cost in mine)
            rows.append((name, treatment, len(mine), seen, work))
    return pd.DataFrame(rows, columns=["study", "treatment", "networks", "images_seen", "operations"])


def layer_table(run: RunSpec, *, classes: int) -> pd.DataFrame:
    """One row per layer of the network: ``n, layer, weights, parameters, multiply_adds`` for one image."""
    import torch

    from ..models import build
    from ..models.cost import layer_costs

    with torch.device("meta"):
        net = build(run.net, classes=classes, image_size=run.input_size, seed=0)
    rows = [
        (n, cost.name.split(".")[0], "x".join(map(str, cost.weights)), cost.parameters, cost.multiply_adds)
        for n, cost in enumerate(layer_costs(net, image_size=run.input_size), start=1)
    ]
    return pd.DataFrame(rows, columns=["n", "layer", "weights", "parameters", "multiply_adds"])


def cut_table(base: RunSpec, *, classes: int) -> pd.DataFrame:
    """Operations for one training image by treatment and n, as shares of the base's: ``forward`` and ``share``."""
    import torch

    from ..models import build
    from ..training.work import work_per_image

    with torch.device("meta"):
        net = build(base.net, classes=classes, image_size=base.input_size, seed=0)
    whole = work_per_image(net, 0, image_size=base.input_size)
    rows = []
    for treatment in ("BnB", "BnB+"):
        for n in range(1, 8):
            work = work_per_image(net, n if treatment == "BnB" else 0, image_size=base.input_size)
            total = whole.forward + whole.backward
            rows.append((treatment, n, work.forward / total, (work.forward + work.backward) / total))
    return pd.DataFrame(rows, columns=["treatment", "n", "forward", "share"])


def image_bytes(run: RunSpec) -> int:
    """Bytes of one image as it lies on the disk and is sent to a device."""
    return 3 * run.data.image_size**2


def hours_of(study: Study, device: Hardware, *, share: float, disk: float) -> dict[str, float]:
    """By key, the hours of each network of ``study`` on ``device``: see ``analysis.scale.estimates``."""
    costs = costs_of(study)
    found = {}
    for run in study.runs:
        cost = costs[run.key]
        one = estimates(
            operations=cost.operations,
            images=cost.images.seen + cost.images.judged,
            image_bytes=image_bytes(run),
            network_bytes=cost.memory.total,
            share=share,
            disk=disk,
            price=0.0,
            devices=[device],
        )
        found[run.key] = float(one["hours"].iloc[0])
    return found


def workers_table(study: Study, *, hours: Mapping[str, float], devices: Sequence[int] = DEVICES) -> pd.DataFrame:
    """Hours until ``study`` is done by the number of devices: ``workers, hours, ideal, shortest``.

    ``hours`` by key are those of each network. Networks are given out in the order of the engine.
    """
    order = sorted(study.runs, key=lambda run: run.treatment != "base")
    keys = [run.key for run in order]
    donors = {run.key: run.donor.key for run in order if run.donor is not None}
    total, least = sum(hours[key] for key in keys), shortest(hours, donors)
    rows = [(count, makespan(schedule(hours, donors, keys, workers=count)), total / count, least) for count in devices]
    return pd.DataFrame(rows, columns=["workers", "hours", "ideal", "shortest"])


def speeds_here(run: Course, *, large: bool, seconds: float) -> pd.DataFrame:
    """Images per second in training on this machine, one process of one thread (or one GPU), by network and treatment.

    ``large`` adds CaffeNet at 227 pixels and takes as many images as a speed needs; without it, a few.
    ``operations_per_image`` are counted, two for each multiply-add.
    """
    from ..models import build
    from ..training import probe
    from ..training.speed import MOST_ADDS, training_speed

    execution, most_adds = probe(), MOST_ADDS if large else MOST_ADDS / 100
    small = run.plan().runs[0]
    bases = [small, replace(small, net=replace(small.net, width=24), data=replace(small.data, image_size=64))]
    if large:
        bases.append(papers_studies()["transfer"].runs[0])
    rows = []
    for base in bases:
        for treatment, n in (("base", 0), ("BnB", 4), ("BnB", 7)):
            net = build(base.net, classes=100, image_size=base.input_size, seed=0)
            speed = training_speed(
                net, image_size=base.data.image_size, recipe=base.recipe, execution=execution, frozen=n,
                seconds=seconds, most_adds=most_adds,
            )  # fmt: skip
            rows.append(
                {
                    "net": base.net.label,
                    "image_size": base.input_size,
                    "treatment": treatment,
                    "n": n,
                    "images_per_second": speed.images,
                    "operations_per_image": speed.operations / speed.images,
                    "operations_per_second": speed.operations,
                    **_here(execution),
                }
            )
    return pd.DataFrame(rows)


def _here(execution: Execution) -> dict[str, Any]:
    import torch

    device = torch.cuda.get_device_name() if execution.device.startswith("cuda") else processor()
    return {"execution": execution.label, "machine": device, "torch": torch.__version__}


def processor() -> str:
    """What the processor calls itself."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


class _Stopped(Exception):
    """As if the process had been killed."""


def interrupted(run: Course, *, classes: int, epochs: int, stop_after: int) -> pd.DataFrame:
    """A network on a made ImageNet tree, trained undisturbed, and stopped and gone on with: one row for each.

    Columns ``way, first_epoch, top1, train_loss, weights``; ``weights`` are 16 digits of the checksum of all weights.
    """
    from ..experiments.checkpoints import Checkpoints
    from ..experiments.run_network import run_network
    from ..experiments.worker import load_images
    from ..training import Execution
    from .made_imagenet import made_imagenet

    with scratch_folder() as scratch:
        tree = scratch / "imagenet"
        made_imagenet(tree, classes=classes)
        spec = study_profile(
            "transfer", PAPER, f"folder:{tree}", net="alexnet_mini", width=12, image_size=40, crop=36, batch_size=32,
            steps=4, epochs=epochs, drop_every=2 * epochs, splits=("random0",), treatments=("base",),
        ).runs[0]  # fmt: skip
        common = {"images": load_images(spec.data, None), "execution": Execution()}
        kept = {"checkpoints": Checkpoints(scratch / "checkpoints", every=0.0)}

        def stop(epoch: Any) -> None:
            if epoch.epoch == stop_after:
                raise _Stopped

        undisturbed, _ = run_network(spec, **common)
        with suppress(_Stopped):
            run_network(spec, on_epoch=stop, **common, **kept)
        heard: list[int] = []
        again, _ = run_network(spec, on_epoch=lambda epoch: heard.append(epoch.epoch), **common, **kept)
    rows = [
        (way, first, record.result.top1, record.result.train_loss, record.weights_sha256[:16])
        for way, first, record in (("undisturbed", 1, undisturbed), ("stopped and gone on with", heard[0], again))
    ]
    return pd.DataFrame(rows, columns=["way", "first_epoch", "top1", "train_loss", "weights"])


def verified(run: Course, *, count: int) -> pd.DataFrame:
    """``count`` of the cheapest committed networks on glyphs and their donors, trained again: one row for each.

    In ``smoke`` they are the very cheapest. Columns ``study, network, key, committed, now, allowed, outcome, execution,
    instructions``.
    """
    from ..experiments import verify
    from ..experiments.names import STUDIES
    from ..experiments.store import Store
    from .progress import reporter

    tables = [path for name in STUDIES if (path := run.project.evidence(name)).exists()]
    among = verify.candidates(tables)
    pool = 0.0 if run.profile == "smoke" else verify.POOL
    chosen = verify.sample(among, count=count, seed=run.seed, pool=pool)
    with scratch_folder() as scratch:
        found = verify.verify(chosen, among, Store(f"{scratch}/store"), workers=run.workers, progress=reporter())
    rows = [
        (one.study, one.title, one.key, one.committed, one.now, one.allowed,
         "equal" if one.equal else "within" if one.within else "outside")
        for one in found.compared
    ]  # fmt: skip
    columns = ["study", "network", "key", "committed", "now", "allowed", "outcome"]
    return pd.DataFrame(rows, columns=columns).assign(execution=found.execution, instructions=found.instructions)
