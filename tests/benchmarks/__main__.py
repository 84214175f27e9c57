"""``python -m benchmarks``: this course beside what people would use instead, on this machine.

First the gates: nobody's time counts unless it does the same work. Then ours and a peer in turn, each run in fresh
processes, and ratios pair by pair. Writes tables and says them. ``fctransfer bench`` runs this.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from fctransfer_utils.errors import InputError, unknown
from fctransfer_utils.training import Execution, probe

from . import gates, growth, measure, peak, sameness, scaling
from .measure import Setting
from .peers import FLOAT32, PEERS, WITH_LOADERS, missing
from .report import Ratio, as_markdown, keep
from .task import Task

PARTS = ("gates", "rate", "grid", "growth", "peak", "cluster", "sameness")
RATE = Task(per_class=128, epochs=2)
GRID = Task(per_class=64, epochs=1)
# With batch norm, whose networks all settle: without it single seeds stay behind or collapse, whoever trains them.
ACCURACY = Task(classes=20, per_class=256, width=12, epochs=8, dropout=0.0, learning_rate=0.05, batch_norm=True)
SAMENESS = Task(classes=20, per_class=200, width=12, epochs=8, dropout=0.2, learning_rate=0.02)
TINY = Task(classes=8, per_class=24, width=12, epochs=1)
ALONG_THE_CORES = ("stock", "tuned")  # also run in several processes; the frameworks as they are used, in one
ON_THE_GRID = ("stock", "tuned")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that are asked for; 0, or 1 when a gate is missed."""
    options = _options(arguments)
    absent = missing()
    for name, reason in absent.items():
        _say(f"{name} is left out: {reason}. Install the peers with: pip install -r tests/benchmarks/requirements.txt")
    names = [name for name in options.peers if name not in absent]
    execution = probe()
    bench = Bench(options, names, execution)
    _say(bench.machine())
    passed = True
    for part in PARTS:
        if part in options.only:
            passed = getattr(bench, part)() is not False and passed
    _say(bench.machine())
    return 0 if passed else 1


class Bench:
    """The parts of the benchmark, with the settings that were chosen for each contestant."""

    def __init__(self, options: argparse.Namespace, names: Sequence[str], execution: Execution) -> None:
        self.options, self.execution = options, execution
        self.peers = [Setting(name, execution="" if name in FLOAT32 else execution.label) for name in names]
        self.ours = Setting("ours", processes=options.side_by_side, execution=execution.label)
        sizes = (TINY, TINY, TINY) if options.tiny else (RATE, GRID, ACCURACY)
        self.rate_task, self.grid_task, self.accuracy_task = sizes
        self.chosen = False

    def machine(self) -> str:
        """The machine now: processor, cores, load, and matrix products of one thread."""
        speed = peak.gemm(self.execution) / 1e9
        load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
        return (
            f"{processor()}, {measure.cores()} cores, torch {torch.__version__}, {self.execution.label}; load {load};"
            f" matrix products of one thread: {speed:.0f} GFLOP/s"
        )

    def gates(self) -> bool:
        """First losses and final accuracy of everyone against S."""
        everyone = [*self.peers, replace(self.ours, processes=1)]
        found = gates.losses_gate(everyone, self.rate_task, steps=5 if self.options.tiny else gates.STEPS)
        seeds = 1 if self.options.tiny else gates.SEEDS
        by_accuracy, top1 = gates.accuracy_gate(everyone, self.accuracy_task, seeds=seeds)
        rows = [
            [each.name, each.what, each.found, each.allowed, "passed" if each.passed else "MISSED"]
            for each in (*found, *by_accuracy)
        ]
        self._keep("bench_gates", ["contestant", "compared with S", "apart", "allowed", "gate"], rows)
        _say("top-1 in %: " + "; ".join(f"{n} {' '.join(f'{v:.1f}' for v in each)}" for n, each in top1.items()))
        return self.options.tiny or all(each.passed for each in (*found, *by_accuracy))

    def rate(self) -> None:
        """Images per second of training loops, summed over what runs at once: ours and a peer in turn."""
        rows = []
        for peer in self._settings():
            pairs = [(self._rate(self.ours), self._rate(peer)) for _ in range(self.options.pairs)]
            ratio = Ratio.of([a for a, _ in pairs], [b for _, b in pairs], less_is_better=False)
            rows.append([*_described(peer), *_medians(pairs), *ratio])
            _say(f"  {peer.name} x {peer.processes}: ours does {ratio} times its images per second")
        header = ["peer", "processes", "loaders", "ours (images/s)", "peer (images/s)", *_RATIO]
        self._keep("bench_rate", header, rows)

    def grid(self) -> None:
        """Wall seconds and peak memory of the whole grid of 30 networks."""
        rows, memory = [], []
        for peer in self._settings():
            if peer.name not in ON_THE_GRID or (peer.name == "stock" and peer.processes > 1):
                continue
            pairs, megabytes = [], []
            for _ in range(self.options.pairs):
                runs = measure.grid(self.ours, self.grid_task), measure.grid(peer, self.grid_task)
                pairs.append((runs[0].seconds, runs[1].seconds))
                megabytes.append((runs[0].megabytes, runs[1].megabytes))
            ratio = Ratio.of([a for a, _ in pairs], [b for _, b in pairs], less_is_better=True)
            rows.append([*_described(peer), *_medians(pairs), *ratio])
            share = Ratio.of([b for _, b in megabytes], [a for a, _ in megabytes], less_is_better=True)
            memory.append([*_described(peer), *_medians(megabytes), *share])
            tops = [{k: round(v, 3) for k, v in run.answers[0]["top1"].items()} for run in runs]
            _say(f"  {peer.name} x {peer.processes}: ours needs 1/{ratio} of its time; top-1 {tops[0]} and {tops[1]}")
        self._keep("bench_grid", ["peer", "processes", "loaders", "ours (s)", "peer (s)", *_RATIO], rows)
        self._keep("bench_memory", ["peer", "processes", "loaders", "ours (MB)", "peer (MB)", *_RATIO], memory)

    def growth(self) -> None:
        """How our time grows with images, width, networks and workers; and what shared frozen layers bring."""
        rows = growth.table(self.ours, TINY if self.options.tiny else GRID)
        self._keep("bench_growth", growth.HEADER, rows)

    def peak(self) -> None:
        """Our images per second beside what the machine could do, in turn: it is not as fast at every moment."""
        task, seen = self.rate_task, []
        for _ in range(self.options.pairs):
            alone = self._rate(replace(self.ours, processes=1))
            products = peak.gemm(self.execution) / peak.operations(task)
            ceiling, spent = peak.layer_ceiling(task, self.execution)
            seen.append((alone, products, ceiling))
        alone, products, ceiling = zip(*seen, strict=True)
        limits = {"matrix products of 2048 x 2048 alone": products}
        limits["convolutions and products of the network alone"] = ceiling
        rows: list[list[object]] = [["one network, one thread", statistics.median(alone), 1.0, 1.0, 1.0, len(seen)]]
        for what, limit in limits.items():
            rows.append([what, statistics.median(limit), *Ratio.of(alone, limit, less_is_better=False)])
        header = ["what", "images per second", "share that we reach", "lowest", "highest", "pairs"]
        self._keep("bench_peak", header, rows)
        _say("  seconds of a step by layer: " + ", ".join(f"{name} {1000 * s:.1f} ms" for name, s in spent))

    def cluster(self) -> None:
        """The engine on 1, 2 and 4 workers of a Dask cluster, and what a network costs beside its training."""
        tiny, task = self.options.tiny, scaling.small(self.grid_task)
        rows = scaling.scaling(task, seeds=1 if tiny else 4, execution=self.execution)
        self._keep("bench_cluster", scaling.SCALING, rows)
        rows = scaling.overhead(50 if tiny else 500, execution=self.execution)
        self._keep("bench_overhead", scaling.OVERHEAD, rows)

    def sameness(self) -> None:
        """What may differ when one network is trained twice."""
        task = TINY if self.options.tiny else SAMENESS
        self._keep("bench_sameness", sameness.HEADER, sameness.table(task), execution=Execution())

    def _rate(self, setting: Setting) -> float:
        return sum(answer["rate"] for answer in measure.network(setting, self.rate_task).answers)

    def _settings(self) -> list[Setting]:
        """Every peer in one process, the loops in several too, with the DataLoader workers that suit each best."""
        if not self.chosen:
            self.peers = [self._with_loaders(peer) for peer in self.peers]
            self.chosen = True
        several = [replace(each, processes=self.options.side_by_side) for each in self.peers]
        return self.peers + [each for each in several if each.name in ALONG_THE_CORES]

    def _with_loaders(self, peer: Setting) -> Setting:
        if peer.name not in WITH_LOADERS:
            return peer
        rates = {count: self._rate(replace(peer, workers=count)) for count in (0, 1, 2)}
        _say(f"  {peer.name}, images/s by DataLoader workers: {', '.join(f'{k}: {v:.0f}' for k, v in rates.items())}")
        return replace(peer, workers=max(rates, key=rates.__getitem__))

    def _keep(
        self, name: str, header: Sequence[str], rows: Sequence[Sequence[object]], *, execution: Execution | None = None
    ) -> None:
        _say(f"\n{name}\n{as_markdown(header, rows)}\n")
        place = execution or self.execution
        label = f"{processor()}, {measure.cores()} cores, torch {torch.__version__}, {place.device}/{place.precision}"
        keep(self.options.out / f"{name}.csv", [*header, "machine"], [[*map(_rounded, row), label] for row in rows])


_RATIO = ("ratio (median)", "lowest", "highest", "pairs")


def processor() -> str:
    """The name of the processor, and whether it has tiles for products in bfloat16, which decides most here."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
    tiles = any(line.startswith("flags") and "amx_bf16" in line.split() for line in lines)
    return f"{name} with AMX" if tiles else name


def _described(peer: Setting) -> list[object]:
    return [peer.name, peer.processes, peer.workers]


def _medians(pairs: Sequence[tuple[float, float]]) -> list[float]:
    return [statistics.median(each) for each in zip(*pairs, strict=True)]


def _rounded(cell: object) -> object:
    return float(f"{cell:.4g}") if isinstance(cell, float) else cell


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fctransfer bench", description=__doc__.partition("\n\n")[2])
    parser.add_argument("--only", default=",".join(PARTS), metavar="PART,...", help=f"default: {','.join(PARTS)}")
    parser.add_argument("--peers", default=",".join(PEERS), metavar="NAME,...", help=f"default: {','.join(PEERS)}")
    parser.add_argument("--pairs", type=int, default=5, metavar="N", help="runs of ours and of a peer (default: 5)")
    parser.add_argument("--side-by-side", type=int, default=measure.cores(), metavar="N", help="default: the cores")
    parser.add_argument("--out", type=Path, default=Path("build/bench"), metavar="DIR", help="default: build/bench")
    parser.add_argument("--tiny", action="store_true", help="a minute in all: shows that it works, says nothing")
    options = parser.parse_args(arguments)
    options.only = _known("part", options.only, PARTS)
    options.peers = _known("peer", options.peers, PEERS)
    if "stock" not in options.peers:
        options.peers = ["stock", *options.peers]  # everyone is held against it
    for name in ("pairs", "side_by_side"):
        if getattr(options, name) < 1:
            raise InputError(f"{name} = {getattr(options, name)}; give a whole number from 1 on.")
    return options


def _known(kind: str, text: str, allowed: Sequence[str]) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in allowed:
            raise unknown(kind, name, allowed)
    return names


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as error:
        sys.stderr.write(f"fctransfer bench: {error}\n")
        sys.exit(2)
