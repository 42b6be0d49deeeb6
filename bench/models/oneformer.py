"""OneFormer of transformers: one network for three tasks, which gets its task as a text.

The text is "the task is panoptic" (or semantic, or instance), as in the paper; the tokenizer is
read from the folder of the weights. `assembling/queries.py` makes the model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.errors import CheckpointError, missing_extra
from bench.models.contract import supported
from bench.models.contract.adapter import Adapter, TransformersFolder
from bench.models.contract.options import Options

if TYPE_CHECKING:
    from torch import Tensor

    from bench.cards import Card
    from bench.models.running.query_model import QueryModel
    from bench.models.weights.hub import Source

WEIGHTS = TransformersFolder(
    model_types=("oneformer",),
    published={
        "ade20k": "shi-labs/oneformer_ade20k_swin_tiny",
        "cityscapes": "shi-labs/oneformer_cityscapes_swin_large",
        "coco-panoptic": "shi-labs/oneformer_coco_swin_large",
    },
)


def load(card: Card, options: Options) -> QueryModel:
    """Load OneFormer with the given weights, or those that its authors publish for the card.

    Raises:
        MissingExtra: torch or transformers is not installed.
        CheckpointError: weights or a vocabulary that cannot be found, read, or that do not fit.
    """
    try:
        from transformers import (
            MaskFormerImageProcessor,
            OneFormerForUniversalSegmentation,
            OneFormerImageProcessor,
        )

        from bench.models.assembling import queries
    except ModuleNotFoundError as error:
        raise missing_extra(error.name or "torch", "models", "--model oneformer") from None
    network = queries.QueryNetwork(
        network=OneFormerForUniversalSegmentation,
        processor=OneFormerImageProcessor,
        # The file of class names serves training; transformers would look for it at the hub.
        processor_settings={"class_info_file": None},
        # transformers' rule for OneFormer's objects needs that file, and it treats logits as
        # probabilities. MaskFormer's rule is the one that OneFormer's authors use.
        instance_processor=MaskFormerImageProcessor,
        task_text=task_text,
    )
    return queries.assemble(ADAPTER, network, card, options)


def task_text(source: Source, network: Any, task: str) -> Tensor:
    """Token ids of the text that names the task, (1, length), zero for padding.

    The same as OneFormerProcessor of transformers.

    Raises:
        CheckpointError: the folder has no vocabulary, or one that cannot be read.
    """
    import torch
    from transformers import CLIPTokenizer

    from bench.models.weights import hub

    needs = "the tokenizer's files vocab.json and merges.txt (or tokenizer.json)"
    files = [source.folder / name for name in ("vocab.json", "tokenizer.json")]
    if not any(path.is_file() for path in files):
        raise CheckpointError(
            f"{source.folder} lacks {needs}; OneFormer needs them to encode its task"
        )
    tokenizer = hub.part(CLIPTokenizer.from_pretrained, source, needs)
    tokens = tokenizer(
        [f"the task is {task}"],
        padding="max_length",
        max_length=int(network.config.task_seq_len),
        truncation=True,
    )
    return torch.tensor(tokens["input_ids"]) * torch.tensor(tokens["attention_mask"])


ADAPTER = Adapter(
    name="oneformer",
    title="OneFormer of transformers: one network for three tasks, prompted by a text.",
    tasks={
        "panoptic": supported.QUERIES_PANOPTIC,
        "semantic": supported.QUERIES_SEMANTIC,
        "instance": supported.OBJECTS,
    },
    extra="models",
    licence="MIT (the authors); Apache-2.0 (transformers)",
    weights=WEIGHTS,
    accepts="FOLDER or a hub id such as shi-labs/oneformer_coco_swin_large",
    hub_id_of=WEIGHTS.of_owner("shi-labs", "oneformer"),
    load=load,
)
