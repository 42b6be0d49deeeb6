"""MaskFormer of transformers: one network for three tasks.

`assembling/queries.py` makes the model; `running/query_model.py` turns its queries into
predictions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import missing_extra
from bench.models.contract import supported
from bench.models.contract.adapter import Adapter, TransformersFolder
from bench.models.contract.options import Options

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.models.running.query_model import QueryModel

WEIGHTS = TransformersFolder(
    model_types=("maskformer",),
    published={
        "ade20k": "facebook/maskformer-swin-tiny-ade",
        "coco-panoptic": "facebook/maskformer-swin-tiny-coco",
    },
)


def load(card: Card, options: Options) -> QueryModel:
    """Load MaskFormer with the given weights, or those that its authors publish for the card.

    Raises:
        MissingExtra: torch or transformers is not installed.
        CheckpointError: weights that cannot be found, read, or that do not fit the card.
    """
    try:
        from transformers import MaskFormerForInstanceSegmentation, MaskFormerImageProcessor

        from bench.models.assembling import queries
    except ModuleNotFoundError as error:
        raise missing_extra(error.name or "torch", "models", "--model maskformer") from None
    network = queries.QueryNetwork(
        network=MaskFormerForInstanceSegmentation,
        processor=MaskFormerImageProcessor,
        processor_settings={},
    )
    return queries.assemble(ADAPTER, network, card, options)


ADAPTER = Adapter(
    name="maskformer",
    title="MaskFormer of transformers: one network for three tasks.",
    tasks={
        "panoptic": supported.QUERIES_PANOPTIC,
        "semantic": supported.QUERIES_SEMANTIC,
        "instance": supported.OBJECTS,
    },
    extra="models",
    licence="CC BY-NC 4.0 (weights of the authors); Apache-2.0 (transformers)",
    weights=WEIGHTS,
    accepts="FOLDER or a hub id such as facebook/maskformer-swin-tiny-coco",
    hub_id_of=WEIGHTS.of_owner("facebook", "maskformer"),
    load=load,
)
