"""FPN of segmentation_models_pytorch with its usual encoders.

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
    """Load an FPN with the given weights: a file, a folder or a hub id."""
    return semantic.from_smp(ADAPTER, keywords_of, card, options)


def keywords_of(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Keywords of the library's class that the weights reveal."""
    channels = int(state["decoder.seg_blocks.0.block.0.block.0.weight"].shape[0])
    # The head sees the pyramid's levels stacked or added up: its inputs tell which.
    stacked = int(state["segmentation_head.0.weight"].shape[1]) > channels
    return {
        "decoder_pyramid_channels": int(state["decoder.p5.weight"].shape[0]),
        "decoder_segmentation_channels": channels,
        "decoder_merge_policy": "cat" if stacked else "add",
    }


ADAPTER = Adapter(
    name="fpn",
    title="FPN of segmentation_models_pytorch with its usual encoders.",
    tasks={"semantic": supported.SEMANTIC},
    extra="models",
    licence="MIT (segmentation-models-pytorch)",
    weights=StateDict(
        architecture="fpn",
        marks=(frozenset({SMP_HEAD, "decoder.p5.weight"}),),
        library=SegmentationModelsPytorch("FPN"),
    ),
    accepts=ACCEPTS,
    load=load,
)
