"""SegNet (VGG-16 with batch normalisation), ours, and a slim one for streets.

This module knows how SegNets are told apart; the network is in `segnet_network`, the steps are in `assembly`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.models import Options
from bench.models.assembling import semantic

if TYPE_CHECKING:
    from torch import nn

    from bench.cards import Card
    from bench.models.running.inference import SemanticModel
    from bench.models.weights.checkpoints import Checkpoint

TASKS = ("semantic",)
EXTRA = "models"
LICENCE = "Apache-2.0 (bench)"
ARCHITECTURES = ("segnet_vgg16_bn",)


def load(card: Card, options: Options) -> SemanticModel:
    """Load a SegNet with the weights asked for, or the shipped ones."""
    with semantic.extra_of("segnet"):
        from bench.models.assembling import assembly
        from bench.models.assembling.family import Family
    family = Family(
        name="segnet",
        recognise=recognise,
        build=build,
        head="classifier.",
        architectures=ARCHITECTURES,
        stride=32,
    )
    return assembly.assemble(family, card, options)


def recognise(checkpoint: Checkpoint) -> str | None:
    """The SegNet that has weights of these names and shapes."""
    from bench.models.architectures import segnet_network
    from bench.models.weights import kinds

    if kinds.tell(checkpoint.state) != "segnet":
        return None
    found = segnet_network.convolutions_of(checkpoint.state)
    return ARCHITECTURES[0] if found == segnet_network.CONVOLUTIONS["vgg16_bn"] else None


def build(_: str, __: Checkpoint, outputs: int) -> nn.Module:
    """The network without weights."""
    from bench.models.architectures import segnet_network

    return segnet_network.full(outputs)
