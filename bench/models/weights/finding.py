"""Which weights a semantic adapter runs with: those named, those that ship for the card, or those a library publishes.

This module knows what is published and shipped, but neither networks nor what is inside weights.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from bench.errors import CheckpointError
from bench.models import Options
from bench.models.assembling.family import Family, Pretrained
from bench.models.naming import Known
from bench.models.weights import checkpoints, labels
from bench.models.weights.checkpoints import Checkpoint
from bench.models.weights.published import enumerated, none_fit

if TYPE_CHECKING:
    from bench.cards import Card


@dataclass(frozen=True, eq=False)
class Found:
    """Weights as read, what a record calls them, and the classes that a library says they know."""

    checkpoint: Checkpoint
    name: str
    classes: tuple[str, ...] | None = None


def find(family: Family, card: Card, options: Options) -> Found:
    """Find and read the weights.

    Raises:
        CheckpointError: there are none for this card, or they cannot be fetched or read.
    """
    if options.weights not in (None, "DEFAULT"):
        return _enumerated(family, card, options.weights) or _named(family, str(options.weights))
    reference = checkpoints.shipped(family.name, card.name)
    if options.weights is None and reference is not None:
        return Found(checkpoints.read(reference), reference.name)
    fitting = [published for published in family.pretrained if labels.fits(card, published.classes)]
    if fitting:
        path = _fetched(fitting[0], family)
        return Found(checkpoints.read(path), path.name, fitting[0].classes)
    raise none_fit(family.name, card, options.weights, _classes(family), takes=family.takes)


def _enumerated(family: Family, card: Card, weights: str | None) -> Found | None:
    """The weights that torchvision publishes under a name such as DeepLabV3_ResNet50_Weights.DEFAULT, if it is one."""
    architecture = enumerated(weights, Known(family.name))
    published = next((each for each in family.pretrained if each.architecture == architecture), None)
    if published is None:
        return None
    if not labels.fits(card, published.classes):
        raise none_fit(family.name, card, weights, published.classes, takes=family.takes)
    path = _fetched(published, family)
    return Found(checkpoints.read(path), path.name, published.classes)


def _named(family: Family, weights: str) -> Found:
    folder = family.folder(weights) if family.folder else None
    if folder is not None:
        path = Path(weights).expanduser()
        return Found(folder, path.resolve().name if path.is_dir() else weights)
    path = Path(weights).expanduser()
    published = next((p for p in family.pretrained if p.file == path.name and _is_published(path)), None)
    return Found(checkpoints.read(path), path.name, published.classes if published else None)


def _classes(family: Family) -> tuple[str, ...]:
    return family.pretrained[0].classes if family.pretrained else ()


def _is_published(path: Path) -> bool:
    """Whether the file is what its name says: names of published weights end in the first digits of their SHA-256."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest().startswith(path.stem.rpartition("-")[2])


def _fetched(published: Pretrained, family: Family) -> Path:
    """The published file where torch keeps such files, fetched there if it is not yet."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / published.file
    if not path.is_file():
        try:
            published.fetch(path)
        except (OSError, RuntimeError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0].strip("<>")
            raise CheckpointError(
                f"the pretrained weights of {published.architecture} cannot be fetched ({reason}): put the file "
                f"{published.file} into {folder}, or name it with --model {family.name} --weights FILE"
            ) from None
    return path
