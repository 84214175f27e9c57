"""The code of a network builds that network: every family, cut, frozen, and read at all cuts at once."""

import pytest
import timm
import torch
import torchvision
from made_families import batch, family
from safetensors.torch import save_file
from torch import nn

from fctransfer_utils.data.images import Images
from fctransfer_utils.models import plain, pretrained, surgery
from fctransfer_utils.models.layers import blocks, new_last_layer
from fctransfer_utils.models.weights import reading
from fctransfer_utils.training.choices import Pooled, with_head, without_scores
from fctransfer_utils.training.features import features, kept_features
from fctransfer_utils.training.probes import combine

NAMES = {
    "timm ConvNeXt": "convnext_tiny", "timm DenseNet": "densenet121", "timm EfficientNet": "efficientnet_b0",
    "timm MobileNetV3": "mobilenetv3_small_050", "timm ResNet": "resnet18", "timm VGG": "vgg11",
    "timm SwinTransformer": "swin_tiny_patch4_window7_224", "timm VisionTransformer": "vit_tiny_patch16_224",
    "timm VisionTransformer, mean of tokens": "vit_small_patch16_224", "torchvision AlexNet": "torchvision:alexnet",
    "torchvision ConvNeXt": "torchvision:convnext_tiny", "torchvision DenseNet": "torchvision:densenet121",
    "torchvision MobileNetV3": "torchvision:mobilenet_v3_small", "torchvision ResNet": "torchvision:resnet18",
    "torchvision VGG": "torchvision:vgg11_bn", "torchvision VisionTransformer": "torchvision:vit_b_16",
}  # fmt: skip
THEIRS = 5  # classes of the weights


@pytest.fixture(params=NAMES)
def source(request, monkeypatch, tmp_path):
    """A small network of each family goes by a name of its library, with the same weights whenever it is built."""

    def built(*_, num_classes=THEIRS, **options):
        net = family(request.param, classes=THEIRS)[0].eval()
        return net if num_classes == THEIRS else new_last_layer(net, num_classes)

    monkeypatch.setattr(pretrained, "_built", built)
    monkeypatch.setattr(timm, "create_model", built)
    monkeypatch.setattr(torchvision.models, "get_model", built)
    size = family(request.param)[1]
    return plain.Source(NAMES[request.param], size, THEIRS, saved=str(tmp_path / "it's saved.safetensors"))


def made(found, source):
    """What the code of ``found`` builds, with the weights of the file that it loads."""
    save_file(found.tensors, source.saved)
    space = {}
    exec(found.code, space)
    return space


def head(inputs, *, seed=0):
    layer = nn.Linear(inputs, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(3, inputs, generator=torch.Generator().manual_seed(seed)) / inputs**0.5)
    return layer


@torch.no_grad()
def check_cut(source, net, n, found, x, *, pool=1):
    """A new head behind block ``n`` reads the features ``found``, and the code of it gives the same scores."""
    fitted = with_head(net[:n], head(found.shape[1]), pool=pool).eval()
    torch.testing.assert_close(fitted(x), fitted.head[1](found), rtol=1e-4, atol=1e-5)
    built = made(plain.cut(source, fitted, frozen=True), source)["model"]
    torch.testing.assert_close(built(x), fitted(x), rtol=1e-4, atol=1e-5)


def test_a_cut_network(source):
    net, x = blocks(pretrained.as_published(source.name, size=source.size)), batch(source.size)
    found = features(without_scores(net), Images(x, torch.zeros(4, dtype=torch.long), ("a",)))
    for n in {1, len(net) // 2, len(net) - 2, len(net) - 1}:
        check_cut(source, net, n, found[n], x)


def test_a_cut_network_that_keeps_places(source):
    net, x = blocks(pretrained.as_published(source.name, size=source.size)), batch(source.size)
    found = kept_features(net[:-1], Images(x, torch.zeros(4, dtype=torch.long), ("a",)), pool=2)
    for n in list(found)[-1:]:
        check_cut(source, net, n, found[n], x, pool=2)


@torch.no_grad()
def test_all_cuts_together(source):
    net, x = blocks(pretrained.as_published(source.name, size=source.size)), batch(source.size)
    found = features(without_scores(net), Images(x, torch.zeros(4, dtype=torch.long), ("a",)))
    cuts = list(range(1, len(net)))
    side_by_side, _ = combine({n: found[n] for n in cuts})
    layer = head(side_by_side.shape[1])
    built = made(plain.together(source, net, layer, cuts=cuts), source)["model"]
    torch.testing.assert_close(built(x), layer(side_by_side), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", ["torch", "torch, wrapped", "safetensors"])
@pytest.mark.parametrize("name", ["resnet18", "torchvision:mobilenet_v3_small"])
def test_what_was_not_saved_starts_from_the_file_of_weights(form, name, tmp_path):
    library = torchvision.models.get_model if ":" in name else timm.create_model
    net, x = library(name.removeprefix("torchvision:"), num_classes=THEIRS).eval(), torch.rand(1, 3, 64, 64)
    file = tmp_path / ("weights.safetensors" if form == "safetensors" else "weights.pth")
    if form == "safetensors":
        save_file(net.state_dict(), file)
    else:
        wrapped = {"state_dict": {f"module.{name}": each for name, each in net.state_dict().items()}, "epoch": 7}
        torch.save(wrapped if "wrapped" in form else net.state_dict(), file)
    layers = blocks(net)
    start = plain.Source(name, 64, THEIRS, weights=str(file))
    for found in (
        plain.together(start, layers, head(2), cuts=[2, 3]),
        plain.cut(start, with_head(layers[:3], head(2)), frozen=True),
        plain.fine_tuned(start, new_last_layer(layers, 3), frozen=2),
    ):
        space = {}
        exec(found.code, space)
        built = blocks(space["net"].eval())
        torch.testing.assert_close(built[:3](x), layers[:3](x))


@torch.no_grad()
@pytest.mark.parametrize(
    ("name", "size"),
    [("test_vit", 64), ("swin_tiny_patch4_window7_224", 128), ("torchvision:vit_b_16", 36)],
)
def test_weights_of_a_file_serve_images_of_another_size_as_they_were_measured(name, size, tmp_path, monkeypatch):
    if name.startswith("torchvision"):  # a small one, of 32 pixels
        small = "torchvision VisionTransformer"
        monkeypatch.setattr(pretrained, "_built", lambda *_, **__: family(small, classes=THEIRS)[0])
    net, x = pretrained.as_published(name, seed=1), torch.rand(1, 3, size, size)
    torch.save(new_last_layer(net, THEIRS).state_dict(), tmp_path / "weights.pth")
    start = plain.Source(name, size, THEIRS, weights=str(tmp_path / "weights.pth"))
    layers = pretrained.create(name, weights=start.weights, size=size).eval()
    width = Pooled(layers[:2])(layers[:2](x)).shape[1]
    fitted = with_head(layers[:2], head(width)).eval()
    exec(plain.cut(start, fitted, frozen=True).code, space := {})
    last = space["head"] if "head" in space else space["model"][-1]
    last.load_state_dict(fitted.head[-1].state_dict())
    torch.testing.assert_close(space["model"](x), fitted(x))
    exec(plain.fine_tuned(start, new_last_layer(layers, 3), frozen=1).code, space := {})
    built = space["net"] if isinstance(space["net"], nn.Sequential) else blocks(space["net"])
    torch.testing.assert_close(built.eval()[:-1](x), layers[:-1](x))


def test_weights_of_a_gpu_in_the_home_folder_are_read_wherever_the_code_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    torch.save(nn.Linear(2, 1).state_dict(), tmp_path / "weights.pth")
    assert (
        reading("~/weights.pth")
        == f'torch.load({str(tmp_path / "weights.pth")!r}, map_location="cpu", weights_only=True)'
    )


def test_a_frozen_network_learns_in_the_same_places(source):
    fitted = new_last_layer(blocks(pretrained.as_published(source.name, size=source.size)), 3).eval()
    n, x = len(fitted) // 2, batch(source.size)
    surgery.freeze(fitted, n)
    built = made(plain.fine_tuned(source, fitted, frozen=n), source)["net"]
    with torch.no_grad():
        torch.testing.assert_close(built.eval()(x), fitted(x), rtol=1e-4, atol=1e-5)
    shapes = [[tuple(p.shape) for p in net.parameters() if p.requires_grad] for net in (built, fitted)]
    assert sorted(shapes[0]) == sorted(shapes[1])
    assert 0 < len(shapes[0]) < len(list(fitted.parameters()))


def test_frozen_as_timm_freezes(source):
    """In training too: batch norm below the cut keeps its statistics, above it takes those of the batch."""
    if not source.name.startswith(("resnet18", "efficientnet_b0")):
        pytest.skip("timm's own freezing is compared where there is batch norm")
    fitted = new_last_layer(blocks(pretrained.as_published(source.name, size=source.size)), 3)
    n, x = 3, batch(source.size)
    surgery.freeze(fitted, n)
    found = plain.fine_tuned(source, fitted, frozen=n)
    assert "timm.utils.freeze" in found.code
    built = made(found, source)["net"].train()
    surgery.train_mode(fitted)
    for net in (built, fitted):
        for part in net.modules():
            if isinstance(part, nn.Dropout) or type(part).__name__ == "DropPath":
                part.eval()
            if hasattr(part, "drop_rate"):
                part.drop_rate = 0.0
    torch.testing.assert_close(built(x), fitted(x), rtol=1e-4, atol=1e-5)
    built(x).square().sum().backward()
    assert {p.grad is None for p in built.parameters() if not p.requires_grad} == {True}
