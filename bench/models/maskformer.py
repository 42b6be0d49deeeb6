"""MaskFormer of transformers: one network for three tasks.

This module knows what is MaskFormer's own: classes of transformers and published weights; the steps are in
`queries`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import missing_extra
from bench.models import Options

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.models.running.query_model import QueryModel

TASKS = ("panoptic", "semantic", "instance")
EXTRA = "models"
LICENCE = "CC BY-NC 4.0 (weights of the authors); Apache-2.0 (transformers)"
PUBLISHED = {
    "ade20k": "facebook/maskformer-swin-tiny-ade",
    "coco-panoptic": "facebook/maskformer-swin-tiny-coco",
}
"""What its authors publish at the hub, by name of the card."""


def load(card: Card, options: Options) -> QueryModel:
    """Load MaskFormer with the weights asked for, or those that its authors publish for the card.

    Raises:
        MissingExtra: torch or transformers is not installed.
        CheckpointError: weights that cannot be found, read, or that do not fit the network or the card.
    """
    try:
        from transformers import MaskFormerForInstanceSegmentation, MaskFormerImageProcessor

        from bench.models.assembling import queries
    except ModuleNotFoundError as error:
        raise missing_extra(error.name or "torch", "models", "--model maskformer") from None
    kind = queries.Kind(
        name="maskformer",
        network=MaskFormerForInstanceSegmentation,
        processor=MaskFormerImageProcessor,
        published=PUBLISHED,
        processor_settings={},
    )
    return queries.assemble(kind, card, options)
