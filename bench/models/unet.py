"""U-Net of segmentation_models_pytorch, and a slim one for streets.

The encoder and the decoder's widths are told from the weights. This module knows what is U-Net's own; the steps are in
`assembly`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bench.models import Options
from bench.models.assembling import semantic

if TYPE_CHECKING:
    from torch import Tensor

    from bench.cards import Card
    from bench.models.running.inference import SemanticModel

TASKS = ("semantic",)
EXTRA = "models"
LICENCE = "MIT (segmentation-models-pytorch)"


def load(card: Card, options: Options) -> SemanticModel:
    """Load a U-Net with the weights asked for: the shipped ones, a file, a folder, or a hub id."""
    return semantic.from_smp("unet", "Unet", told, card, options)


def told(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The keywords of the library's class that weights tell: widths from coarse to fine."""
    blocks = sorted({int(name.split(".")[2]) for name in state if name.startswith("decoder.blocks.")})
    widths = tuple(int(state[f"decoder.blocks.{block}.conv2.0.weight"].shape[0]) for block in blocks)
    attention = any(".attention1.attention.cSE" in name for name in state)
    return {
        "encoder_depth": len(widths),
        "decoder_channels": widths,
        "decoder_attention_type": "scse" if attention else None,
    }
