"""A malicious pickle in any file that is read is refused, or is just bytes; the code in it never runs."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from made_damage import attempt
from made_pictures import two_classes_in

from fctransfer_utils.course.checks import Expected
from fctransfer_utils.course.parameters import inspected, load_profile
from fctransfer_utils.course.tables import read_measure, read_rows
from fctransfer_utils.data import DataSpec, load
from fctransfer_utils.experiments.record import Record, Result, parse_record, sha256, unpack_weights
from fctransfer_utils.experiments.spec import RunSpec
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.experiments.table import read_table
from fctransfer_utils.files import checksum, sha256_of
from fctransfer_utils.models.adapters import read_weights
from fctransfer_utils.training.learner import Epoch

PACKAGE = Path(__file__).parents[2] / "fctransfer_utils"


@pytest.fixture
def image_folder(tmp_path):
    return two_classes_in(tmp_path / "pictures")


def test_records_weights_and_descriptions(trap, tmp_path):
    assert "not a record" in attempt(parse_record, trap.decode("latin1"))[1]
    assert "safetensors" in attempt(unpack_weights, trap)[1]
    store = Store(tmp_path / "store")
    record = Record(
        spec=RunSpec(),
        curve=(Epoch(1, 1.0, 1.0, 0.5, 0.1, 1.0),),
        result=Result(0.5, 1.0),
        versions={"torch": "2"},
        execution="cpu/float32",
        seconds=1.0,
        data_fingerprint="",
        split_checksum="",
        weights_sha256=sha256(trap),
    )
    store.add(record, trap)  # with a checksum that fits
    assert store.weights_fault(record.key) == ""
    assert "safetensors" in attempt(store.weights, record.key)[1]
    for name in ("store.json", ".holder.json", f"records/{record.key}.json"):
        (store.path / name).write_bytes(trap)
    assert "cannot be read" in attempt(Store, store.path)[1]
    assert store.holder() == ""
    assert list(store.damaged()) == [record.key]


@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_weights_files_of_others(trap, tmp_path, ending):
    for number, content in enumerate((trap, zipped(trap))):
        path = tmp_path / f"net{number}{ending}"
        path.write_bytes(content)
        assert attempt(read_weights, path, sha256=sha256_of(path))[1]


def zipped(content):
    """As torch.save packs a pickle."""
    buffer = io.BytesIO()
    torch.save({"a": torch.zeros(1)}, buffer)
    import zipfile

    found = io.BytesIO()
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(found, "w") as new:
        for member in old.infolist():
            data = content if member.filename.endswith("data.pkl") else old.read(member)
            new.writestr(member.filename, data)
    return found.getvalue()


def planted(file, content):
    """Replace a file of a decoded copy and all that describes it, as somebody with bad intent would."""
    file.write_bytes(content)
    meta = json.loads((file.parent / "meta.json").read_text())
    del meta["checksum"]
    meta["files"][file.name] = [len(content), hashlib.sha256(content).hexdigest()]
    (file.parent / "meta.json").write_text(json.dumps({**meta, "checksum": checksum(meta)}))


@pytest.mark.parametrize("name", ["train_images.npy", "test_labels.npy"])
def test_decoded_copies(trap, trap_object, image_folder, name):
    spec = DataSpec(f"folder:{image_folder}")
    load(spec)
    (entry,) = [path for path in (image_folder / ".fctransfer-cache").iterdir() if not path.name.startswith(".")]
    objects = io.BytesIO()
    np.save(objects, np.array([trap_object], dtype=object), allow_pickle=True)
    whole = (entry / name).read_bytes()
    for content in (trap, objects.getvalue()):
        planted(entry / name, content)
        assert len(load(spec).train_images) == 2
        assert (entry / name).read_bytes() == whole


def test_pictures_archives_and_lists(trap, image_folder, tmp_path):
    (image_folder / "train" / "ant" / "1.png").write_bytes(trap)
    assert "1.png (not an image)" in attempt(load, DataSpec(f"folder:{image_folder}"))[1]
    (tmp_path / "set.zip").write_bytes(trap)
    assert "zip" in attempt(load, DataSpec(f"folder:{tmp_path / 'set.zip'}"))[1]
    home = tmp_path / "data" / "tiny-imagenet-200"
    home.mkdir(parents=True)
    for name in ("wnids.txt", "words.txt"):
        (home / name).write_bytes(trap)
    assert "Tiny ImageNet" in attempt(load, DataSpec("tiny-imagenet"), root=tmp_path / "data")[1]


@pytest.mark.parametrize("planted_in", ["data_batch_1", "test_batch", "batches.meta"])
def test_batches_of_cifar_even_with_a_checksum_that_fits(trap, tmp_path, monkeypatch, planted_in):
    datasets = pytest.importorskip("torchvision.datasets")
    folder = tmp_path / "data" / datasets.CIFAR10.base_folder
    folder.mkdir(parents=True)
    batch = {"data": np.zeros((3, 3072), dtype=np.uint8), "labels": [0, 1, 2]}
    contents = {name: pickle.dumps(batch) for name in ("data_batch_1", "test_batch")}
    contents["batches.meta"] = pickle.dumps({"label_names": ["plane", "car", "bird"]})
    sums = {}
    for name, content in (contents | {planted_in: trap}).items():
        (folder / name).write_bytes(content)
        sums[name] = hashlib.md5((folder / name).read_bytes()).hexdigest()
    monkeypatch.setattr(datasets.CIFAR10, "train_list", [["data_batch_1", sums["data_batch_1"]]])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    meta = {"filename": "batches.meta", "key": "label_names", "md5": sums["batches.meta"]}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    message = attempt(load, DataSpec("cifar10"), root=tmp_path / "data", download=False)[1]
    assert "nothing in it was run" in message


def test_tables_profiles_expected_values_and_notebooks(trap, tmp_path):
    files = {name: tmp_path / name for name in ("t.csv", "quick.yaml", "expected.json", "05_curves.ipynb")}
    for file in files.values():
        file.write_bytes(trap)
    assert attempt(read_table, files["t.csv"])[1]
    assert attempt(read_rows, files["t.csv"], shown="t.csv")[1]
    assert attempt(read_measure, files["t.csv"], shown="t.csv")[1]
    assert attempt(load_profile, files["quick.yaml"], notebooks=["05_curves"])[1]
    assert attempt(Expected, files["expected.json"])[1]
    pytest.importorskip("papermill")
    assert attempt(inspected, files["05_curves.ipynb"])[1]


@pytest.mark.parametrize(
    "text",
    [
        "all: !!python/object/apply:pathlib.Path.touch [{path}]",
        "all: !!python/object/new:pathlib.Path [{path}]",
        "all: !!python/name:os.system",
        "all: !!python/module:os",
    ],
)
def test_yaml_that_names_code_is_refused(tmp_path, sprung, text):
    file = tmp_path / "quick.yaml"
    file.write_text(text.replace("{path}", str(sprung)))
    assert "cannot read the profile" in attempt(load_profile, file, notebooks=["05_curves"])[1]
    assert not sprung.exists()


RUNS_CODE = {
    "pickle.load", "pickle.loads", "pickle.Unpickler", "dill.load", "dill.loads", "joblib.load", "shelve.open",
    "marshal.load", "marshal.loads", "eval", "exec", "compile", "os.system", "os.popen", "yaml.load", "yaml.full_load",
    "yaml.unsafe_load", "pd.read_pickle", "pandas.read_pickle", "cloudpickle.load", "cloudpickle.loads",
}  # fmt: skip
ALLOWED = {"data/cifar.py": {"pickle.Unpickler"}}
"""Only CIFAR's published files are pickles: read by an unpickler that knows nothing but arrays (see above)."""


def calls_of(tree):
    """Every call in a module as its dotted name, with the names of its keyword arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}
        if isinstance(node, ast.ClassDef):
            yield from ((ast.unparse(base), {}) for base in node.bases)


def test_no_line_of_the_package_unpickles_or_runs_what_it_reads():
    seen = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        found = set()
        for name, words in calls_of(ast.parse(file.read_text(encoding="utf-8"))):
            if name in RUNS_CODE or (name == "torch.load" and words.get("weights_only") != "True"):
                found.add(name)
            if words.get("allow_pickle", "False") != "False" or words.get("shell", "False") != "False":
                found.add(f"{name} with {words}")
            if name.endswith((".extractall", ".unpack_archive")):
                found.add(name)
        if found:
            seen[file.relative_to(PACKAGE).as_posix()] = found
    assert seen == ALLOWED
