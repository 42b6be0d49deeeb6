"""The backbone of the reference networks: a ResNet-18 of any width and output stride.

This module knows neither the heads, nor files of weights, nor how images are prepared.
"""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock


class SlimResNet(nn.Module):
    """A ResNet-18 of any width: a 3x3 stem, then four stages of two basic blocks.

    The stages have 1, 2, 4 and 8 times `width` channels. `stride` is the output stride of the last
    stage: further strides become dilations, as in DeepLabV3.
    """

    def __init__(self, width: int, *, stride: int) -> None:
        super().__init__()
        self.channels = (width, width, 2 * width, 4 * width, 8 * width)
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
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


def _stage(before: int, after: int, *, stride: int) -> nn.Sequential:
    shortcut = None
    if stride > 1 or before != after:
        shortcut = nn.Sequential(
            nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after)
        )
    return nn.Sequential(BasicBlock(before, after, stride, shortcut), BasicBlock(after, after))


def _dilate(stage: nn.Module, rate: int) -> None:
    """Dilate every 3x3 convolution; torchvision's basic block refuses dilations when it is
    built.
    """
    for module in stage.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
            module.dilation = (rate, rate)
            module.padding = (rate, rate)
