"""A small network of each family that ``models.layers.blocks`` knows, and the side of its images."""

from __future__ import annotations

import timm.models as T
import torch
import torchvision.models as V
from torch import nn
from torchvision.models.convnext import CNBlockConfig
from torchvision.models.vgg import make_layers


def fully_connected(inputs: int, classes: int, *, dropout_first: bool) -> nn.Sequential:
    """torchvision's three FC layers, narrow, with dropout where AlexNet or where VGG has it."""
    hidden = nn.Linear(inputs, 16), nn.ReLU(True), nn.Dropout(), nn.Linear(16, 12), nn.ReLU(True), nn.Dropout()
    if dropout_first:
        hidden = nn.Dropout(), *hidden[:5]
    return nn.Sequential(*hidden, nn.Linear(12, classes))


def torchvision_vgg(classes: int) -> nn.Module:
    with torch.device("meta"):  # its own FC layers have 120 million parameters
        net = V.VGG(nn.Identity(), init_weights=False)
    net.features = make_layers([8, "M", 12, 12, "M", 16, "M"], batch_norm=True)
    net.classifier = fully_connected(16 * 49, classes, dropout_first=False)
    return net


def torchvision_alexnet(classes: int) -> nn.Module:
    with torch.device("meta"):
        net = V.AlexNet()
    net.features = nn.Sequential(
        nn.Conv2d(3, 8, 5, 2, 2), nn.ReLU(True), nn.MaxPool2d(3, 2), nn.Conv2d(8, 12, 3, padding=1), nn.ReLU(True)
    )
    net.classifier = fully_connected(12 * 36, classes, dropout_first=True)
    return net


def mobilenet_v3(classes: int) -> nn.Module:
    settings, _ = V.mobilenetv3._mobilenet_v3_conf("mobilenet_v3_small", width_mult=0.25)
    return V.MobileNetV3(settings[:5], 32, num_classes=classes)


def efficientnet(classes: int) -> nn.Module:
    settings, _ = V.efficientnet._efficientnet_conf("efficientnet_b0", width_mult=0.25, depth_mult=0.5)
    return V.EfficientNet(settings[:4], 0.2, num_classes=classes, last_channel=24)


TRANSFORMER = {"embed_dim": 16, "num_heads": 2}

FAMILIES = {
    "torchvision AlexNet": (torchvision_alexnet, 56),
    "torchvision ConvNeXt": (
        lambda k: V.ConvNeXt([CNBlockConfig(8, 16, 2), CNBlockConfig(16, None, 1)], 0.3, num_classes=k), 32
    ),
    "torchvision DenseNet": (lambda k: V.DenseNet(4, (2, 1, 2, 1), 8, num_classes=k, drop_rate=0.1), 64),
    "torchvision EfficientNet": (efficientnet, 32),
    "torchvision MobileNetV2": (
        lambda k: V.MobileNetV2(k, 0.25, [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 2, 2]]), 32
    ),
    "torchvision MobileNetV3": (mobilenet_v3, 32),
    "torchvision ResNet": (lambda k: V.ResNet(V.resnet.BasicBlock, [1, 1, 1, 1], k), 32),
    "torchvision SwinTransformer": (
        lambda k: V.SwinTransformer([4, 4], 8, [2, 2], [1, 2], [4, 4], num_classes=k, dropout=0.1), 32
    ),
    "torchvision VGG": (torchvision_vgg, 56),
    "torchvision VisionTransformer": (lambda k: V.VisionTransformer(32, 8, 3, 2, 16, 32, 0.1, num_classes=k), 32),
    "timm ConvNeXt": (
        lambda k: T.ConvNeXt(num_classes=k, depths=(1, 2, 1, 1), dims=(8, 8, 12, 16), head_norm_first=True), 32
    ),
    "timm DenseNet": (lambda k: T.DenseNet(4, (2, 1, 2, 1), num_classes=k, drop_rate=0.2), 64),
    "timm EfficientNet": (
        lambda k: T.efficientnet._gen_efficientnet_lite(
            "tf_efficientnet_lite0", 0.25, 0.5, num_classes=k, drop_rate=0.2
        ), 32
    ),
    "timm MobileNetV3": (
        lambda k: T.mobilenetv3._gen_mobilenet_v3("mobilenetv3_small_050", 0.25, num_classes=k, drop_rate=0.2), 32
    ),
    "timm ResNet": (
        lambda k: T.ResNet(
            T.resnet.Bottleneck, (1, 2, 1, 1), k, channels=(8, 12, 16, 16), drop_rate=0.2, drop_path_rate=0.2
        ), 32
    ),
    "timm SwinTransformer": (
        lambda k: T.SwinTransformer(32, 4, 3, k, embed_dim=8, depths=(2, 2), num_heads=(1, 2), window_size=4), 32
    ),
    "timm SwinTransformerV2": (
        lambda k: T.SwinTransformerV2(32, 4, 3, k, embed_dim=8, depths=(2, 2), num_heads=(1, 2), window_size=4), 32
    ),
    "timm VGG": (lambda k: T.VGG([8, "M", 12, "M"], k, mlp_ratio=0.004, drop_rate=0.2), 32),
    "timm VisionTransformer": (
        lambda k: T.VisionTransformer(32, 8, 3, k, depth=3, reg_tokens=2, pos_drop_rate=0.1, **TRANSFORMER), 32
    ),
    "timm VisionTransformer, mean of tokens": (
        lambda k: T.VisionTransformer(
            32, 8, 3, k, "avg", depth=2, class_token=False, pre_norm=True, drop_rate=0.2, **TRANSFORMER
        ), 32
    ),
}  # fmt: skip


def family(name: str, *, classes: int = 5, seed: int = 0) -> tuple[nn.Module, int]:
    """A network of the family from ``seed``, with no weight or statistic at a default such as 0, and its size."""
    make, size = FAMILIES[name]
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        net = make(classes)
        for values in net.parameters():
            values.add_(torch.randn_like(values) * 0.05)
        for part in net.modules():
            if getattr(part, "running_var", None) is not None:
                part.running_mean.normal_(0, 0.1)
                part.running_var.uniform_(0.5, 1.5)
    return net, size


def published(name: str) -> nn.Module:
    """torchvision's network on the device "meta": shapes without numbers."""
    with torch.device("meta"):
        return V.get_model(name, weights=None)


def batch(size: int, *, count: int = 4, seed: int = 0) -> torch.Tensor:
    """Images (count, 3, size, size) of noise."""
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(seed))
