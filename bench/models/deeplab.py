"""DeepLabV3 of torchvision, and the slim reference network of the same head.

`architectures/torchvision_networks.py` builds the networks and leaves out their auxiliary
classifiers, which serve training only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.models.assembling import semantic
from bench.models.contract import supported
from bench.models.contract.adapter import Adapter, PublishedWeights, StateDict, Torchvision
from bench.models.contract.options import Options
from bench.models.contract.published_classes import COCO_WITH_VOC_LABELS

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.models.running.inference import SemanticModel

MEMBER = "COCO_WITH_VOC_LABELS_V1"
ARCHITECTURES = {
    "deeplabv3_resnet50": PublishedWeights("DeepLabV3_ResNet50_Weights", MEMBER),
    "deeplabv3_resnet101": PublishedWeights("DeepLabV3_ResNet101_Weights", MEMBER),
    "deeplabv3_mobilenet_v3_large": PublishedWeights(
        "DeepLabV3_MobileNet_V3_Large_Weights", MEMBER
    ),
}


def load(card: Card, options: Options) -> SemanticModel:
    """Load DeepLabV3 with the given weights, the shipped ones, or torchvision's if they fit."""
    return semantic.from_torchvision(ADAPTER, card, options)


ADAPTER = Adapter(
    name="deeplab",
    title="DeepLabV3 of torchvision (ResNet, MobileNetV3), and a slim one for streets.",
    tasks={"semantic": supported.SEMANTIC},
    extra="models",
    licence="BSD-3-Clause (torchvision)",
    weights=StateDict(
        architecture="deeplabv3",
        marks=(frozenset({"classifier.0.convs.0.0.weight"}),),
        library=Torchvision(ARCHITECTURES, COCO_WITH_VOC_LABELS),
    ),
    accepts="FILE (torchvision's DeepLabV3; the backbone is read from the weights)",
    also=("deeplabv3",),
    load=load,
)
