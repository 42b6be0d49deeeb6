"""PSPNet of segmentation_models_pytorch, and a slim one for streets.

The encoder and the width of the pyramid are told from the weights. This module knows what is PSPNet's own; the steps
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
    """Load a PSPNet with the weights asked for: the shipped ones, a file, a folder, or a hub id."""
    return semantic.from_smp("pspnet", "PSPNet", told, card, options)


def told(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The keywords of the library's class that weights tell."""
    return {"psp_out_channels": int(state["decoder.conv.0.weight"].shape[0])}
