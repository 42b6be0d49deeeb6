"""DeepLabV3 of torchvision (ResNet, MobileNetV3), and a slim one for streets.

Aux classifiers serve training and are dropped. This module knows what is DeepLab's own; the steps are in `assembly`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.models import Options
from bench.models.assembling import semantic

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.models.running.inference import SemanticModel

TASKS = ("semantic",)
EXTRA = "models"
LICENCE = "BSD-3-Clause (torchvision)"
ARCHITECTURES = ("deeplabv3_resnet50", "deeplabv3_resnet101", "deeplabv3_mobilenet_v3_large")


def load(card: Card, options: Options) -> SemanticModel:
    """Load DeepLabV3 with the weights asked for, the shipped ones, or torchvision's where their classes fit."""
    return semantic.from_torchvision("deeplab", ARCHITECTURES, card, options)
