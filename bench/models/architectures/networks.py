"""The reference networks: the heads of DeepLabV3, FCN, PSPNet, U-Net and SegNet, small enough to
ship.

An architecture is a name, `<head>_slim<width>`, which the shipped checkpoints have in their
metadata. This module knows neither files of weights, nor names of classes, nor how images are
prepared.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.segmentation.deeplabv3 import ASPP
from torchvision.models.segmentation.fcn import FCNHead

from bench.models.architectures import segnet_network
from bench.models.architectures.slim_resnet import SlimResNet
from bench.models.contract import catalogue

NAME = re.compile(r"(deeplabv3|fcn|pspnet|segnet|unet)_slim(\d+)")
HEADS = ("classifier.", "head.")
"""Prefixes of the layers that return the classes."""
STEMS = ("backbone.stem.0.weight", "encoder.stem.0.weight", "encoder.0.weight")
"""The first convolution, whose width is that in the name."""
ATROUS_RATES = (3, 6, 9)
"""Half of DeepLabV3's rates for output stride 16, because the reference images are smaller."""
PYRAMID = (1, 2, 3, 6)
"""Cells along each side that PSPNet averages over, as in its paper."""


class Dense(nn.Module):
    """Backbone, classifier on its last features, and bilinear upsampling to the size of the
    input.
    """

    def __init__(self, backbone: SlimResNet, classifier: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = classifier

    def forward(self, image: Tensor) -> Tensor:
        """Logits, (N, C, H, W), of images, (N, 3, H, W)."""
        logits = self.classifier(self.backbone(image)[-1])
        return functional.interpolate(
            logits, size=image.shape[-2:], mode="bilinear", align_corners=False
        )


class Skipping(nn.Module):
    """Encoder, a decoder with skip connections to all features of the encoder, and a head."""

    def __init__(self, encoder: SlimResNet, decoder: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.head = head

    def forward(self, image: Tensor) -> Tensor:
        """Logits, (N, C, H, W), of images, (N, 3, H, W)."""
        return cast("Tensor", self.head(self.decoder(self.encoder(image))))


class PyramidPooling(nn.Module):
    """Features concatenated with their means over smaller and smaller cells (Zhao et al. 2017).

    The output has twice as many channels as the input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            nn.Sequential(
                nn.AdaptiveAvgPool2d(cells),
                nn.Conv2d(channels, channels // len(PYRAMID), 1, bias=False),
                nn.BatchNorm2d(channels // len(PYRAMID)),
                nn.ReLU(inplace=True),
            )
            for cells in PYRAMID
        )

    def forward(self, features: Tensor) -> Tensor:
        """(N, 2D, H, W) of (N, D, H, W)."""
        size = features.shape[-2:]
        means = (
            functional.interpolate(level(features), size=size, mode="bilinear", align_corners=False)
            for level in self.levels
        )
        return torch.cat([features, *means], dim=1)


def is_slim(architecture: str) -> bool:
    """Whether the name is that of a reference network."""
    return NAME.fullmatch(architecture) is not None


def recognise(state: Mapping[str, Tensor]) -> str | None:
    """The reference network with weights of these names and shapes, for files without metadata."""
    adapter = catalogue.recognise(state)
    stem = next((state[name] for name in STEMS if name in state), None)
    if adapter is None or stem is None:
        return None
    if adapter.name == "segnet":
        # The full and the slim SegNet differ in nothing but the number of convolutions.
        slim = segnet_network.CONVOLUTIONS["slim"]
        if segnet_network.convolutions_of(state) != slim:
            return None
    architecture = f"{catalogue.architecture_of(adapter)}_slim{stem.shape[0]}"
    return architecture if is_slim(architecture) else None


def build(architecture: str, classes: int) -> nn.Module:
    """Return the reference network of this name with `classes` output channels and random
    weights.
    """
    match = NAME.fullmatch(architecture)
    if match is None:
        raise ValueError(f"{architecture!r} is not of the form <head>_slim<width>")
    builders: dict[str, Callable[[int, int], nn.Module]] = {
        "deeplabv3": _deeplabv3,
        "fcn": _fcn,
        "pspnet": _pspnet,
        "segnet": segnet_network.slim,
        "unet": _unet,
    }
    return builders[match[1]](int(match[2]), classes)


def _deeplabv3(width: int, classes: int) -> nn.Module:
    head = nn.Sequential(
        ASPP(8 * width, ATROUS_RATES, out_channels=4 * width),
        nn.Conv2d(4 * width, 4 * width, 3, padding=1, bias=False),
        nn.BatchNorm2d(4 * width),
        nn.ReLU(),
        nn.Conv2d(4 * width, classes, 1),
    )
    return Dense(SlimResNet(width, stride=8), head)


def _fcn(width: int, classes: int) -> nn.Module:
    return Dense(SlimResNet(width, stride=16), FCNHead(8 * width, classes))


def _pspnet(width: int, classes: int) -> nn.Module:
    head = nn.Sequential(
        PyramidPooling(8 * width),
        nn.Conv2d(16 * width, 4 * width, 3, padding=1, bias=False),
        nn.BatchNorm2d(4 * width),
        nn.ReLU(inplace=True),
        nn.Dropout2d(0.1),
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
