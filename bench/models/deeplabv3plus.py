"""DeepLabV3+ of segmentation_models_pytorch with its usual encoders.

Dilation rates and output stride leave no trace in the weights: without a folder that
save_pretrained wrote, they are the library's defaults 12, 24, 36 and 16, and the record warns.
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

ASSUMES = "the dilation rates and the output stride (assumed: 12, 24, 36 and 16)"


def load(card: Card, options: Options) -> SemanticModel:
    """Load DeepLabV3+ with the given weights: a file, a folder or a hub id."""
    return semantic.from_smp(ADAPTER, keywords_of, card, options, assumes=ASSUMES)


def keywords_of(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Keywords of the library's class that the weights reveal."""
    return {
        "decoder_channels": int(state["decoder.aspp.0.convs.0.0.weight"].shape[0]),
        "decoder_aspp_separable": "decoder.aspp.0.convs.1.0.1.weight" in state,
    }


ADAPTER = Adapter(
    name="deeplabv3plus",
    title="DeepLabV3+ of segmentation_models_pytorch with its usual encoders.",
    tasks={"semantic": supported.SEMANTIC},
    extra="models",
    licence="MIT (segmentation-models-pytorch)",
    weights=StateDict(
        architecture="deeplabv3plus",
        marks=(frozenset({SMP_HEAD, "decoder.aspp.0.convs.0.0.weight"}),),
        library=SegmentationModelsPytorch("DeepLabV3Plus"),
    ),
    accepts=ACCEPTS,
    load=load,
)
