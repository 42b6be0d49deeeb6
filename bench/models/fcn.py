"""FCN of torchvision (ResNet-50, ResNet-101) and the small one that ships for streets.

Aux classifiers serve training and are dropped. This module knows what is the FCN's own; the steps are in `assembly`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import missing_extra
from bench.models import Options

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.models.inference import SemanticModel

TASKS = ("semantic",)
EXTRA = "models"
LICENCE = "BSD-3-Clause (torchvision)"
ARCHITECTURES = ("fcn_resnet50", "fcn_resnet101")


def load(card: Card, options: Options) -> SemanticModel:
    """Load an FCN with the weights asked for, the shipped ones, or torchvision's where their classes fit.

    Raises:
        MissingExtra: torch or torchvision is not installed.
        CheckpointError: weights that cannot be found, read, or that do not fit the network or the card.
    """
    try:
        from bench.models import assembly, torchvision_networks
    except ModuleNotFoundError as error:
        raise missing_extra(error.name or "torch", "models", "--model fcn") from None
    family = torchvision_networks.family("fcn", ARCHITECTURES)
    return assembly.assemble(family, card, options)
