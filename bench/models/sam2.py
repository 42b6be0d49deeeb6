"""Segment Anything 2 of transformers: a mask for each object prompted by points or a box.

`running/promptable.py` makes and runs the model. Images are stretched to a square.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import missing_extra
from bench.models.contract import supported
from bench.models.contract.adapter import Adapter, TransformersFolder
from bench.models.contract.options import Options

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.models.running.promptable import PromptedModel


def load(card: Card, options: Options) -> PromptedModel:  # noqa: ARG001 - it knows no classes
    """Load Segment Anything 2 with the given weights, or those that its authors publish.

    Raises:
        MissingExtra: torch or transformers is not installed.
        CheckpointError: weights that cannot be found, read, or that do not fit the network.
        UsageError: more than one box per object.
    """
    try:
        from transformers import Sam2ImageProcessor, Sam2Model

        from bench.models.running import promptable
    except ModuleNotFoundError as error:
        raise missing_extra(error.name or "torch", "models", "--model sam2") from None
    network = promptable.PromptableNetwork(
        network=Sam2Model, processor=Sam2ImageProcessor, padded=False
    )
    return promptable.assemble(ADAPTER, network, options)


ADAPTER = Adapter(
    name="sam2",
    title="Segment Anything 2 of transformers: a mask for each point or box.",
    tasks={"prompted": supported.PROMPTED},
    extra="models",
    licence="Apache-2.0 (the authors, transformers)",
    weights=TransformersFolder(
        # "sam2_video" is what the published checkpoints say, although they run on images too.
        model_types=("sam2", "sam2_video"),
        published_for_all="facebook/sam2.1-hiera-tiny",
    ),
    accepts="FOLDER or a hub id such as facebook/sam2.1-hiera-tiny",
    also=("segmentanything2",),
    load=load,
)
