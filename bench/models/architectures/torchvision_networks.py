"""The segmentation networks of torchvision: recognised by their weights, and built without weights.

This module knows no card.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import WeightsEnum, get_model, get_model_weights

from bench.models.contract import catalogue
from bench.models.contract.adapter import Adapter
from bench.models.contract.blueprint import Blueprint, Pretrained
from bench.models.weights.checkpoints import Checkpoint

BLOCKS_OF_LAYER3 = {6: "resnet50", 23: "resnet101"}
"""ResNets differ in the number of blocks of their third stage."""


def blueprint(adapter: Adapter) -> Blueprint:
    """The blueprint of an adapter whose networks are torchvision's."""
    architectures = tuple(catalogue.torchvision_weights(adapter))
    return Blueprint(
        name=adapter.name,
        recognise=recognise,
        build=build,
        head="classifier.",
        architectures=architectures,
        pretrained=tuple(pretrained(architecture) for architecture in architectures),
    )


def recognise(checkpoint: Checkpoint) -> str | None:
    """The architecture whose tensors have these names, None if it is unknown."""
    adapter, backbone = catalogue.recognise(checkpoint.state), _backbone(checkpoint.state)
    if adapter is None or backbone is None:
        return None
    return f"{catalogue.architecture_of(adapter)}_{backbone}"


def build(architecture: str, _checkpoint: Checkpoint, outputs: int) -> nn.Module:
    """The network without weights and without the auxiliary classifier."""
    network: nn.Module = get_model(
        architecture, weights=None, weights_backbone=None, num_classes=outputs, aux_loss=False
    )
    return network


def pretrained(architecture: str) -> Pretrained:
    """What torchvision publishes for an architecture."""
    weights: WeightsEnum = get_model_weights(architecture).DEFAULT
    return Pretrained(
        architecture=architecture,
        classes=tuple(weights.meta["categories"]),
        file=weights.url.rsplit("/", 1)[-1],
        fetch=partial(_download, weights.url),
    )


def _backbone(state: Mapping[str, Tensor]) -> str | None:
    if "backbone.layer3.0.conv3.weight" in state:
        blocks = {name.split(".")[2] for name in state if name.startswith("backbone.layer3.")}
        return BLOCKS_OF_LAYER3.get(len(blocks))
    return "mobilenet_v3_large" if "backbone.16.0.weight" in state else None


def _download(url: str, path: Path) -> None:
    """Download the file only: torchvision's own function would also unpickle it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The file names end in the first digits of the SHA-256.
    prefix = path.stem.rpartition("-")[2]
    torch.hub.download_url_to_file(url, str(path), hash_prefix=prefix)
