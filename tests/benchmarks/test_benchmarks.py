"""The benchmark compares like with like, and notices when it does not."""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from benchmarks import __main__ as program
from benchmarks import gates, growth, measure, peers
from benchmarks.report import Ratio, as_markdown, keep
from benchmarks.task import Task, orders
from fctransfer_utils import cli
from fctransfer_utils.models import state_of
from fctransfer_utils.training import Execution

PLAIN = Task(classes=8, per_class=64, width=12, epochs=2, augment=False, dropout=0.0, learning_rate=0.002)
CONTESTANTS = ("ours", *peers.PEERS)


def fit(name, task, **options):
    if name in peers.missing():
        pytest.skip(f"{name} is not installed")
    net = task.network()
    return net, peers.fit_of(name)(net, task, **peers.options_of(name, workers=0, execution=Execution()), **options)


@pytest.fixture(scope="module")
def reference():
    return fit("stock", PLAIN, stop=4)[1].losses


@pytest.mark.parametrize("name", [name for name in CONTESTANTS if name != "stock"])
def test_everyone_has_the_first_losses_of_the_stock_loop(name, reference):
    assert gates.apart(fit(name, PLAIN, stop=4)[1].losses, reference) < gates.MOST_APART


@pytest.mark.parametrize(
    "changes", [{"seed": 1}, {"learning_rate": 0.004}, {"epochs": 4}, {"augment": True}, {"dropout": 0.5}]
)
def test_the_gate_notices_other_work(changes, reference):
    assert gates.apart(fit("tuned", replace(PLAIN, **changes), stop=4)[1].losses, reference) > gates.MOST_APART


@pytest.mark.parametrize("name", CONTESTANTS)
def test_a_frozen_prefix_stands_still_for_everyone_and_the_rest_learns(name):
    task = replace(PLAIN, frozen=3, epochs=1)
    before = state_of(task.network())
    net, fitted = fit(name, task)
    after = state_of(net)
    moved = {key.split(".")[0] for key in before if not torch.equal(before[key], after[key])}
    assert moved == {"conv4", "conv5", "fc6", "fc7", "fc8"}
    assert len(fitted.top1) == 1
    assert fitted.seconds > 0


def test_every_epoch_has_its_own_order_of_all_images():
    first, second = (next(each) for each in [orders(50, 0)] * 2)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second


def test_a_peer_trains_the_same_thirty_networks(tmp_path):
    assert len(peers.plan()) + 2 == 30
    task = replace(PLAIN, epochs=1, per_class=16)
    execution = {"execution": Execution()}
    assert set(peers.train_bases("tuned", task, ("A", "B"), tmp_path, **execution)) == {"A", "B"}
    found = peers.train_rest("tuned", task, slice(0, 2), tmp_path, **execution)
    assert [treatment for treatment, _ in found] == ["BnB", "BnB+"]


def test_ratios_are_taken_pair_by_pair():
    assert Ratio.of([1, 2, 4], [2, 2, 2], less_is_better=True) == (1, 0.5, 2, 3)
    assert Ratio.of([1, 2, 4], [2, 2, 2], less_is_better=False) == (1, 0.5, 2, 3)
    with pytest.raises(ValueError, match="longer"):
        Ratio.of([1], [1, 2], less_is_better=True)
    assert as_markdown(["a", "b"], [["x", 1234.5]]).splitlines()[-1] == "| x | 1,234 |"


def test_measuring_on_one_machine_keeps_what_was_measured_on_another(tmp_path):
    table, header = tmp_path / "new" / "bench.csv", ["what", "machine"]
    keep(table, header, [["slow", "a, old"]])
    keep(table, header, [["fast", "b"], ["faster", "b"]])
    keep(table, header, [["fastest", "b"]])
    assert table.read_text(encoding="utf-8") == 'what,machine\nfastest,b\nslow,"a, old"\n'
    keep(table, ["other", "machine"], [["new", "b"]])
    assert table.read_text(encoding="utf-8") == "other,machine\nnew,b\n"


def test_what_shared_layers_save_is_counted(monkeypatch):
    monkeypatch.setattr(growth, "layer_forward", lambda task: [1, 1, 1, 1, 1, 0, 0, 0])
    frozen = sum(15 - 2 * min(cut, 5) for cut in range(1, 8))
    saved = sum(min(cut, 5) for cut in range(1, 8)) - 5
    assert growth.shared_share(PLAIN) == pytest.approx(2 * saved / (16 * 15 + 2 * frozen))


def test_the_memory_of_children_counts():
    alone = measure.memory_of_tree(measure.os.getpid())
    hold = "import sys; kept = bytearray(b'x' * 200_000_000); print('ready', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        assert measure.memory_of_tree(measure.os.getpid()) > alone + 150
        child.stdin.close()


def test_a_contestant_that_fails_is_named_with_what_it_said():
    job = {"kind": "network", "name": "tuned", "task": {"width": 13}, "threads": 1, "workers": 0, "execution": ""}
    with pytest.raises(RuntimeError, match=r"tuned failed at network(.|\n)*width"):
        measure.together([job])


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--peers", "keras"], "unknown peer 'keras'"),
        (["--only", "speed"], "unknown part 'speed'"),
        (["--pairs", "0"], "pairs = 0"),
    ],
)
def test_unusable_options_get_one_line(options, named, capfd):
    assert cli.main(["bench", *options]) == 2
    said = capfd.readouterr().err
    assert named in said
    assert len(said.strip().splitlines()) == 1


def test_the_stock_loop_is_always_there_to_be_compared_with():
    assert program._options(["--peers", "tuned"]).peers == ["stock", "tuned"]
