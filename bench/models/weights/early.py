"""What can be said of `--weights` and of other options of an adapter before anything heavy is loaded.

Loading torch takes longer than most mistakes deserve. What passes here may still be refused when it is loaded.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import CheckpointError, UsageError
from bench.models import Options, known_names, naming, refuse_unused, usable
from bench.models.weights import files, labels, published

if TYPE_CHECKING:
    from bench.cards import Card

TORCHVISION = {each.adapter for each in known_names.TORCHVISION.values()}
SMP = set(known_names.SMP.values())
EXCHANGED = {
    "exported": "a TorchScript or torch.export file",
    "litert": "a .tflite file",
    "onnx": "an .onnx file",
}
"""Adapters of files that hold a whole network, and what these are called."""
SMP_FILES = ("config.json", "model.safetensors")


def check(known: naming.Known, card: Card, options: Options) -> str:
    """Refuse what an adapter will refuse, and say which task it will answer.

    Raises:
        UsageError: options or a task that it has no use for.
        CheckpointError: weights that are not there, or of another kind.
    """
    adapter = str(known.adapter)
    tasks = import_module(f"bench.models.{adapter}").TASKS
    if options.task is not None and options.task not in tasks:
        raise UsageError(f"--task {options.task}: --model {adapter} answers {' or '.join(tasks)}")
    if adapter in EXCHANGED:
        _exchanged(adapter, options)
    elif adapter in known_names.HUB:
        _of_hub(adapter, tasks, card, options)
    else:
        allowed = usable.OBJECTS if adapter == "maskrcnn" else usable.SEMANTIC
        refuse_unused(adapter, options, allowed)
        _of_network(known, card, options)
    if len(tasks) > 1 and adapter in known_names.HUB:
        return options.task or next((each for each in tasks if each in card.tasks), tasks[0])
    return options.task or tasks[0]


def _exchanged(adapter: str, options: Options) -> None:
    from bench.models.interchange import exchange, exported_archive, sidecar

    path = exchange.file_of(adapter, options, EXCHANGED[adapter])
    sidecar.find(path, options.sidecar)
    if adapter == "exported":
        exported_archive.kind_of(path)


def _of_hub(adapter: str, tasks: tuple[str, ...], card: Card, options: Options) -> None:
    from bench.models.weights import hub

    released = import_module(f"bench.models.{adapter}").PUBLISHED
    if isinstance(released, str):
        refuse_unused(adapter, options, usable.PROMPTED)
        hub.named(adapter, options.weights, released, dataset="any data set")
        return
    task: str = options.task or next((each for each in tasks if each in card.tasks), tasks[0])
    refuse_unused(f"{adapter} --task {task}", options, usable.QUERIES[task])
    hub.named(adapter, options.weights, released.get(card.name), dataset=card.name)


def _of_network(known: naming.Known, card: Card, options: Options) -> None:
    """A network of torchvision, of segmentation_models_pytorch, or ours: one file, or what the first two know more."""
    adapter, weights = str(known.adapter), options.weights
    named = published.enumerated(weights, known) if adapter in TORCHVISION else None
    if named or weights in (None, "DEFAULT"):
        # Which classes Mask R-CNN knows is told when it is loaded.
        fits = adapter in TORCHVISION and (adapter == "maskrcnn" or labels.fits(card, known_names.VOC))
        if not fits and not (weights is None and files.shipped(adapter, card.name)):
            classes = known_names.VOC if adapter in TORCHVISION else ()
            takes = "FILE, a folder that save_pretrained wrote, or a hub id" if adapter in SMP else "FILE"
            raise published.none_fit(adapter, card, weights, classes, takes=takes)
        return
    path = Path(str(weights)).expanduser()
    if adapter in SMP and path.is_dir():
        missing = [name for name in SMP_FILES if not (path / name).is_file()]
        if missing:
            raise CheckpointError(
                f"{path} is a folder without {' and '.join(missing)}: --weights takes a folder that save_pretrained of "
                "segmentation_models_pytorch wrote, or one file of weights"
            )
        return
    hub_id = adapter in SMP and known_names.HUB_ID.fullmatch(str(weights)) and path.suffix not in known_names.WEIGHTS
    if path.exists() or not hub_id:
        files.kind(path)
    if not os.access(path, os.R_OK) and path.exists():
        raise CheckpointError(f"{path} cannot be read: its permissions forbid it")
