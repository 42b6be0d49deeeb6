"""The reference networks: the real DeepLabV3, FCN and U-Net heads on a slim residual backbone, small enough to ship.

An architecture is a name, `<head>_slim<width>`; the shipped checkpoints carry it in their metadata. This module knows
neither files of weights, nor classes by name, nor how images are prepared.
"""

from __future__ import annotations

import re
from typing import cast

from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock
from torchvision.models.segmentation.deeplabv3 import ASPP
from torchvision.models.segmentation.fcn import FCNHead

NAME = re.compile(r"(deeplabv3|fcn|unet)_slim(\d+)")
ATROUS_RATES = (3, 6, 9)
"""Half of DeepLabV3's rates for output stride 16: the reference images are a quarter of the size it was made for."""


class SlimResNet(nn.Module):
    """A ResNet-18 of any width: a 3x3 stem, then four stages of two basic blocks with width, 2, 4 and 8 times width.

    `stride` is that of the last stage: beyond it, strides become dilations, as DeepLabV3 does.
    """

    def __init__(self, width: int, *, stride: int) -> None:
        super().__init__()
        self.channels = (width, width, 2 * width, 4 * width, 8 * width)
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        stages, reached = [], 2
        for before, after in zip(self.channels, self.channels[1:], strict=False):
            step = 2 if reached < stride else 1
            reached *= step
            stages.append(_stage(before, after, stride=step))
        self.stages = nn.ModuleList(stages)
        for rate, stage in zip((2, 4), self.stages[{8: 2, 16: 3, 32: 4}[stride] :], strict=False):
            _dilate(stage, rate)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features from fine to coarse, the image itself first."""
        features = [image, self.stem(image)]
        for stage in self.stages:
            features.append(stage(features[-1]))
        return features


class Dense(nn.Module):
    """Backbone, classifier on its last features, and bilinear upsampling to the size of the input."""

    def __init__(self, backbone: SlimResNet, classifier: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = classifier

    def forward(self, image: Tensor) -> Tensor:
        """Logits, (N, C, H, W), of images, (N, 3, H, W)."""
        logits = self.classifier(self.backbone(image)[-1])
        return functional.interpolate(logits, size=image.shape[-2:], mode="bilinear", align_corners=False)


class Skipping(nn.Module):
    """Encoder, a decoder that meets every one of its features again, and a head."""

    def __init__(self, encoder: SlimResNet, decoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.head = head

    def forward(self, image: Tensor) -> Tensor:
        """Logits, (N, C, H, W), of images, (N, 3, H, W)."""
        return cast("Tensor", self.head(self.decoder(self.encoder(image))))


def is_slim(architecture: str) -> bool:
    """Whether the name is one of the reference networks."""
    return NAME.fullmatch(architecture) is not None


def build(architecture: str, classes: int) -> nn.Module:
    """Return the reference network of this name with `classes` output channels and random weights."""
    match = NAME.fullmatch(architecture)
    if match is None:
        raise ValueError(f"{architecture!r} is no <head>_slim<width>")
    width = int(match[2])
    if match[1] == "unet":
        return _unet(width, classes)
    if match[1] == "fcn":
        return Dense(SlimResNet(width, stride=16), FCNHead(8 * width, classes))
    head = nn.Sequential(
        ASPP(8 * width, ATROUS_RATES, out_channels=4 * width),
        nn.Conv2d(4 * width, 4 * width, 3, padding=1, bias=False),
        nn.BatchNorm2d(4 * width),
        nn.ReLU(),
        nn.Conv2d(4 * width, classes, 1),
    )
    return Dense(SlimResNet(width, stride=8), head)


def _unet(width: int, classes: int) -> nn.Module:
    from segmentation_models_pytorch.base import SegmentationHead
    from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder

    encoder = SlimResNet(width, stride=32)
    channels = (4 * width, 3 * width, 2 * width, width + width // 2, width)
    decoder = UnetDecoder(encoder_channels=(3, *encoder.channels), decoder_channels=channels)
    return Skipping(encoder, decoder, SegmentationHead(channels[-1], classes, kernel_size=3))


def _stage(before: int, after: int, *, stride: int) -> nn.Sequential:
    shortcut = None
    if stride > 1 or before != after:
        shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after))
    return nn.Sequential(BasicBlock(before, after, stride, shortcut), BasicBlock(after, after))


def _dilate(stage: nn.Module, rate: int) -> None:
    """Widen every 3x3 convolution; torchvision's basic block refuses a dilation when it is made."""
    for module in stage.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
            module.dilation = (rate, rate)
            module.padding = (rate, rate)
