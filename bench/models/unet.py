"""U-Net of segmentation_models_pytorch with its usual encoders, and the small one that ships for streets.

The encoder and the decoder's widths are told from the weights. This module knows what is U-Net's own; the steps are in
`assembly`.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bench.errors import CheckpointError, missing_extra
from bench.models import Options

if TYPE_CHECKING:
    from torch import Tensor, nn

    from bench.cards import Card
    from bench.models.inference import SemanticModel

TASKS = ("semantic",)
EXTRA = "models"
LICENCE = "MIT (segmentation-models-pytorch)"
ENCODERS = (
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "mobilenet_v2",
    "efficientnet-b0",
    "efficientnet-b1",
    "efficientnet-b2",
    "efficientnet-b3",
    "efficientnet-b4",
    "vgg16_bn",
    "densenet121",
    "se_resnet50",
    "resnext50_32x4d",
    "mit_b0",
    "mit_b1",
    "mit_b2",
)
"""Encoders that are tried in turn when a file does not say which it has."""


def load(card: Card, options: Options) -> SemanticModel:
    """Load a U-Net with the weights asked for, or the shipped ones.

    Raises:
        MissingExtra: torch or segmentation_models_pytorch is not installed.
        CheckpointError: weights that cannot be found, read, or that do not fit the network or the card.
    """
    try:
        import segmentation_models_pytorch  # noqa: F401

        from bench.models import assembly
    except ModuleNotFoundError as error:
        package = (error.name or "torch").replace("_", "-")
        raise missing_extra(package, "models", "--model unet") from None
    family = assembly.Family(
        name="unet",
        recognise=recognise,
        build=build,
        head="segmentation_head.",
        architectures=tuple(f"unet_{encoder}" for encoder in ENCODERS),
        stride=32,
    )
    return assembly.assemble(family, card, options)


def recognise(state: Mapping[str, Tensor]) -> str | None:
    """The U-Net whose encoder has weights of the same names and shapes."""
    import torch

    if "segmentation_head.0.weight" not in state:
        return None
    shapes = _encoder_shapes(state)
    for encoder in ENCODERS:
        # On the meta device a network has shapes but no numbers: it costs next to nothing.
        with torch.device("meta"):
            candidate = _unet(encoder, _widths(state), 1)
        if _encoder_shapes(candidate.state_dict()) == shapes:
            return f"unet_{encoder}"
    return None


def build(architecture: str, state: Mapping[str, Tensor], outputs: int) -> nn.Module:
    """The network without weights, its decoder as wide as these weights are."""
    return _unet(architecture.removeprefix("unet_"), _widths(state), outputs, _attention(state))


def _unet(encoder: str, widths: tuple[int, ...], outputs: int, attention: str | None = None) -> nn.Module:
    from segmentation_models_pytorch import Unet

    kinds: dict[str, Any] = {"decoder_attention_type": attention} if attention else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network: nn.Module = Unet(
            encoder, encoder_weights=None, encoder_depth=len(widths), decoder_channels=widths, classes=outputs, **kinds
        )
    return network


def _widths(state: Mapping[str, Tensor]) -> tuple[int, ...]:
    """Channels of the decoder's blocks, from coarse to fine."""
    blocks = sorted({int(name.split(".")[2]) for name in state if name.startswith("decoder.blocks.")})
    try:
        return tuple(int(state[f"decoder.blocks.{block}.conv2.0.weight"].shape[0]) for block in blocks)
    except KeyError as error:
        raise CheckpointError(f"the weights lack {error.args[0]}, which the decoder of every U-Net has") from None


def _attention(state: Mapping[str, Tensor]) -> str | None:
    return "scse" if any(".attention1.attention.cSE" in name for name in state) else None


def _encoder_shapes(state: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {
        name: tuple(value.shape)
        for name, value in state.items()
        if name.startswith("encoder.") and not name.endswith("num_batches_tracked")
    }
