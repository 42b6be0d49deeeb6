"""OneFormer of transformers: one network told its task by a text.

The text is "the task is panoptic" (or semantic, or instance), as in the paper; the tokenizer lies beside the weights.
This module knows what is OneFormer's own; the steps are in `queries`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.errors import CheckpointError, missing_extra
from bench.models import Options

if TYPE_CHECKING:
    from torch import Tensor

    from bench.cards import Card
    from bench.models.running.query_model import QueryModel
    from bench.models.weights.hub import Source

TASKS = ("panoptic", "semantic", "instance")
EXTRA = "models"
LICENCE = "MIT (the authors); Apache-2.0 (transformers)"
PUBLISHED = {
    "ade20k": "shi-labs/oneformer_ade20k_swin_tiny",
    "cityscapes": "shi-labs/oneformer_cityscapes_swin_large",
    "coco-panoptic": "shi-labs/oneformer_coco_swin_large",
}
"""What its authors publish at the hub, by name of the card."""


def load(card: Card, options: Options) -> QueryModel:
    """Load OneFormer with the weights asked for, or those that its authors publish for the card.

    Raises:
        MissingExtra: torch or transformers is not installed.
        CheckpointError: weights or a vocabulary that cannot be found, read, or that do not fit the network or the card.
    """
    try:
        from transformers import MaskFormerImageProcessor, OneFormerForUniversalSegmentation, OneFormerImageProcessor

        from bench.models.assembling import queries
    except ModuleNotFoundError as error:
        raise missing_extra(error.name or "torch", "models", "--model oneformer") from None
    kind = queries.Kind(
        name="oneformer",
        network=OneFormerForUniversalSegmentation,
        processor=OneFormerImageProcessor,
        published=PUBLISHED,
        # The file of class names serves training; transformers would look for it at the hub.
        processor_settings={"class_info_file": None},
        # transformers' rule for OneFormer's objects needs that file, and takes logits for shares.
        finish=MaskFormerImageProcessor,
        task_text=task_text,
    )
    return queries.assemble(kind, card, options)


def task_text(source: Source, network: Any, task: str) -> Tensor:
    """The tokens of the text that names the task, (1, length), zero where there is none: as OneFormerProcessor does.

    Raises:
        CheckpointError: the folder has no vocabulary, or one that cannot be read.
    """
    import torch
    from transformers import CLIPTokenizer

    from bench.models.weights import hub

    needs = "the tokenizer's files vocab.json and merges.txt (or tokenizer.json)"
    if not any((source.folder / name).is_file() for name in ("vocab.json", "tokenizer.json")):
        raise CheckpointError(f"{source.folder} lacks {needs}, with which OneFormer is told its task: bring them too")
    tokenizer = hub.part(CLIPTokenizer.from_pretrained, source, needs)
    length = int(network.config.task_seq_len)
    told = tokenizer([f"the task is {task}"], padding="max_length", max_length=length, truncation=True)
    return torch.tensor(told["input_ids"]) * torch.tensor(told["attention_mask"])
