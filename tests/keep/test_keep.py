"""From a folder to a recommendation; what cannot be measured is told before minutes are spent."""

import argparse
import re
from dataclasses import replace

import pytest
import torch
from made_families import family
from made_pictures import class_folders, noise, save
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from fctransfer_utils import keep as module
from fctransfer_utils.analysis import choices as analysis
from fctransfer_utils.data.groups import groups_of
from fctransfer_utils.errors import InputError
from fctransfer_utils.keep import add_options, keep
from fctransfer_utils.models import pretrained
from fctransfer_utils.training import choices, features

SMALL = {
    "resnet18": "timm ResNet", "vit_tiny_patch16_224": "timm VisionTransformer", "convnext_tiny": "timm ConvNeXt",
    "torchvision:vgg11_bn": "torchvision VGG", "mobilenetv3_small_050": "timm MobileNetV3",
    "densenet121": "timm DenseNet",
}  # fmt: skip


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Small networks by the names of large ones; the file of weights of one, and the size of its images."""

    def of(name):
        monkeypatch.setattr(pretrained, "_built", lambda *_, **__: family(SMALL[name])[0])
        net, size = family(SMALL[name], seed=1)
        save_file(net.state_dict(), tmp_path / "weights.safetensors")
        return {"network": name, "weights": tmp_path / "weights.safetensors", "image_size": size}

    return of


@pytest.fixture
def pictures(tmp_path):
    """Two classes of ten pictures, one of them dark, with names that break things elsewhere."""
    root = tmp_path / "my pictures"
    for number, name in enumerate(("猫 $5", "chien 🐕")):
        for index in range(10):
            save(root / name / f"{index}.png", noise(number, index, side=64) // (1 + 3 * number))
    return root


@pytest.mark.parametrize("name", SMALL)
def test_every_family_is_measured(name, small, pictures):
    options = small(name)
    found = keep(pictures, **options, folds=3, minutes=1e-6)
    curve = found.table[found.table["choice"] == "one cut"]
    assert len(curve) == len(pretrained.create(name, size=options["image_size"])) - 1
    assert found.table["mean"].between(0, 100).all()
    assert set(found.splits["split"]) == set(range(6))
    assert found.left


def test_the_whole_way_and_the_file(small, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(choices, "RECIPE", replace(choices.RECIPE, epochs=2))
    monkeypatch.setattr(choices, "HEAD", replace(choices.HEAD, epochs=10))
    told = []
    file = tmp_path / "kept.safetensors"
    found = keep(pictures, **small("resnet18"), folds=3, minutes=5, save=file, tell=told.append)
    assert "2 classes, 20 images" in str(told[0])
    assert {"everything fine-tuned", "all cuts together"} <= set(found.table["choice"])
    assert found.left == ""
    assert len(found.sentences) == 2
    assert found.table.loc[0, "choice"] == "last cut"
    tuned = found.table[found.table["choice"] == "everything fine-tuned"].iloc[0]
    assert tuned["count"] == 3
    assert tuned["learnt"] > found.table.loc[0, "learnt"]
    with safe_open(file, "pt") as saved:
        assert saved.metadata()["network"] == "resnet18"
        assert "猫 $5" in saved.metadata()["classes"].encode().decode("unicode_escape")
    assert repr(str(file)) in found.snippet
    found.figure.savefig(tmp_path / "figure.png")


def test_places_of_the_map_are_a_choice_of_their_own(small, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(analysis, "decided", lambda *_, **__: (analysis.PLACES, "made so"))
    file = tmp_path / "kept.safetensors"
    found = keep(pictures, **small("resnet18"), folds=3, minutes=1e-6, save=file)
    rows = found.table.set_index("choice")
    assert rows.loc[analysis.PLACES, "count"] == 6
    (weights,) = [each for each in load_file(file).values() if each.dim() == 2]
    assert weights.shape[1] % 4 == 0
    assert f"AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear({weights.shape[1]}, 2)" in found.snippet
    assert "2 x 2 places" in found.sentences[0]


def test_the_same_again(small, pictures):
    options = small("resnet18") | {"folds": 3, "minutes": 1e-6}
    first, second = (keep(pictures, **options).splits.drop(columns="seconds") for _ in range(2))
    assert first.equals(second)


def test_copies_and_groups_are_not_parted(small, pictures, monkeypatch):
    seen = []
    monkeypatch.setattr(module, "measure", lambda *_, groups, **__: seen.append(groups.tolist()))
    save(pictures / "猫 $5" / "copy.png", noise(0, 3, side=64))
    keep(pictures, **small("resnet18"), folds=3)
    assert len(seen[0]) == 21
    assert len(set(seen[0])) == 20
    keep(pictures, **small("resnet18"), folds=3, groups=r"([0-9])\.png|copy()")
    assert len(set(seen[1])) == 11


def test_the_group_that_takes_part_tells_paths_apart():
    paths = ["a/IMG_1.jpg", "b/IMG_1.jpg", "a/DSC_2.jpg", "b/DSC_3.jpg"]
    assert groups_of(paths, re.compile(r"IMG_(\d)|DSC_(\d)")).tolist() == [0, 0, 1, 2]


def bad(change, said):
    return pytest.param(change, said, id=said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        bad({"network": "resnet19"}, "near it are resnet18"),
        bad({"weights": None}, "needs weights"),
        bad({"pretrained": True}, "not both"),
        bad({"network": "convnext_tiny"}, "the network that it belongs to"),
        bad({"folds": 1}, "1 folds"),
        bad({"folds": 12}, "12 folds need 12"),
        bad({"minutes": 0}, "minutes = 0"),
        bad({"groups": "("}, "no regular expression"),
        bad({"groups": "patient"}, "is not found in 20 of 20 paths"),
        bad({"groups": "png"}, "has 1 groups"),
        bad({"save": "kept.pth"}, ".safetensors"),
        bad({"image_size": 4}, "too small"),
        bad({"image_size": 0}, "hold nothing"),
        bad({"save": "no folder/kept.safetensors"}, "cannot be written"),
        bad({"seed": 2**63}, "seed 9223372036854775808"),
    ],
)
def test_bad_input_is_told_before_anything_is_measured(change, said, small, pictures, monkeypatch):
    monkeypatch.setattr(module, "measure", lambda *_, **__: pytest.fail("measured"))
    options = small("resnet18")
    if change.get("network") == "convnext_tiny":
        monkeypatch.setattr(pretrained, "_built", lambda *_, **__: family("timm ConvNeXt")[0])
    if change.get("image_size") == 4:
        options = small("torchvision:vgg11_bn")
    with pytest.raises(InputError, match=said.replace("(", r"\(")) as error:
        keep(pictures, **(options | change))
    assert "\n" not in str(error.value)


def test_bad_folders(small, tmp_path):
    options = small("resnet18") | {"folds": 3, "minutes": 1e-6}
    with pytest.raises(InputError, match="has one class"):
        keep(class_folders(tmp_path / "one", {"a": 5}), **options)
    root = class_folders(tmp_path / "two", {"a": 5, "b": 5})
    (root / "a" / "broken.png").write_bytes(b"\x89PNG and no more")
    with pytest.raises(InputError, match="1 of 11 pictures .* cannot be read") as error:
        keep(root, **options)
    assert "broken.png" in str(error.value)
    found = keep(root, **options, on_bad="skip")
    assert "left out: 1 of 6 pictures of 'a'" in str(found.summary)


def test_a_large_folder_is_measured_in_part(small, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(module, "measure", lambda net, images, *_, **__: seen.append(images))
    root = class_folders(tmp_path / "many", {"a": 60, "b": 20, "c": 6})
    keep(root, **small("resnet18"), most=43)
    assert torch.bincount(seen[0].labels).tolist() == [30, 10, 6]


@pytest.mark.parametrize(
    ("time", "done"), [(100, [5] * 3), (58, [5, 4, 3]), (31, [5, 3, 0]), (9, [4, 0, 0]), (5, [0] * 3)]
)
def test_the_cheapest_ways_come_first_and_each_in_enough_splits_for_an_interval(time, done, monkeypatch):
    clock, costs = [0.0], dict(zip(choices.treatments(3, 6), (2, 6, 7), strict=True))
    ways = {what: name for name, what in choices.treatments(3, 6).items()}
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])

    class Clocked:
        net = [None] * 6

        def forecast(self, what, split):
            return costs[ways[what]]

        def judge(self, what, split):
            clock[0] += costs[ways[what]]

    noted = []
    left = module._fine_tune(
        Clocked(), range(5), [3] * 5, lambda name, *_: noted.append(name), deadline=time, progress=False
    )
    assert [noted.count(name) for name in costs] == done
    assert all((name in left) == (count < 5) for name, count in zip(costs, done, strict=True))


def command(pictures, options, *more):
    """Run ``fctransfer keep`` for a moment with these ``options``, and ``more`` words."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    words = [pictures, "--network", options["network"], "--weights", options["weights"], "--image-size", 32, *more]
    return module.run(parser.parse_args([*map(str, words), "--minutes", "0.00001"]))


def test_the_command_says_what_to_take(small, pictures, capsys):
    assert command(pictures, small("resnet18"), "--folds", 3) == 0
    said = capsys.readouterr().out
    for word in ("2 classes", "last cut", "Take ", "How sure: ", "nn.Linear(", ".png", ".csv"):
        assert word in said


def test_what_would_be_overwritten_or_cannot_be_written_is_told_first(small, pictures, tmp_path):
    options = small("resnet18")
    before = options["weights"].read_bytes()
    with pytest.raises(InputError, match="would be lost"):
        keep(pictures, **options, save=tmp_path / "." / "weights.safetensors")
    assert options["weights"].read_bytes() == before
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(InputError, match="no file"):
        keep(pictures, **options, save=tmp_path / "folder.safetensors")


def test_groups_that_leave_a_class_out_of_a_fold_are_told_before_anything_is_computed(small, tmp_path, monkeypatch):
    monkeypatch.setattr(features, "kept_features", lambda *_, **__: pytest.fail("computed"))
    for number, (name, persons) in enumerate({"a": (0, 2, 4, 4, 5), "b": (0, 2, 3, 3, 5)}.items()):
        for index, person in enumerate(persons):
            save(tmp_path / "persons" / name / f"{person}-{index}.png", noise(number, index, side=64))
    with pytest.raises(InputError, match="a fold of 3 without class"):
        keep(tmp_path / "persons", **small("resnet18"), folds=3, groups="([0-9])-")


def test_each_way_to_ask_has_files_of_its_own(small, pictures, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr", None)  # as when it is closed
    options = small("resnet18")
    ways = [("--folds", 3), ("--folds", 3), ("--folds", 3, "--seed", 1), ("--folds", 4)]
    files = []
    for way in ways:
        assert command(pictures, options, *way) == 0
        files.append(capsys.readouterr().out.splitlines()[-1])
    assert files[0] == files[1]
    assert len(set(files)) == 3


def test_everything_fine_tuned_names_no_block(small):
    net = pretrained.create("resnet18", weights=small("resnet18")["weights"])
    assert module._words("everything fine-tuned", 2, net) == "everything fine-tuned"
