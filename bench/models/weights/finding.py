"""Which weights a network runs with: those given, those that ship, or those a library publishes.

This module knows neither networks nor what is inside weights.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from bench.errors import CheckpointError
from bench.models.contract import catalogue
from bench.models.contract.blueprint import Blueprint, Pretrained
from bench.models.contract.options import Options
from bench.models.weights import checkpoints, labels, published
from bench.models.weights.checkpoints import Checkpoint

if TYPE_CHECKING:
    from bench.cards import Card


@dataclass(frozen=True, eq=False)
class FoundWeights:
    """Weights as read, their name in records, and the classes that a library states for them."""

    checkpoint: Checkpoint
    name: str
    classes: tuple[str, ...] | None = None


def find(blueprint: Blueprint, card: Card, options: Options) -> FoundWeights:
    """Find and read the weights.

    Raises:
        CheckpointError: there are none for this card, or they cannot be fetched or read.
    """
    if options.weights not in (None, "DEFAULT"):
        weights = str(options.weights)
        return _by_published_name(blueprint, card, weights) or _by_path(blueprint, weights)
    shipped = checkpoints.shipped(blueprint.name, card.name)
    if options.weights is None and shipped is not None:
        return FoundWeights(checkpoints.read(shipped), shipped.name)
    for pretrained in blueprint.pretrained:
        if labels.fits(card, pretrained.classes):
            return _fetched(pretrained, blueprint)
    classes = blueprint.pretrained[0].classes if blueprint.pretrained else ()
    raise published.none_fit(
        blueprint.name, card, options.weights, classes, accepts=blueprint.accepts
    )


def _by_published_name(blueprint: Blueprint, card: Card, weights: str) -> FoundWeights | None:
    """Weights named as torchvision names them, such as DeepLabV3_ResNet50_Weights.DEFAULT."""
    adapter = catalogue.adapter(blueprint.name)
    architecture = published.architecture_of(weights, adapter, None)
    for pretrained in blueprint.pretrained:
        if pretrained.architecture == architecture:
            if not labels.fits(card, pretrained.classes):
                raise published.none_fit(
                    blueprint.name, card, weights, pretrained.classes, accepts=blueprint.accepts
                )
            return _fetched(pretrained, blueprint)
    return None


def _by_path(blueprint: Blueprint, weights: str) -> FoundWeights:
    """Weights in a file, a folder or at a hub id."""
    path = Path(weights).expanduser()
    folder = blueprint.folder(weights) if blueprint.folder else None
    if folder is not None:
        name = path.resolve().name if path.is_dir() else weights
        return FoundWeights(folder, name)
    # A file that torchvision publishes may have been downloaded by hand: its classes are known.
    classes = None
    for pretrained in blueprint.pretrained:
        if pretrained.file == path.name and _is_intact(path):
            classes = pretrained.classes
            break
    return FoundWeights(checkpoints.read(path), path.name, classes)


def _is_intact(path: Path) -> bool:
    """Whether the content is what the name says.

    Names of published files end in the first digits of their SHA-256.
    """
    if not path.is_file():
        return False
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return digest.startswith(path.stem.rpartition("-")[2])


def _fetched(pretrained: Pretrained, blueprint: Blueprint) -> FoundWeights:
    """The published weights, downloaded to torch's own cache unless they are there already."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / pretrained.file
    if not path.is_file():
        try:
            pretrained.fetch(path)
        except (OSError, RuntimeError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0].strip("<>")
            raise CheckpointError(
                f"the pretrained weights of {pretrained.architecture} cannot be downloaded "
                f"({reason}): put the file {pretrained.file} into {folder}, or pass it with "
                f"--model {blueprint.name} --weights FILE"
            ) from None
    return FoundWeights(checkpoints.read(path), path.name, pretrained.classes)
