"""PSPNet of segmentation_models_pytorch, and the slim reference network of the same pyramid.

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
    """Load a PSPNet with the given weights: the shipped ones, a file, a folder or a hub id."""
    return semantic.from_smp(ADAPTER, keywords_of, card, options)


def keywords_of(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Keywords of the library's class that the weights reveal."""
    return {"psp_out_channels": int(state["decoder.conv.0.weight"].shape[0])}


ADAPTER = Adapter(
    name="pspnet",
    title="PSPNet of segmentation_models_pytorch, and a slim one for streets.",
    tasks={"semantic": supported.SEMANTIC},
    extra="models",
    licence="MIT (segmentation-models-pytorch)",
    weights=StateDict(
        architecture="pspnet",
        marks=(
            frozenset({SMP_HEAD, "decoder.psp.blocks.0.pool.1.0.weight"}),
            frozenset({"classifier.0.levels.0.1.weight"}),  # the slim network
        ),
        library=SegmentationModelsPytorch("PSPNet"),
    ),
    accepts=ACCEPTS,
    load=load,
)
