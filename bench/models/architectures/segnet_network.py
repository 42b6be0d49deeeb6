"""SegNet (Badrinarayanan et al. 2017).

The decoder puts values back where the max pooling of the encoder took them from. No library that
`bench` uses has this network, so that it is defined here. This module knows neither files of
weights, nor names of classes, nor how images are prepared.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

CONVOLUTIONS = {"vgg16_bn": (2, 2, 3, 3, 3), "slim": (1, 1, 2, 2, 2)}
"""Convolutions of each of the five stages: the thirteen of VGG-16, and the slim network's eight."""
VGG_CHANNELS = (64, 128, 256, 512, 512)


class SegNet(nn.Module):
    """Five stages of 3x3 convolutions and max pooling, and their mirror image with max unpooling by
    the same indices.

    The layers of `encoder` have the names of torchvision's `vgg16_bn().features`, so that its
    weights fit unchanged.
    """

    def __init__(
        self, channels: tuple[int, ...], convolutions: tuple[int, ...], classes: int
    ) -> None:
        super().__init__()
        encoder: list[nn.Module] = []
        before = 3
        for width, count in zip(channels, convolutions, strict=True):
            for _ in range(count):
                encoder += _convolution(before, width)
                before = width
            encoder.append(nn.MaxPool2d(2, 2, return_indices=True))
        self.encoder = nn.Sequential(*encoder)
        stages = []
        for stage in reversed(range(len(channels))):
            after = channels[max(stage - 1, 0)]
            widths = [channels[stage]] * (convolutions[stage] - 1) + [after]
            # The last convolution of all is the classifier, without batch normalisation.
            widths = widths[: None if stage else -1]
            steps = zip([channels[stage], *widths], widths, strict=False)
            stages.append(
                nn.Sequential(*(layer for step in steps for layer in _convolution(*step)))
            )
        self.decoder = nn.ModuleList(stages)
        self.classifier = nn.Conv2d(channels[0], classes, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits, (N, C, H, W), of images, (N, 3, H, W), both sides at least 32."""
        features = image
        pooled: list[tuple[Tensor, torch.Size]] = []
        for layer in self.encoder:
            if isinstance(layer, nn.MaxPool2d):
                size = features.shape[-2:]
                features, indices = layer(features)
                pooled.append((indices, size))
            else:
                features = layer(features)
        for stage, (indices, size) in zip(self.decoder, reversed(pooled), strict=True):
            features = stage(
                functional.max_unpool2d(features, indices, [2, 2], [2, 2], output_size=size)
            )
        logits: Tensor = self.classifier(features)
        return logits


def full(classes: int) -> SegNet:
    """The network of the paper: the thirteen convolutions of VGG-16, and thirteen to decode."""
    return SegNet(VGG_CHANNELS, CONVOLUTIONS["vgg16_bn"], classes)


def slim(width: int, classes: int) -> SegNet:
    """The same with eight convolutions each way; channels are 1, 2, 4, 8 and 8 times `width`."""
    return SegNet(
        (width, 2 * width, 4 * width, 8 * width, 8 * width), CONVOLUTIONS["slim"], classes
    )


def convolutions_of(state: Mapping[str, Tensor]) -> tuple[int, ...]:
    """Convolutions of each stage of an encoder with weights of these names and shapes."""
    counts: list[int] = []
    expected = -1
    positions = sorted(
        int(n.split(".")[1]) for n, v in state.items() if n.startswith("encoder.") and v.ndim == 4
    )
    for position in positions:
        # Convolution, normalisation and ReLU take three positions; the pooling between two stages
        # takes one more.
        if position == expected:
            counts[-1] += 1
        else:
            counts.append(1)
        expected = position + 3
    return tuple(counts)


def _convolution(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
