"""The segmentation networks of torchvision: known by their weights, built without weights, and where it publishes some.

This module knows no card.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import WeightsEnum, get_model, get_model_weights

from bench.models.assembling.family import Family, Pretrained
from bench.models.weights import kinds
from bench.models.weights.checkpoints import Checkpoint

BLOCKS_OF_LAYER3 = {"6": "resnet50", "23": "resnet101"}


def family(name: str, architectures: tuple[str, ...]) -> Family:
    """The family of these architectures, with the weights that torchvision publishes for the first of them first."""
    return Family(
        name=name,
        recognise=recognise,
        build=build,
        head="classifier.",
        architectures=architectures,
        pretrained=tuple(published(architecture) for architecture in architectures),
    )


def recognise(checkpoint: Checkpoint) -> str | None:
    """The architecture whose layers bear these names."""
    head, backbone = kinds.tell(checkpoint.state), _backbone(checkpoint.state)
    return f"{head}_{backbone}" if head and backbone else None


def build(architecture: str, _: Checkpoint, outputs: int) -> nn.Module:
    """The network without weights and without the aux classifier."""
    network: nn.Module = get_model(
        architecture, weights=None, weights_backbone=None, num_classes=outputs, aux_loss=False
    )
    return network


def _backbone(state: Mapping[str, Tensor]) -> str | None:
    if "backbone.layer3.0.conv3.weight" in state:
        blocks = {name.split(".")[2] for name in state if name.startswith("backbone.layer3.")}
        return BLOCKS_OF_LAYER3.get(str(len(blocks)))
    return "mobilenet_v3_large" if "backbone.16.0.weight" in state else None


def published(architecture: str) -> Pretrained:
    """What torchvision publishes for this architecture."""
    weights: WeightsEnum = get_model_weights(architecture).DEFAULT
    return Pretrained(
        architecture=architecture,
        classes=tuple(weights.meta["categories"]),
        file=weights.url.rsplit("/", 1)[-1],
        fetch=partial(_download, weights.url),
    )


def _download(url: str, path: Path) -> None:
    """Fetch the file and nothing else: torchvision's own loading would unpickle it freely."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.hub.download_url_to_file(url, str(path), hash_prefix=path.stem.rpartition("-")[2])
