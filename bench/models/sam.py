"""Segment Anything of transformers: a mask for each point or box.

Images keep their form and are padded to a square. This module knows what is its own (classes of transformers, published
weights); the steps are in `promptable`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import missing_extra
from bench.models import Options

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.models.running.promptable import PromptedModel

TASKS = ("prompted",)
EXTRA = "models"
LICENCE = "Apache-2.0 (the authors, transformers)"
PUBLISHED = "facebook/sam-vit-base"
"""What its authors publish at the hub."""


def load(card: Card, options: Options) -> PromptedModel:  # noqa: ARG001 - it knows no classes
    """Load Segment Anything with the weights asked for, or those that its authors publish.

    Raises:
        MissingExtra: torch or transformers is not installed.
        CheckpointError: weights that cannot be found, read, or that do not fit the network.
        UsageError: more than one box for an object.
    """
    try:
        from transformers import SamImageProcessor, SamModel

        from bench.models.running import promptable
    except ModuleNotFoundError as error:
        raise missing_extra(error.name or "torch", "models", "--model sam") from None
    kind = promptable.Kind(name="sam", network=SamModel, processor=SamImageProcessor, published=PUBLISHED, padded=True)
    return promptable.assemble(kind, options)
