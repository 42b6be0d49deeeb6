"""Lite R-ASPP of torchvision (MobileNetV3-large).

This module knows what is LR-ASPP's own; the steps are in `assembly`.
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
ARCHITECTURES = ("lraspp_mobilenet_v3_large",)


def load(card: Card, options: Options) -> SemanticModel:
    """Load LR-ASPP with the weights asked for, the shipped ones, or torchvision's where their classes fit."""
    return semantic.from_torchvision("lraspp", ARCHITECTURES, card, options)
