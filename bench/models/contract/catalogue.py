"""The adapters that ship, and which of them a set of weights belongs to.

An adapter is a file of `bench/models`; its declaration is imported only when it is needed. Nothing
here loads torch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

from bench.models.contract.adapter import (
    Adapter,
    PublishedWeights,
    SegmentationModelsPytorch,
    StateDict,
    Torchvision,
    TransformersFolder,
)

FOLDER = Path(__file__).parents[1]


@cache
def names() -> tuple[str, ...]:
    """Names of the adapters, sorted: the files of `bench/models`."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__"))


@cache
def adapter(name: str) -> Adapter:
    """The declaration of an adapter."""
    declared = import_module(f"bench.models.{name}").ADAPTER
    if not isinstance(declared, Adapter):
        raise TypeError(f"bench/models/{name}.py: ADAPTER must be an Adapter, got {declared!r}")
    return declared


def adapters() -> Iterator[Adapter]:
    """All adapters, by name."""
    return (adapter(name) for name in names())


def recognise(tensors: Collection[str]) -> Adapter | None:
    """The adapter whose networks have tensors of these names, None if no mark is among them.

    >>> recognise({"classifier.0.convs.0.0.weight", "backbone.conv1.weight"}).name
    'deeplab'
    """
    present = set(tensors)
    for candidate in adapters():
        weights = candidate.weights
        if isinstance(weights, StateDict) and any(mark <= present for mark in weights.marks):
            return candidate
    return None


def of_architecture(architecture: str) -> Adapter | None:
    """The adapter that runs an architecture, by the first part of its name.

    >>> of_architecture("deeplabv3_resnet50").name, of_architecture("alexnet")
    ('deeplab', None)
    """
    first = architecture.partition("_")[0]
    for candidate in adapters():
        if isinstance(candidate.weights, StateDict) and candidate.weights.architecture == first:
            return candidate
    return None


def architecture_of(adapter_: Adapter) -> str:
    """The first part of the names of an adapter's architectures."""
    weights = adapter_.weights
    return weights.architecture if isinstance(weights, StateDict) else adapter_.name


def of_torchvision(architecture: str) -> tuple[Adapter, PublishedWeights] | None:
    """The adapter that runs a function of torchvision, and the weights published for it.

    >>> of_torchvision("fcn_resnet50")[1].enum
    'FCN_ResNet50_Weights'
    """
    for candidate in adapters():
        published = torchvision_weights(candidate).get(architecture)
        if published is not None:
            return candidate, published
    return None


def torchvision_weights(adapter_: Adapter) -> Mapping[str, PublishedWeights]:
    """The architectures of torchvision that an adapter runs, with their published weights."""
    weights = adapter_.weights
    if isinstance(weights, StateDict) and isinstance(weights.library, Torchvision):
        return weights.library.architectures
    return {}


def of_smp(network: str) -> Adapter | None:
    """The adapter that runs a class of segmentation_models_pytorch.

    >>> of_smp("Unet").name, of_smp("Linknet")
    ('unet', None)
    """
    for candidate in adapters():
        weights = candidate.weights
        if isinstance(weights, StateDict) and weights.library == SegmentationModelsPytorch(network):
            return candidate
    return None


def of_model_type(model_type: str) -> Adapter | None:
    """The adapter that runs what transformers calls `model_type` in config.json."""
    for candidate in adapters():
        weights = candidate.weights
        if isinstance(weights, TransformersFolder) and model_type in weights.model_types:
            return candidate
    return None


def shipped_for(name: str) -> list[str]:
    """Names of the data sets that reference weights of this adapter ship for."""
    checkpoints = sorted((FOLDER.parent / "checkpoints").glob(f"{name}-*.safetensors"))
    # Further trainings with other seeds are named deeplab-streets-seed2 and so on.
    datasets = (path.stem.removeprefix(f"{name}-").partition("-seed")[0] for path in checkpoints)
    return list(dict.fromkeys(datasets))


def describe(name: str) -> dict[str, str]:
    """What `bench list models` shows of an adapter."""
    declared = adapter(name)
    return {
        "name": name,
        "what": declared.title,
        "tasks": ", ".join(declared.tasks),
        "ships weights for": ", ".join(shipped_for(name)) or "-",
        "extra": declared.extra,
        "licence": declared.licence,
    }
