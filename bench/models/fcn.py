"""FCN of torchvision, and the slim reference network of the same head.

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

ARCHITECTURES = {
    "fcn_resnet50": PublishedWeights("FCN_ResNet50_Weights", "COCO_WITH_VOC_LABELS_V1"),
    "fcn_resnet101": PublishedWeights("FCN_ResNet101_Weights", "COCO_WITH_VOC_LABELS_V1"),
}
HEAD = {"classifier.0.weight", "classifier.4.weight"}


def load(card: Card, options: Options) -> SemanticModel:
    """Load an FCN with the given weights, the shipped ones, or torchvision's if they fit."""
    return semantic.from_torchvision(ADAPTER, card, options)


ADAPTER = Adapter(
    name="fcn",
    title="FCN of torchvision (ResNet-50, ResNet-101), and a slim one for streets.",
    tasks={"semantic": supported.SEMANTIC},
    extra="models",
    licence="BSD-3-Clause (torchvision)",
    weights=StateDict(
        architecture="fcn",
        # Other networks name their heads alike, so that the first layer of the backbone is needed
        # too: torchvision's, or that of the slim network.
        marks=(
            frozenset({*HEAD, "backbone.conv1.weight"}),
            frozenset({*HEAD, "backbone.stem.0.weight"}),
        ),
        library=Torchvision(ARCHITECTURES, COCO_WITH_VOC_LABELS),
    ),
    accepts="FILE (torchvision's FCN; the backbone is read from the weights)",
    load=load,
)
