"""SegFormer of segmentation_models_pytorch (Mix Transformers and others).

The encoder and the widths of the decoder are read from the weights.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bench.models.assembling import semantic
from bench.models.contract import supported
from bench.models.contract.adapter import Adapter, SegmentationModelsPytorch, StateDict
from bench.models.contract.options import Options
from bench.models.contract.smp import SMP_HEAD

if TYPE_CHECKING:
    from torch import Tensor

    from bench.cards import Card
    from bench.models.running.inference import SemanticModel


def load(card: Card, options: Options) -> SemanticModel:
    """Load a SegFormer with the given weights: a file, a folder or a hub id."""
    return semantic.from_smp(ADAPTER, keywords_of, card, options)


def keywords_of(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Keywords of the library's class that the weights reveal."""
    channels = int(state["decoder.mlp_stage.0.linear.weight"].shape[0])
    return {"decoder_segmentation_channels": channels}


def hub_id_of(name: str) -> str | None:
    """The hub id of a SegFormer of this size, such as "segformer-b0" or "mit_b5"."""
    size = re.search(r"b([0-5])", name.lower())
    if size is None:
        return None
    if "cityscapes" in name.lower():
        data = "1024x1024-city"
    elif size[1] == "5":
        data = "640x640-ade"
    else:
        data = "512x512-ade"
    return (
        f"smp-hub/segformer-b{size[1]}-{data}-160k (or FILE: the encoder is read from the weights)"
    )


ADAPTER = Adapter(
    name="segformer",
    title="SegFormer of segmentation_models_pytorch (Mix Transformers and others).",
    tasks={"semantic": supported.SEMANTIC},
    extra="models",
    licence="MIT (segmentation-models-pytorch)",
    weights=StateDict(
        architecture="segformer",
        marks=(frozenset({SMP_HEAD, "decoder.mlp_stage.0.linear.weight"}),),
        library=SegmentationModelsPytorch("Segformer"),
    ),
    accepts="FILE, a folder or a hub id, such as smp-hub/segformer-b0-512x512-ade-160k",
    also=("mitb",),
    hub_id_of=hub_id_of,
    load=load,
)
