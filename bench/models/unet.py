"""U-Net of segmentation_models_pytorch, and the slim reference network of the same decoder.

The encoder and the widths of the decoder are read from the weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bench.models.assembling import semantic
from bench.models.contract import supported
from bench.models.contract.adapter import Adapter, SegmentationModelsPytorch, StateDict
from bench.models.contract.options import Options
from bench.models.contract.smp import ACCEPTS, SMP_HEAD

if TYPE_CHECKING:
    from torch import Tensor

    from bench.cards import Card
    from bench.models.running.inference import SemanticModel


def load(card: Card, options: Options) -> SemanticModel:
    """Load a U-Net with the given weights: the shipped ones, a file, a folder or a hub id."""
    return semantic.from_smp(ADAPTER, keywords_of, card, options)


def keywords_of(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Keywords of the library's class that the weights reveal; widths from coarse to fine."""
    blocks = sorted(
        {int(name.split(".")[2]) for name in state if name.startswith("decoder.blocks.")}
    )
    widths = tuple(
        int(state[f"decoder.blocks.{block}.conv2.0.weight"].shape[0]) for block in blocks
    )
    attention = any(".attention1.attention.cSE" in name for name in state)
    return {
        "encoder_depth": len(widths),
        "decoder_channels": widths,
        "decoder_attention_type": "scse" if attention else None,
    }


ADAPTER = Adapter(
    name="unet",
    title="U-Net of segmentation_models_pytorch, and a slim one for streets.",
    tasks={"semantic": supported.SEMANTIC},
    extra="models",
    licence="MIT (segmentation-models-pytorch)",
    weights=StateDict(
        architecture="unet",
        marks=(
            frozenset({SMP_HEAD, "decoder.blocks.0.conv2.0.weight"}),
            frozenset({"head.0.weight", "decoder.blocks.0.conv2.0.weight"}),  # the slim network
        ),
        library=SegmentationModelsPytorch("Unet"),
    ),
    accepts=ACCEPTS,
    load=load,
)
