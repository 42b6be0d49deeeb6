"""DeepLabV3+ of segmentation_models_pytorch with its usual encoders.

Weights alone tell neither dilation rates nor output stride, which are then the library's: 12, 24, 36 and 16; a folder
that save_pretrained wrote tells them. This module knows what is DeepLabV3+'s own; the steps are in `assembly`.
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
ASSUMES = "dilation rates and output stride, taken as the library's own 12, 24, 36 and 16"


def load(card: Card, options: Options) -> SemanticModel:
    """Load DeepLabV3+ with the weights asked for: a file, a folder, or a hub id."""
    return semantic.from_smp("deeplabv3plus", "DeepLabV3Plus", told, card, options, assumes=ASSUMES)


def told(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The keywords of the library's class that weights tell."""
    return {
        "decoder_channels": int(state["decoder.aspp.0.convs.0.0.weight"].shape[0]),
        "decoder_aspp_separable": "decoder.aspp.0.convs.1.0.1.weight" in state,
    }
