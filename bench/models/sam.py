"""Segment Anything of transformers: a mask for each object that is prompted by points or a box.

`running/promptable.py` makes and runs the model. Images are padded to a square.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bench.errors import missing_extra
from bench.models.contract import supported
from bench.models.contract.adapter import Adapter, TransformersFolder
from bench.models.contract.options import Options

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.models.running.promptable import PromptedModel

SIZES = {"b": "base", "l": "large", "h": "huge"}


def load(card: Card, options: Options) -> PromptedModel:  # noqa: ARG001 - it knows no classes
    """Load Segment Anything with the given weights, or those that its authors publish.

    Raises:
        MissingExtra: torch or transformers is not installed.
        CheckpointError: weights that cannot be found, read, or that do not fit the network.
        UsageError: more than one box per object.
    """
    try:
        from transformers import SamImageProcessor, SamModel

        from bench.models.running import promptable
    except ModuleNotFoundError as error:
        raise missing_extra(error.name or "torch", "models", "--model sam") from None
    network = promptable.PromptableNetwork(
        network=SamModel, processor=SamImageProcessor, padded=True
    )
    return promptable.assemble(ADAPTER, network, options)


def hub_id_of(name: str) -> str | None:
    """The hub id of a size of the network, such as "sam_vit_b" or "segment-anything-vit-huge"."""
    size = re.match(
        r"(?:sam|segment[-_ ]anything)[-_ ]?vit[-_ ]?(b|l|h|base|large|huge)\b",
        name.lower().replace("_", "-"),
    )
    return f"facebook/sam-vit-{SIZES[size[1][0]]}" if size else None


ADAPTER = Adapter(
    name="sam",
    title="Segment Anything of transformers: a mask for each point or box.",
    tasks={"prompted": supported.PROMPTED},
    extra="models",
    licence="Apache-2.0 (the authors, transformers)",
    weights=TransformersFolder(model_types=("sam",), published_for_all="facebook/sam-vit-base"),
    accepts=(
        "FOLDER or a hub id such as facebook/sam-vit-base, facebook/sam-vit-large or "
        "facebook/sam-vit-huge"
    ),
    also=("segmentanything",),
    hub_id_of=hub_id_of,
    load=load,
)
