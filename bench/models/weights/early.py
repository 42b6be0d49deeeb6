"""Checks of `--weights` and of other options of an adapter that need no torch.

Loading torch takes seconds, so these mistakes are reported first. What passes here may still be refused later.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import UsageError
from bench.models import Options, known_names, naming, refuse_unused, usable
from bench.models.weights import files, labels, published, smp_folders

if TYPE_CHECKING:
    from bench.cards import Card

TORCHVISION = {each.adapter for each in known_names.TORCHVISION.values()}
SMP = set(known_names.SMP.values())


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
    task: str = options.task or tasks[0]
    if adapter in known_names.EXCHANGED:
        _exchanged(adapter, options)
    elif adapter in known_names.HUB:
        task = options.task or next((each for each in tasks if each in card.tasks), tasks[0])
        _of_hub(adapter, task, card, options)
    else:
        allowed = usable.OBJECTS if adapter == "maskrcnn" else usable.SEMANTIC
        refuse_unused(adapter, options, allowed)
        _of_network(known, card, options)
    return task


def _exchanged(adapter: str, options: Options) -> None:
    from bench.models.interchange import exchange, exported_archive, sidecar

    path = exchange.file_of(adapter, options)
    sidecar.find(path, options.sidecar)
    if adapter == "exported":
        exported_archive.kind_of(path)


def _of_hub(adapter: str, task: str, card: Card, options: Options) -> None:
    from bench.models.weights import hub

    released = import_module(f"bench.models.{adapter}").PUBLISHED
    if isinstance(released, str):
        refuse_unused(adapter, options, usable.PROMPTED)
        hub.named(adapter, options.weights, released, dataset="any data set")
        return
    refuse_unused(f"{adapter} --task {task}", options, usable.QUERIES[task])
    hub.named(adapter, options.weights, released.get(card.name), dataset=card.name)


def _of_network(known: naming.Known, card: Card, options: Options) -> None:
    """A network of torchvision, of segmentation_models_pytorch, or ours: a file, or what a library publishes."""
    adapter, weights = str(known.adapter), options.weights
    named = published.enumerated(weights, known) if adapter in TORCHVISION else None
    if named or weights in (None, "DEFAULT"):
        # The classes of Mask R-CNN are checked when it is loaded.
        fits = adapter in TORCHVISION and (adapter == "maskrcnn" or labels.fits(card, known_names.VOC))
        if not fits and not (weights is None and files.shipped(adapter, card.name)):
            classes = known_names.VOC if adapter in TORCHVISION else ()
            takes = "FILE, a folder that save_pretrained wrote, or a hub id" if adapter in SMP else "FILE"
            raise published.none_fit(adapter, card, weights, classes, takes=takes)
        return
    path = Path(str(weights)).expanduser()
    if adapter in SMP and path.is_dir():
        smp_folders.checked(path)
    elif not (adapter in SMP and smp_folders.is_hub_id(str(weights))):
        files.kind(path)
