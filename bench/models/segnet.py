"""SegNet (VGG-16 with batch normalisation) as `bench` defines it, and a slim one for streets.

The network itself is in `architectures/segnet_network.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.models.assembling import semantic
from bench.models.contract import supported
from bench.models.contract.adapter import Adapter, StateDict
from bench.models.contract.options import Options

if TYPE_CHECKING:
    from torch import nn

    from bench.cards import Card
    from bench.models.running.inference import SemanticModel
    from bench.models.weights.checkpoints import Checkpoint

ARCHITECTURE = "segnet_vgg16_bn"


def load(card: Card, options: Options) -> SemanticModel:
    """Load a SegNet with the given weights, or the shipped ones."""
    with semantic.needs_extra("segnet"):
        from bench.models.assembling import assembly
        from bench.models.contract.blueprint import Blueprint
    blueprint = Blueprint(
        name="segnet",
        recognise=recognise,
        build=build,
        head="classifier.",
        architectures=(ARCHITECTURE,),
        stride=32,
    )
    return assembly.assemble(blueprint, card, options)


def recognise(checkpoint: Checkpoint) -> str | None:
    """The full SegNet if the checkpoint has as many convolutions; None otherwise."""
    from bench.models.architectures import segnet_network
    from bench.models.contract import catalogue

    if catalogue.recognise(checkpoint.state) is not ADAPTER:
        return None
    convolutions = segnet_network.convolutions_of(checkpoint.state)
    full = convolutions == segnet_network.CONVOLUTIONS["vgg16_bn"]
    return ARCHITECTURE if full else None


def build(_architecture: str, _checkpoint: Checkpoint, outputs: int) -> nn.Module:
    """The network without weights."""
    from bench.models.architectures import segnet_network

    return segnet_network.full(outputs)


ADAPTER = Adapter(
    name="segnet",
    title="SegNet (VGG-16 with batch normalisation), ours, and a slim one for streets.",
    tasks={"semantic": supported.SEMANTIC},
    extra="models",
    licence="Apache-2.0 (bench)",
    weights=StateDict(
        architecture="segnet",
        marks=(frozenset({"encoder.0.weight", "decoder.0.0.weight", "classifier.weight"}),),
        library=None,
    ),
    accepts="FILE",
    load=load,
)
