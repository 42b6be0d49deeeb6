"""Lite R-ASPP of torchvision (MobileNetV3-large)."""

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

ARCHITECTURES = {
    "lraspp_mobilenet_v3_large": PublishedWeights(
        "LRASPP_MobileNet_V3_Large_Weights", "COCO_WITH_VOC_LABELS_V1"
    ),
}


def load(card: Card, options: Options) -> SemanticModel:
    """Load LR-ASPP with the given weights, or torchvision's if their classes fit the card."""
    return semantic.from_torchvision(ADAPTER, card, options)


ADAPTER = Adapter(
    name="lraspp",
    title="Lite R-ASPP of torchvision (MobileNetV3-large).",
    tasks={"semantic": supported.SEMANTIC},
    extra="models",
    licence="BSD-3-Clause (torchvision)",
    weights=StateDict(
        architecture="lraspp",
        marks=(frozenset({"classifier.low_classifier.weight"}),),
        library=Torchvision(ARCHITECTURES, COCO_WITH_VOC_LABELS),
    ),
    accepts="FILE (torchvision's LR-ASPP)",
    also=("liteaspp", "literaspp"),
    load=load,
)
