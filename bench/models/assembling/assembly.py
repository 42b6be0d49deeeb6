"""Makes a semantic model: find the weights, recognise and build the network, match the classes.

The `Blueprint` of an adapter says what is special about its networks; this module has the steps
that all adapters share and knows no architecture.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from bench.errors import CheckpointError
from bench.models.architectures import networks
from bench.models.contract import catalogue, supported
from bench.models.contract.blueprint import Blueprint
from bench.models.contract.options import Options, refuse_unsupported
from bench.models.running import inference
from bench.models.weights import checkpoints, finding, labels
from bench.models.weights.checkpoints import Checkpoint

if TYPE_CHECKING:
    from bench.cards import Card

TRAINING_HEADS = ("aux_classifier.", "classification_head.")
"""Prefixes of heads that serve training only and take no part in prediction."""


def assemble(blueprint: Blueprint, card: Card, options: Options) -> inference.SemanticModel:
    """Make the model of a blueprint that predicts the classes of the card.

    Raises:
        CheckpointError: weights that cannot be found, read, recognised, or that do not fit.
        UsageError: a device that is not available, or an option that is not supported.
    """
    refuse_unsupported(blueprint.name, options, supported.SEMANTIC)
    device = inference.choose_device(options.device)
    weights = finding.find(blueprint, card, options)
    checkpoint = checkpoints.without(weights.checkpoint, TRAINING_HEADS)
    architecture = _architecture(blueprint, checkpoint)
    outputs = _outputs(blueprint, checkpoint)
    names = weights.classes or class_names(checkpoint)
    channels = labels.match(card, outputs, names, where=str(checkpoint.path))
    network = _network(blueprint, checkpoint, architecture, outputs)
    checkpoints.fit(network, checkpoint, architecture=architecture)
    identity = {
        "kind": "model",
        "model": blueprint.name,
        "architecture": architecture,
        "weights": weights.name,
        "weights_digest": checkpoint.digest,
        "inside": checkpoint.inside,
        "outputs": outputs,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "warnings": [*channels.warnings, *_assumptions(blueprint, checkpoint, architecture)],
    }
    model = inference.SemanticModel(
        network=network,
        identity=identity,
        settings={},
        device=device,
        channels=channels.channels,
        unscored=channels.unscored,
        ignore=card.classes.ignore,
        batch_size=1,
        stride=blueprint.stride,
        mean=_numbers(checkpoint, "mean", inference.MEAN),
        std=_numbers(checkpoint, "std", inference.STD),
    )
    return inference.ready(model, options)


def _architecture(blueprint: Blueprint, checkpoint: Checkpoint) -> str:
    """The architecture of the weights: from the metadata, else from names and shapes of tensors."""
    architecture = (
        checkpoint.metadata.get("architecture")
        or networks.recognise(checkpoint.state)
        or blueprint.recognise(checkpoint)
    )
    if architecture is None:
        raise CheckpointError(f"{checkpoint.path} holds {_unknown(blueprint, checkpoint)}")
    owner = catalogue.of_architecture(architecture)
    mine = owner is not None and owner.name == blueprint.name
    if mine and (
        blueprint.open_ended
        or architecture in blueprint.architectures
        or networks.is_slim(architecture)
    ):
        return architecture
    hint = f"it reads {_listed(blueprint)}"
    if owner is not None and not mine:
        hint = f"use --model {owner.name}"
    raise CheckpointError(
        f"{checkpoint.path} holds weights of {architecture}, which --model {blueprint.name} "
        f"does not run: {hint}"
    )


def _unknown(blueprint: Blueprint, checkpoint: Checkpoint) -> str:
    """Message about a checkpoint of unknown architecture: its contents and the remedy."""
    owner = catalogue.recognise(checkpoint.state)
    if owner is None:
        first = next(iter(checkpoint.state))
        return (
            f"weights that --model {blueprint.name} does not know (the first of its "
            f"{len(checkpoint.state)} tensors is {first}): it reads {_listed(blueprint)}"
        )
    kind = catalogue.architecture_of(owner)
    if owner.name != blueprint.name:
        return (
            f"weights of {kind}, which --model {blueprint.name} does not run: use --model "
            f"{owner.name}"
        )
    hint = ""
    if blueprint.folder:
        hint = (
            "; a folder that save_pretrained wrote may hold any backbone, because its "
            "config.json names it"
        )
    return (
        f"weights of {kind} with an unknown backbone: --model {blueprint.name} recognises "
        f"{_listed(blueprint)}{hint}"
    )


def _listed(blueprint: Blueprint) -> str:
    first, others = blueprint.architectures[:6], len(blueprint.architectures) - 6
    return ", ".join(first) + (f" and {others} more backbones" if others > 0 else "")


def _assumptions(
    blueprint: Blueprint, checkpoint: Checkpoint, architecture: str
) -> list[tuple[str, str]]:
    """A warning if the network is built with properties that its weights do not reveal."""
    if not blueprint.assumes or checkpoint.config or networks.is_slim(architecture):
        return []
    message = (
        f"the weights do not reveal {blueprint.assumes}; a folder that save_pretrained wrote does"
    )
    return [("network-assumed", message)]


def _network(
    blueprint: Blueprint, checkpoint: Checkpoint, architecture: str, outputs: int
) -> nn.Module:
    if networks.is_slim(architecture):
        return networks.build(architecture, outputs)
    return blueprint.build(architecture, checkpoint, outputs)


def _outputs(blueprint: Blueprint, checkpoint: Checkpoint) -> int:
    """Number of classes of the weights: rows of the last weight of the head."""
    prefixes = (blueprint.head, *networks.HEADS)
    head = [
        value
        for name, value in checkpoint.state.items()
        if name.startswith(prefixes) and name.endswith("weight")
    ]
    if not head:
        raise CheckpointError(
            f"{checkpoint.path} has no classifier (no weights named {blueprint.head}...)"
        )
    return int(head[-1].shape[0])


def class_names(checkpoint: Checkpoint) -> Sequence[str] | None:
    """Names of the classes, if the metadata of the file has them."""
    text = checkpoint.metadata.get("classes")
    if text is None:
        return None
    return [str(name) for name in _json_list(checkpoint, "classes", text, str)]


def _numbers(checkpoint: Checkpoint, key: str, default: tuple[float, ...]) -> tuple[float, ...]:
    """Three numbers, one per colour channel, from the metadata of the file."""
    text = checkpoint.metadata.get(key)
    if text is None:
        return default
    values = tuple(float(value) for value in _json_list(checkpoint, key, text, (int, float)))
    if len(values) != 3:
        raise CheckpointError(
            f"{checkpoint.path}: {key} in the metadata must have 3 numbers (R, G, B), got "
            f"{len(values)}"
        )
    return values


def _json_list(checkpoint: Checkpoint, key: str, text: str, entry_type: Any) -> list[Any]:
    try:
        values = json.loads(text)
    except json.JSONDecodeError:
        values = None
    if isinstance(values, list) and all(isinstance(value, entry_type) for value in values):
        return values
    expected = "strings" if entry_type is str else "numbers"
    raise CheckpointError(
        f"{checkpoint.path}: {key} in the metadata must be a JSON list of {expected}, got "
        f"{text[:60]!r}"
    )
