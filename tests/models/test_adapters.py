"""torchvision's AlexNet and VGG as named layers: the same function, cut by slices, weights only from checked files."""

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from fctransfer_utils.errors import InputError
from fctransfer_utils.files import sha256_of
from fctransfer_utils.models import LAYER_NAMES, adapters
from fctransfer_utils.models.adapters import adapted, find_weights, named_layers, read_weights
from fctransfer_utils.models.init import weight_layer


def test_alexnet_has_our_layer_names_and_torchvisions_outputs():
    reference = torchvision.models.alexnet(num_classes=3).eval()
    net = named_layers(reference)
    assert [name for name, _ in net.named_children()] == list(LAYER_NAMES)
    images = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(net(images), reference(images))
        for n in (0, 5, 6, 7):
            assert torch.equal(net[n:](net[:n](images)), net(images))
    assert net.fc8.linear.weight is reference.classifier[6].weight


@pytest.mark.parametrize(("name", "convs", "last"), [("vgg16", 13, "conv5_3"), ("vgg19", 16, "conv5_4")])
def test_vgg_has_the_names_of_its_paper_and_the_published_number_of_parameters(name, convs, last):
    net = adapted(name, device="meta")
    names = [layer for layer, _ in net.named_children()]
    assert len(names) == convs + 3
    assert names[:3] == ["conv1_1", "conv1_2", "conv2_1"]
    assert names[convs - 1 :] == [last, "fc6", "fc7", "fc8"]
    assert sum(p.numel() for p in net.parameters()) == {"vgg16": 138_357_544, "vgg19": 143_667_240}[name]
    assert net[:convs](torch.zeros(1, 3, 224, 224, device="meta")).shape == (1, 512, 7, 7)


def test_vgg_computes_what_torchvision_computes():
    """With a narrow FC part: the wide one takes half a gigabyte."""
    reference = torchvision.models.VGG(
        torchvision.models.vgg.make_layers([4, "M", 4, 6, "M"]), num_classes=3, init_weights=True
    )
    reference.classifier[0] = nn.Linear(6 * 49, 10)
    reference.classifier[3] = nn.Linear(10, 10)
    reference.classifier[6] = nn.Linear(10, 3)
    net = named_layers(reference.eval())
    assert [name for name, _ in net.named_children()] == ["conv1_1", "conv2_1", "conv2_2", "fc6", "fc7", "fc8"]
    images = torch.randn(2, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    assert torch.equal(net(images), reference(images))


def test_every_layer_has_one_weight_layer_and_no_relu_works_in_place():
    net = adapted("vgg16", device="meta")
    for layer in net:
        assert sum(isinstance(part, nn.Conv2d | nn.Linear) for part in layer.modules()) == 1
    assert not any(part.inplace for part in net.modules() if isinstance(part, nn.ReLU))


def test_random_weights_are_fixed_by_the_seed():
    first, again, other = (adapted("alexnet", classes=2, seed=seed) for seed in (0, 0, 1))
    weights = [weight_layer(net.conv2).weight for net in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def named_by_its_checksum(folder, state, ending):
    path = folder / f"weights{ending}"
    save_file(state, path) if ending == ".safetensors" else torch.save(state, path)
    return path.rename(folder / f"net-{sha256_of(path)[:8]}{ending}")


@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_weights_are_read_from_a_file_whose_checksum_is_right(tmp_path, ending):
    state = {"a": torch.arange(3.0)}
    path = named_by_its_checksum(tmp_path, state, ending)
    assert torch.equal(read_weights(path)["a"], state["a"])
    assert torch.equal(read_weights(path, sha256=sha256_of(path))["a"], state["a"])


def test_public_weights_that_the_user_has_are_found_and_loaded(tmp_path, monkeypatch):
    reference = torchvision.models.alexnet()
    path = named_by_its_checksum(tmp_path, reference.state_dict(), ".pth")
    monkeypatch.setitem(adapters.FILES, "alexnet", path.name)
    assert find_weights("alexnet", folder=tmp_path) == path
    assert find_weights("vgg16", folder=tmp_path) is None
    net = adapted("alexnet", weights=find_weights("alexnet", folder=tmp_path))
    assert torch.equal(net.fc8.linear.weight, reference.classifier[6].weight)


class Runs:
    """What a malicious file would hold: reading it with pickle calls this."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('code in a weights file was run')",))


def test_code_in_a_weights_file_is_not_run(tmp_path):
    path = tmp_path / "net.pth"
    torch.save({"a": Runs()}, path)
    with pytest.raises(InputError, match="nothing in it is run"):
        read_weights(path, sha256=sha256_of(path))


def test_files_that_cannot_be_trusted_or_do_not_fit_are_refused(tmp_path):
    good = named_by_its_checksum(tmp_path, {"a": torch.zeros(2)}, ".pth")
    unnamed = tmp_path / "plain.pth"
    unnamed.write_bytes(good.read_bytes())
    for make, words in (
        (lambda: read_weights(tmp_path / "none-12345678.pth"), "no weights at"),
        (lambda: read_weights(tmp_path / "net.ckpt"), "'.ckpt'"),
        (lambda: read_weights(unnamed), "nothing says.*sha256"),
        (lambda: read_weights(unnamed, sha256="abc"), "nothing says.*sha256"),
        (lambda: read_weights(good, sha256="0" * 64), "not 0000"),
        (lambda: read_weights(named_by_its_checksum(tmp_path, [1, 2], ".pth")), "no table of tensors"),
        (lambda: adapted("alexnet", weights=good), "does not fit"),
        (lambda: adapted("vgg11"), "vgg11.*vgg16"),
        (lambda: find_weights("resnet50"), "resnet50"),
        (lambda: adapted("vgg16", device="meta", weights=good), "'meta'"),
        (lambda: named_layers(nn.Linear(1, 1)), "Linear is neither"),
    ):
        with pytest.raises(InputError, match=words):
            make()
