"""FCN of torchvision (ResNet-50, ResNet-101), and a slim one for streets.

Aux classifiers serve training and are dropped. This module knows what is the FCN's own; the steps are in `assembly`.
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
ARCHITECTURES = ("fcn_resnet50", "fcn_resnet101")


def load(card: Card, options: Options) -> SemanticModel:
    """Load an FCN with the weights asked for, the shipped ones, or torchvision's where their classes fit."""
    return semantic.from_torchvision("fcn", ARCHITECTURES, card, options)
