"""Mask R-CNN of torchvision and a slim one: built without weights, recognised by their weights.

The slim one is torchvision's class on the reference backbone with narrow heads. This module knows
no card.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import cast

from torch import Tensor, nn
from torchvision.models import get_model
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import AnchorGenerator, RPNHead
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from bench.models.architectures.slim_resnet import SlimResNet

ARCHITECTURES = ("maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_v2")
NAME = re.compile(r"maskrcnn_slim(\d+)")
ANCHORS = (12, 24, 48, 96, 192)
"""Sides in pixels, one per level: less than half of torchvision's, because the images are
smaller.
"""
SHAPES = (0.5, 1.0, 2.0)
IMAGE = (256, 512)
"""Images are resized until the shorter side is the first, or the longer side is the second."""
WIDTH_OF_BOX_HEAD = 256
LEGACY = (
    (re.compile(r"^rpn\.head\.conv\.(weight|bias)$"), r"rpn.head.conv.0.0.\1"),
    (re.compile(r"^(backbone\.fpn\.(?:inner|layer)_blocks\.\d+)\.(weight|bias)$"), r"\1.0.\2"),
)
"""Names of weights before torchvision 0.13, which its published files still have."""
LEGACY_MASK = re.compile(r"^roi_heads\.mask_head\.mask_fcn(\d)\.(weight|bias)$")


class Pyramid(nn.Module):
    """The reference backbone and a feature pyramid on its last four stages, with a fifth level of
    half the size.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = SlimResNet(width, stride=32)
        self.out_channels = 4 * width
        stages = [*self.body.channels[1:]]
        self.fpn = FeaturePyramidNetwork(stages, self.out_channels, extra_blocks=LastLevelMaxPool())

    def forward(self, image: Tensor) -> Mapping[str, Tensor]:
        """Features by name of the level, from fine to coarse."""
        stages = self.body(image)[2:]
        return cast(
            "Mapping[str, Tensor]",
            self.fpn(OrderedDict((str(n), stage) for n, stage in enumerate(stages))),
        )


def build(architecture: str, outputs: int) -> MaskRCNN:
    """The network of this name with random weights; `outputs` counts the classes plus "no
    object".
    """
    match = NAME.fullmatch(architecture)
    if match is None:
        return get_model(architecture, weights=None, weights_backbone=None, num_classes=outputs)
    backbone = Pyramid(int(match[1]))
    channels = backbone.out_channels
    return MaskRCNN(
        backbone,
        min_size=IMAGE[0],
        max_size=IMAGE[1],
        rpn_anchor_generator=AnchorGenerator(
            tuple((side,) for side in ANCHORS), (SHAPES,) * len(ANCHORS)
        ),
        rpn_head=RPNHead(channels, len(SHAPES)),
        box_head=TwoMLPHead(channels * 7 * 7, WIDTH_OF_BOX_HEAD),
        box_predictor=FastRCNNPredictor(WIDTH_OF_BOX_HEAD, outputs),
        mask_head=MaskRCNNHeads(channels, (channels, channels), 1),
        mask_predictor=MaskRCNNPredictor(channels, channels, outputs),
        rpn_pre_nms_top_n_train=500,
        rpn_post_nms_top_n_train=500,
        rpn_pre_nms_top_n_test=500,
        rpn_post_nms_top_n_test=300,
        box_batch_size_per_image=128,
    )


def modernised(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights under the names of today's torchvision."""
    return {_modern(name): value for name, value in state.items()}


def recognise(state: Mapping[str, Tensor]) -> str | None:
    """The architecture whose layers have these (modernised) names, None if it is unknown."""
    if "roi_heads.mask_predictor.mask_fcn_logits.weight" not in state:
        return None
    if "backbone.body.layer4.2.conv3.weight" in state:
        return ARCHITECTURES["roi_heads.mask_head.0.1.weight" in state]
    stem = state.get("backbone.body.stem.0.weight")
    return None if stem is None else f"maskrcnn_slim{stem.shape[0]}"


def outputs_of(state: Mapping[str, Tensor]) -> int | None:
    """Number of classes plus "no object": the rows of the classifier of boxes."""
    weight = state.get("roi_heads.box_predictor.cls_score.weight")
    return None if weight is None else int(weight.shape[0])


def without_epsilon(network: nn.Module) -> None:
    """Set epsilon to 0 in batch normalisation, as torchvision does for its published weights."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 0.0


def _modern(name: str) -> str:
    for pattern, replacement in LEGACY:
        name = pattern.sub(replacement, name)
    return LEGACY_MASK.sub(
        lambda match: f"roi_heads.mask_head.{int(match[1]) - 1}.0.{match[2]}", name
    )
