"""How each family of classifiers of timm and torchvision is cut into named blocks: see ``models.layers.blocks``.

A family is known by the name of its class: no network of either library is imported.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat

import torch
from torch import Tensor, nn
from torchvision.ops import Permute

Named = Iterator[tuple[str, nn.Module]]


class _Append(nn.Module):
    """A layer of DenseNet: its new channels behind those that it was given."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.layer(x)], 1)


class Enlarge(nn.Module):
    """A map smaller than its window is blown up to it, as in timm's VGG."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.at_least = side

    def forward(self, x: Tensor) -> Tensor:
        height, width = (max(side, self.at_least) for side in x.shape[-2:])
        return x if x.shape[-2:] == (height, width) else nn.functional.adaptive_avg_pool2d(x, (height, width))


class _Tokens(nn.Module):
    """The input layer of torchvision's ViT: patches, class token, places."""

    def __init__(self, vit: nn.Module) -> None:
        super().__init__()
        self.patches, self.token = vit.conv_proj, vit.class_token
        self.places, self.dropout = vit.encoder.pos_embedding, vit.encoder.dropout

    def forward(self, x: Tensor) -> Tensor:
        patches = self.patches(x).flatten(2).transpose(1, 2)
        return self.dropout(torch.cat([self.token.expand(len(x), -1, -1), patches], 1) + self.places)


class _FirstToken(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0]


class _PartOfViT(nn.Module):
    """Some modules of timm's ViT, called by its own methods, which differ from version to version."""

    def __init__(self, vit: nn.Module, steps: Iterable[str], *, modules: Iterable[str], tokens: bool) -> None:
        super().__init__()
        self.steps, self.vit = tuple(steps), copy.copy(vit)
        self.vit._modules = {name: part for name, part in vit._modules.items() if name in modules}
        self.vit._parameters = dict(vit._parameters) if tokens else {}

    def forward(self, x: Tensor) -> Tensor:
        for step in self.steps:
            x = getattr(self.vit, step)(x)
        return x


def _stages(
    stages: Iterable[Iterable[nn.Module]],
    downs: Iterable[nn.Module | None] = repeat(None),
    wrap: Callable[[nn.Module], nn.Module] = lambda part: part,
) -> Named:
    """The blocks of each stage, behind its change of resolution (``downs``) if it has one."""
    for number, (stage, down) in enumerate(zip(stages, downs, strict=False), 1):
        if not isinstance(down, nn.Identity | None):
            yield f"down{number}", wrap(down)
        for place, block in enumerate(stage, 1):
            yield f"block{number}_{place}", wrap(block)


def _flat(parts: Iterable[nn.Module]) -> Named:
    for number, block in enumerate(parts, 1):
        yield f"block{number}", block


def _global_pool(*above: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), *above)


def _weight_layers(parts: Iterable[nn.Module]) -> list[nn.Sequential]:
    """Each convolution or linear layer with what follows it; what comes before the first one belongs to that."""
    layers: list[list[nn.Module]] = []
    before: list[nn.Module] = []
    for part in parts:
        if isinstance(part, nn.Conv2d | nn.Linear):
            layers.append([*before, part])
            before = []
        else:
            (layers[-1] if layers else before).append(part)
    return [nn.Sequential(*layer) for layer in layers]


def _resnet(net: nn.Module) -> Named:
    of_timm = hasattr(net, "global_pool")
    yield "stem", nn.Sequential(net.conv1, net.bn1, net.act1 if of_timm else net.relu, net.maxpool)
    yield from _stages((net.layer1, net.layer2, net.layer3, net.layer4))
    pool = (net.global_pool, nn.Dropout(net.drop_rate)) if of_timm else (net.avgpool, nn.Flatten())
    yield "head", nn.Sequential(*pool, net.fc)


def _convnext_torchvision(net: nn.Module) -> Named:
    yield "stem", net.features[0]
    yield from _stages(net.features[1::2], [None, *net.features[2::2]])
    yield "head", nn.Sequential(net.avgpool, *net.classifier)


def _convnext_timm(net: nn.Module) -> Named:
    yield "stem", net.stem
    yield from _stages([stage.blocks for stage in net.stages], [stage.downsample for stage in net.stages])
    if not isinstance(net.norm_pre, nn.Identity):
        yield "norm", net.norm_pre
    yield "head", net.head


def _maps(part: nn.Module) -> nn.Sequential:
    """A part that works on (N, H, W, C), from maps to maps (N, C, H, W)."""
    return nn.Sequential(Permute([0, 2, 3, 1]), part, Permute([0, 3, 1, 2]))


def _swin_torchvision(net: nn.Module) -> Named:
    yield "stem", nn.Sequential(net.features[0], Permute([0, 3, 1, 2]))
    yield from _stages(net.features[1::2], [None, *net.features[2::2]], _maps)
    yield "norm", _maps(net.norm)
    yield "head", nn.Sequential(net.avgpool, net.flatten, net.head)


def _swin_timm(net: nn.Module) -> Named:
    yield "stem", nn.Sequential(net.patch_embed, Permute([0, 3, 1, 2]))
    yield from _stages([stage.blocks for stage in net.layers], [stage.downsample for stage in net.layers], _maps)
    yield "norm", _maps(net.norm)
    yield "head", nn.Sequential(Permute([0, 2, 3, 1]), net.head)


def _vit_torchvision(net: nn.Module) -> Named:
    yield "stem", _Tokens(net)
    yield from _flat(net.encoder.layers)
    yield "norm", net.encoder.ln
    yield "head", nn.Sequential(_FirstToken(), net.heads)


def _vit_timm(net: nn.Module) -> Named:
    below = ("patch_embed", "pos_drop", "patch_drop", "norm_pre")
    yield "stem", _PartOfViT(net, ("patch_embed", "_pos_embed", *below[2:]), modules=below, tokens=True)
    yield from _flat(net.blocks)
    if not isinstance(net.norm, nn.Identity):
        yield "norm", net.norm
    above = ("fc_norm", "head_drop", "head")
    yield "head", _PartOfViT(net, ("pool", *above), modules=("attn_pool", *above), tokens=False)


def _efficientnet_torchvision(net: nn.Module) -> Named:
    yield "stem", net.features[0]
    yield from _stages(net.features[1:-1])
    yield "last", net.features[-1]
    yield "head", nn.Sequential(net.avgpool, nn.Flatten(), *net.classifier)


def _efficientnet_timm(net: nn.Module) -> Named:
    yield "stem", nn.Sequential(net.conv_stem, net.bn1)
    yield from _stages(net.blocks)
    if not isinstance(net.conv_head, nn.Identity):
        yield "last", nn.Sequential(net.conv_head, net.bn2)
    yield "head", nn.Sequential(net.global_pool, nn.Dropout(net.drop_rate), net.classifier)


def _mobilenet_torchvision(net: nn.Module) -> Named:
    yield "stem", net.features[0]
    yield from _flat(net.features[1:-1])
    yield "last", net.features[-1]
    if len(net.classifier) == 4:  # V3: a hidden layer, its activation, dropout, the scores
        yield "hidden", _global_pool(*net.classifier[:2])
        yield "head", net.classifier[2:]
    else:
        yield "head", _global_pool(*net.classifier)


def _mobilenet_v3_timm(net: nn.Module) -> Named:
    yield "stem", nn.Sequential(net.conv_stem, net.bn1)
    yield from _stages(net.blocks)
    yield "hidden", nn.Sequential(net.global_pool, net.conv_head, net.norm_head, net.act2, net.flatten)
    yield "head", nn.Sequential(nn.Dropout(net.drop_rate), net.classifier)


def _densenet(net: nn.Module) -> Named:
    of_timm = hasattr(net, "global_pool")
    *parts, norm = net.features
    first = next(place for place, part in enumerate(parts) if isinstance(part, nn.ModuleDict))
    yield "stem", nn.Sequential(*parts[:first])
    blocks = [[_Append(layer) for layer in block.values()] for block in parts[first::2]]
    yield from _stages(blocks, [None, *parts[first + 1 :: 2]])
    yield "norm", norm if of_timm else nn.Sequential(norm, nn.ReLU())  # timm's norm has the ReLU in it
    head = nn.Sequential(net.global_pool, net.head_drop, net.classifier) if of_timm else _global_pool(net.classifier)
    yield "head", head


def _vgg(net: nn.Module) -> Named:
    block, place = 1, 1
    for layer in _weight_layers(net.features):
        yield f"conv{block}_{place}", layer
        pooled = any(isinstance(part, nn.MaxPool2d) for part in layer)
        block, place = (block + 1, 1) if pooled else (block, place + 1)
    if hasattr(net, "classifier"):
        yield from _fully_connected(net)
    else:
        hidden = net.pre_logits  # timm writes fc6 and fc7 as convolutions
        yield "fc6", nn.Sequential(Enlarge(hidden.input_kernel_size), hidden.fc1, hidden.act1, hidden.drop)
        yield "fc7", nn.Sequential(hidden.fc2, hidden.act2)
        yield "fc8", net.head


def _alexnet(net: nn.Module) -> Named:
    yield from ((f"conv{number}", layer) for number, layer in enumerate(_weight_layers(net.features), 1))
    yield from _fully_connected(net)


def _fully_connected(net: nn.Module) -> Named:
    layers = _weight_layers([net.avgpool, nn.Flatten(), *net.classifier])
    yield from ((f"fc{number}", layer) for number, layer in enumerate(layers, 6))


FAMILIES: dict[tuple[str, str], Callable[[nn.Module], Named]] = {
    ("torchvision", "AlexNet"): _alexnet,
    ("torchvision", "ConvNeXt"): _convnext_torchvision,
    ("torchvision", "DenseNet"): _densenet,
    ("torchvision", "EfficientNet"): _efficientnet_torchvision,
    ("torchvision", "MobileNetV2"): _mobilenet_torchvision,
    ("torchvision", "MobileNetV3"): _mobilenet_torchvision,
    ("torchvision", "ResNet"): _resnet,
    ("torchvision", "SwinTransformer"): _swin_torchvision,
    ("torchvision", "VGG"): _vgg,
    ("torchvision", "VisionTransformer"): _vit_torchvision,
    ("timm", "ConvNeXt"): _convnext_timm,
    ("timm", "DenseNet"): _densenet,
    ("timm", "EfficientNet"): _efficientnet_timm,
    ("timm", "MobileNetV3"): _mobilenet_v3_timm,
    ("timm", "ResNet"): _resnet,
    ("timm", "SwinTransformer"): _swin_timm,
    ("timm", "SwinTransformerV2"): _swin_timm,
    ("timm", "VGG"): _vgg,
    ("timm", "VisionTransformer"): _vit_timm,
}
