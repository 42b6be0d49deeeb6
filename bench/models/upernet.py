"""UPerNet of segmentation_models_pytorch with its usual encoders.

The encoder and the width of the decoder are told from the weights. This module knows what is UPerNet's own; the steps
are in `assembly`.
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
    """Load a UPerNet with the weights asked for: a file, a folder, or a hub id."""
    return semantic.from_smp("upernet", "UPerNet", told, card, options)


def told(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The keywords of the library's class that weights tell."""
    return {"decoder_channels": int(state["decoder.psp.out_conv.0.weight"].shape[0])}
