"""A whole grid of 30 networks beside a stock and a tuned PyTorch loop: ``python tests/benchmarks/grid.py --help``.

Two base networks, and for either half BnB and AnB at n = 1..7. S trains them one after another with torch's own number
of threads and the better number of loaders, T in two processes of one thread, a half each, ours by ``engine.run`` with
two workers (for what S and T are, see ``speed.py``, which also checks that all three do the same work). Every run is a
fresh process: its time holds imports, rendering the images, training, and scoring test and training images. Memory is
the largest sum over its process tree, shared pages counted once (PSS). Runs go in turn, and ratios are taken within a
turn. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from speed import peer
from torch import nn

from fctransfer_utils.data.images import Images
from fctransfer_utils.data.sources import load
from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.experiments import engine, studies
from fctransfer_utils.experiments.profiles import Profile, profile
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.models.alexnet import build
from fctransfer_utils.models.surgery import freeze, transplant
from fctransfer_utils.training.device import Setting

EACH, IMAGES = 8, 125  # classes a half, images a class


def plan(options: argparse.Namespace) -> Profile:
    data = DataSpec("glyphs", classes=20, per_class=IMAGES, test_per_class=20)
    made = replace(profile("full"), data=data, each=EACH, per_class=0, tuned_cuts=(), controls=(), replicates=1)
    return replace(made, recipe=replace(made.recipe, epochs=options.epochs, batch_size=options.batch))


@torch.no_grad()
def score(net: nn.Module, images: Images) -> float:
    net.eval()
    right = 0
    for batch in torch.arange(len(images)).split(256):
        pixels = images.normalise(images.pixels[batch])
        right += (net(pixels).argmax(1) == images.labels[batch]).sum().item()
    return right / len(images)


class Half:
    """The networks of one half of the classes, as S and T train them."""

    def __init__(self, name: str, size: Profile, folder: Path, **options: object) -> None:
        source = load(size.data)
        classes = dict(zip("AB", source.halves("random", each=EACH, replicate=0), strict=True))[name]
        self.learn = source.train.of_classes(classes).measured()
        self.test = source.test.of_classes(classes).normalised_like(self.learn)
        self.name, self.size, self.folder, self.options = name, size, folder, options

    def fitted(self, net: nn.Module) -> nn.Module:
        peer([net], self.learn, self.size.recipe, **self.options)
        score(net, self.test), score(net, self.learn)
        return net

    def base(self) -> None:
        net = self.fitted(build(self.size.net, classes=EACH, size=32, seed=0))
        torch.save(net.state_dict(), self.folder / f"{self.name}.part")
        (self.folder / f"{self.name}.part").rename(self.folder / f"{self.name}.pt")

    def heirs(self) -> None:
        for name in "AB":
            while not (self.folder / f"{name}.pt").exists():  # T's other process is about to write it
                time.sleep(0.01)
            donor = build(self.size.net, classes=EACH, size=32, seed=0)
            donor.load_state_dict(torch.load(self.folder / f"{name}.pt", weights_only=True))
            for n in range(1, 8):
                net = build(self.size.net, classes=EACH, size=32, seed=n)
                transplant(donor, net, n)
                freeze(net, n)
                self.fitted(net)


def child(job: dict) -> None:
    """One process of a contestant: everything, from the images on."""
    options = argparse.Namespace(**job["options"])
    size, folder = plan(options), Path(job["folder"])
    if job["who"] == "ours":
        study = studies.transfer(size)
        print(engine.run(study, Store(folder), workers=2, device="cpu", dtype=options.dtype))
        return
    tuned = job["who"] == "T"
    if tuned:
        torch.set_num_threads(1)
    how = {"tuned": tuned, "setting": Setting(dtype=options.dtype if tuned else "float32"), "workers": options.loaders}
    halves = [Half(name, size, folder, **how) for name in job["halves"]]
    for half in halves:
        half.base()
    for half in halves:
        half.heirs()


def memory(root: int) -> float:
    """Megabytes that the process ``root`` and all below it take now, shared pages counted once."""
    parents, total = {}, 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
    tree, grown = {root}, True
    while grown:
        below = {process for process, parent in parents.items() if parent in tree} - tree
        tree, grown = tree | below, bool(below)
    for process in tree:
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def run(who: str, options: argparse.Namespace) -> dict[str, float]:
    """Seconds and peak memory of one contestant's whole grid."""
    with tempfile.TemporaryDirectory() as folder:
        job = {"who": who, "options": vars(options), "folder": folder}
        began, peak = time.perf_counter(), 0.0
        parts = ["A", "B"] if who == "T" else ["AB"]
        commands = [[sys.executable, __file__, "--child", json.dumps(job | {"halves": part})] for part in parts]
        running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
        while any(each.poll() is None for each in running):
            peak = max(peak, sum(memory(each.pid) for each in running))
            time.sleep(0.5)
        if any(each.returncode for each in running):
            raise SystemExit(f"{who} failed")
        return {"seconds": time.perf_counter() - began, "MB": peak}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    for name, value in {"pairs": 3, "epochs": 10, "batch": 128, "loaders": 2}.items():
        parser.add_argument(f"--{name}", type=int, default=value, help=f"default: {value}")
    parser.add_argument("--dtype", default="bfloat16", help="of T and ours; default: bfloat16")
    options = parser.parse_args()
    if options.child:
        child(json.loads(options.child))
        return 0
    load(plan(options).data)  # rendered here, too, so that fonts are in the disk's cache for everyone
    print(f"load {os.getloadavg()[0]:.1f}, torch {torch.__version__}, {options}", flush=True)
    turns = []
    for _ in range(options.pairs):
        turns.append({who: run(who, options) for who in ("S", "T", "ours")})
        print(turns[-1], flush=True)
    for what in ("seconds", "MB"):
        for who in "ST":
            ratios = sorted(turn[who][what] / turn["ours"][what] for turn in turns)
            print(f"{what}: {who} / ours {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
