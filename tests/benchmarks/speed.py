"""Our training beside a stock and a tuned PyTorch loop, on this machine: ``python tests/benchmarks/speed.py --help``.

S, the stock loop: a Dataset of PIL images, torchvision's transforms for each image, a DataLoader, float32, torch's own
number of threads. T, the tuned loop: tensors in memory, transforms on batches, channels-last, a fused optimiser,
bfloat16 where our probe takes it, in one process of one thread for each core. Ours: ``train_together``, in as many.

Two cases: ``base``, one network of which everything learns, and ``AnB``, seven networks whose layers 1..7 come from a
donor and stand still, which S and T train one after another. First all three have to have the same losses in float32
without augmentation and dropout. Then fresh processes run in turn, and ratios are taken within a turn: the machine may
be slower in the next. Printed are medians, and of ratios the lowest and highest. Images in a second of processor time
(that of the process, without S's loaders) depend less on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from fctransfer_utils.data.images import Images
from fctransfer_utils.models.alexnet import build
from fctransfer_utils.models.spec import NetSpec
from fctransfer_utils.models.surgery import freeze, learning, train_mode, transplant
from fctransfer_utils.training.device import Setting, probe
from fctransfer_utils.training.loop import train_together
from fctransfer_utils.training.recipe import Recipe

CUTS = {"base": (0,), "AnB": range(1, 8)}
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
SAME = 1e-5  # relative, of the mean loss of four batches: another order of images moves it by 1e-3


def made_images(count: int, *, flip: bool = True) -> Images:  # 20 classes, each with a brightness of its own
    labels = torch.arange(count) % 20
    pixels = torch.randint(0, 120, (count, 3, 32, 32), generator=torch.Generator().manual_seed(0))
    pixels = (pixels + 6 * labels[:, None, None, None]).to(torch.uint8)
    return Images(pixels, labels, tuple(map(str, range(20))), flip=flip).measured()


def networks(case: str, spec: NetSpec) -> list[nn.Sequential]:
    """The networks of a case with their first weights."""
    nets = [build(spec, classes=20, size=32, seed=0) for _ in CUTS[case]]
    for net, n in zip(nets, CUTS[case], strict=True):
        transplant(build(spec, classes=20, size=32, seed=1), net, n)
        freeze(net, n)
    return nets


def epochs_of(count: int, recipe: Recipe) -> list[tuple[Tensor, ...]]:
    """The batches of every epoch, the same for everyone."""
    chance, split = torch.Generator().manual_seed(0), recipe.batches(count)
    return [torch.randperm(count, generator=chance).tensor_split(split) for _ in range(recipe.epochs)]


class Pictures(Dataset):
    """PIL images through transforms, as torchvision's own data sets give them."""

    def __init__(self, images: Images, transform: v2.Transform) -> None:
        self.arrays, self.labels = images.pixels.permute(0, 2, 3, 1).numpy(), images.labels.tolist()
        self.transform = transform

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.arrays[place])), self.labels[place]


class Batches(list):
    """As a batch sampler: the batches of the epoch ``now``."""

    def __iter__(self):
        return iter([batch.tolist() for batch in self[self.now]])


def transforms(images: Images, recipe: Recipe, *first: v2.Transform) -> v2.Compose:
    """For one image (S), or for a whole batch, which moves alike (T): fewer draws than ours, no less work."""
    moved = [v2.RandomCrop(32, padding=recipe.shift, padding_mode="edge"), v2.RandomHorizontalFlip()]
    last = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(images.mean, images.std)]
    return v2.Compose([*first, *(moved if recipe.shift else []), *last])


def peer(nets: list, images: Images, recipe: Recipe, *, tuned: bool, setting: Setting, workers: int) -> list[float]:
    found, steps = [], recipe.epochs * recipe.batches(len(images))
    on_batch, on_image = transforms(images, recipe), transforms(images, recipe, v2.ToImage())
    rates = {"lr": recipe.learning_rate, "momentum": recipe.momentum, "weight_decay": recipe.weight_decay}
    for net in nets:
        epochs, options = epochs_of(len(images), recipe), {"num_workers": workers, "persistent_workers": workers > 0}
        loader = DataLoader(Pictures(images, on_image), batch_sampler=(sampler := Batches(epochs)), **options)
        net.to(memory_format=torch.channels_last if tuned else torch.preserve_format)
        descent = torch.optim.SGD(learning(net), fused=tuned, **rates)
        schedule = torch.optim.lr_scheduler.LambdaLR(descent, lambda s: recipe.rate(min(s, steps - 1), steps))
        for sampler.now, epoch in enumerate(epochs):
            train_mode(net)
            total = torch.zeros(())
            for batch in epoch if tuned else loader:
                pixels, labels = (on_batch(images.pixels[batch]), images.labels[batch]) if tuned else batch
                if tuned:
                    pixels = pixels.contiguous(memory_format=torch.channels_last)
                with setting.autocast():
                    scores = net(pixels)
                value = F.cross_entropy(scores.float(), labels)
                descent.zero_grad()
                value.backward()
                descent.step()
                schedule.step()
                total += value.detach() * len(labels)
        found.append(total.item() / len(images))
    return found


def train(who: str, nets: list, images: Images, recipe: Recipe, *, setting: Setting, workers: int) -> list[float]:
    if who == "ours":
        return [history.losses[-1] for history in train_together(nets, images, recipe, setting=setting)]
    setting = setting if who == "T" else Setting()
    return peer(nets, images, recipe, tuned=who == "T", setting=setting, workers=workers)


def child(job: dict) -> None:
    """One process of a contestant: warm up, say so, wait for the start, train, tell rate and peak memory."""
    if job["who"] != "S":
        torch.set_num_threads(1)
    spec, recipe = NetSpec(**job["spec"]), Recipe(**job["recipe"])
    images = made_images(job["images"], flip=recipe.shift > 0)
    options = {"setting": Setting(dtype=job["dtype"]), "workers": job["workers"]}
    warm = images.at(torch.arange(recipe.batch_size) % len(images))
    train(job["who"], networks(job["case"], spec), warm, recipe, **options)
    nets = networks(job["case"], spec)
    print("ready", flush=True)
    sys.stdin.readline()
    work, wall, cpu = len(nets) * len(images) * recipe.epochs, time.perf_counter(), time.process_time()
    losses = train(job["who"], nets, images, recipe, **options)
    told = {"rate": work / (time.perf_counter() - wall), "per_cpu": work / (time.process_time() - cpu)}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # on Linux in kilobytes
    print(json.dumps(told | {"losses": losses, "peak": peak}))


def run(who: str, case: str, options: argparse.Namespace, *, dtype: str, gate: bool = False, workers: int = 0) -> dict:
    """All processes of a contestant at once: images per second in sum, peak memory of one, losses of one."""
    images, epochs = (4 * options.batch, 1) if gate else (options.images, options.epochs)
    recipe = {"epochs": epochs, "batch_size": options.batch, "learning_rate": 0.05 if gate else 0.005}
    recipe |= {"shift": 0 if gate else 4}
    spec = {"width": options.width, "dropout": 0.0 if gate else 0.2}
    job = {"who": who, "case": case, "images": images, "recipe": recipe, "spec": spec, "dtype": dtype}
    command = [sys.executable, __file__, "--child", json.dumps(job | {"workers": workers})]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    running = [subprocess.Popen(command, **pipes) for _ in range(1 if gate or who == "S" else CORES)]
    for each in running:
        each.stdout.readline()
    for each in running:
        each.stdin.write("start\n")
    told = [json.loads(each.communicate()[0]) for each in running]
    return told[0] | {"rate": sum(each["rate"] for each in told)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    for name, value in {"pairs": 5, "images": 2000, "epochs": 2, "batch": 128, "width": 12}.items():
        parser.add_argument(f"--{name}", type=int, default=value, help=f"default: {value}")
    options = parser.parse_args()
    if options.child:
        child(json.loads(options.child))
        return 0
    torch.set_num_threads(1)
    images, net = made_images(options.batch), networks("base", NetSpec(width=options.width))[0]
    dtype = probe(net, images.normalise(images.pixels)).dtype
    print(f"{CORES} cores, load {os.getloadavg()[0]:.1f}, torch {torch.__version__}, {dtype}, {options}", flush=True)
    for case in CUTS:
        losses = {who: run(who, case, options, dtype="float32", gate=True)["losses"] for who in ("S", "T", "ours")}
        apart = max(abs(a / b - 1) for who in "ST" for a, b in zip(losses[who], losses["ours"], strict=True))
        print(f"{case}: losses {apart:.1e} apart", "" if apart < SAME else "NOT THE SAME WORK", flush=True)
        if apart >= SAME:
            return 1
        rates = {count: run("S", case, options, dtype=dtype, workers=count)["rate"] for count in (0, CORES)}
        workers = max(rates, key=rates.__getitem__)
        timed = {"dtype": dtype, "workers": workers}
        turns = [{who: run(who, case, options, **timed) for who in losses} for _ in range(options.pairs)]
        for who in losses:
            told = f"{case} {who}{f', {workers} workers' if who == 'S' else ''}:"
            for what, unit in {"rate": "images/s", "per_cpu": "images/processor s", "peak": "MB"}.items():
                ratios = sorted(turn["ours"][what] / turn[who][what] for turn in turns)
                told += f" {statistics.median(turn[who][what] for turn in turns):.0f} {unit}"
                if who != "ours":
                    told += f" (ours / {who} {statistics.median(ratios):.2f}, {ratios[0]:.2f} to {ratios[-1]:.2f})"
            print(told, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
