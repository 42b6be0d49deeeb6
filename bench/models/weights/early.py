"""Checks of `--weights` and of other options of an adapter that need no torch.

Loading torch takes seconds, so that these mistakes are reported before it. Loading may still
refuse what passes here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.models.contract import catalogue
from bench.models.contract.adapter import (
    Adapter,
    NetworkFile,
    SegmentationModelsPytorch,
    StateDict,
    Torchvision,
    TransformersFolder,
)
from bench.models.contract.options import Options, refuse_unsupported
from bench.models.weights import files, labels, published, smp_folders

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.models.naming.resolving import Resolved


def check(resolved: Resolved, card: Card, options: Options) -> str:
    """Refuse what an adapter will refuse, and return the task that it will run.

    Raises:
        UsageError: a task or an option that it does not support.
        CheckpointError: weights that do not exist, or of another kind.
    """
    adapter = catalogue.adapter(str(resolved.adapter))
    if options.task is not None:
        adapter.require_task(options.task)
    task = options.task or adapter.default_task(card)
    refuse_unsupported(adapter.name_for(task), options, adapter.tasks[task])
    match adapter.weights:
        case NetworkFile():
            _check_network_file(adapter, options)
        case TransformersFolder():
            _check_hub(adapter, adapter.weights, card, options)
        case StateDict():
            _check_state_dict(adapter, adapter.weights, resolved.architecture, card, options)
    return task


def _check_network_file(adapter: Adapter, options: Options) -> None:
    from bench.models.interchange import exchange, exported_archive, sidecar

    path = exchange.file_of(adapter, options)
    sidecar.find(path, options.sidecar)
    if adapter.name == "exported":
        exported_archive.kind_of(path)


def _check_hub(adapter: Adapter, weights: TransformersFolder, card: Card, options: Options) -> None:
    from bench.models.weights import hub

    dataset = "any data set" if weights.published_for_all else card.name
    hub.named(adapter.name, options.weights, weights.hub_id(card.name), dataset=dataset)


def _check_state_dict(
    adapter: Adapter,
    state_dict: StateDict,
    architecture: str | None,
    card: Card,
    options: Options,
) -> None:
    """A network of torchvision, of segmentation_models_pytorch, or ours."""
    weights, library = options.weights, state_dict.library
    is_smp = isinstance(library, SegmentationModelsPytorch)
    named = None
    if isinstance(library, Torchvision):
        named = published.architecture_of(weights, adapter, architecture)
    if named or weights in (None, "DEFAULT"):
        ships = weights is None and files.shipped(adapter.name, card.name) is not None
        if ships or _library_fits(library, card):
            return
        classes = (library.classes or ()) if isinstance(library, Torchvision) else ()
        accepts = "FILE, a folder that save_pretrained wrote, or a hub id" if is_smp else "FILE"
        raise published.none_fit(adapter.name, card, weights, classes, accepts=accepts)
    path = Path(str(weights)).expanduser()
    if is_smp and path.is_dir():
        smp_folders.checked(path)
    elif not (is_smp and smp_folders.is_hub_id(str(weights))):
        files.kind(path)


def _library_fits(library: Torchvision | SegmentationModelsPytorch | None, card: Card) -> bool:
    """Whether a library publishes weights that fit the card, as far as is known without torch."""
    if not isinstance(library, Torchvision):
        return False
    return library.classes is None or labels.fits(card, library.classes)
