"""Mask2Former of transformers: one network for three tasks.

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
    model_types=("mask2former",),
    published={
        "ade20k": "facebook/mask2former-swin-tiny-ade-semantic",
        "cityscapes": "facebook/mask2former-swin-tiny-cityscapes-panoptic",
        "coco-instances": "facebook/mask2former-swin-tiny-coco-instance",
        "coco-panoptic": "facebook/mask2former-swin-tiny-coco-panoptic",
    },
)


def load(card: Card, options: Options) -> QueryModel:
    """Load Mask2Former with the given weights, or those that its authors publish for the card.

    Raises:
        MissingExtra: torch or transformers is not installed.
        CheckpointError: weights that cannot be found, read, or that do not fit the card.
    """
    try:
        from transformers import Mask2FormerForUniversalSegmentation, Mask2FormerImageProcessor

        from bench.models.assembling import queries
    except ModuleNotFoundError as error:
        raise missing_extra(error.name or "torch", "models", "--model mask2former") from None
    network = queries.QueryNetwork(
        network=Mask2FormerForUniversalSegmentation,
        processor=Mask2FormerImageProcessor,
        processor_settings={},
    )
    return queries.assemble(ADAPTER, network, card, options)


ADAPTER = Adapter(
    name="mask2former",
    title="Mask2Former of transformers: one network for three tasks.",
    tasks={
        "panoptic": supported.QUERIES_PANOPTIC,
        "semantic": supported.QUERIES_SEMANTIC,
        "instance": supported.OBJECTS,
    },
    extra="models",
    licence="MIT (the authors); Apache-2.0 (transformers)",
    weights=WEIGHTS,
    accepts="FOLDER or a hub id such as facebook/mask2former-swin-tiny-coco-panoptic",
    hub_id_of=WEIGHTS.of_owner("facebook", "mask2former"),
    load=load,
)
