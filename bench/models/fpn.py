"""FPN of segmentation_models_pytorch with its usual encoders.

The encoder and the widths of the pyramid are told from the weights. This module knows what is the FPN's own; the steps
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
    """Load an FPN with the weights asked for: a file, a folder, or a hub id."""
    return semantic.from_smp("fpn", "FPN", told, card, options)


def told(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The keywords of the library's class that weights tell."""
    channels = int(state["decoder.seg_blocks.0.block.0.block.0.weight"].shape[0])
    stacked = int(state["segmentation_head.0.weight"].shape[1]) > channels
    return {
        "decoder_pyramid_channels": int(state["decoder.p5.weight"].shape[0]),
        "decoder_segmentation_channels": channels,
        "decoder_merge_policy": "cat" if stacked else "add",
    }
