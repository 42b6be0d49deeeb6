"""How every semantic adapter becomes a model: find the weights, know the network, fit them, match classes, make ready.

An adapter describes what is its own as a `Family`; the order of the steps is here. This module knows no architecture.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from bench import models
from bench.errors import CheckpointError
from bench.models import Options, usable
from bench.models.architectures import networks
from bench.models.assembling.family import Family
from bench.models.running import inference
from bench.models.weights import checkpoints, finding, kinds, labels
from bench.models.weights.checkpoints import Checkpoint

if TYPE_CHECKING:
    from bench.cards import Card

ONLY_IN_TRAINING = ("aux_classifier.", "classification_head.")
"""Heads that serve training only; what they learned plays no part in prediction."""


def assemble(family: Family, card: Card, options: Options) -> inference.SemanticModel:
    """Make the model of a family that predicts the classes of the card.

    Raises:
        CheckpointError: weights that cannot be found, read, recognised, or that fit neither network nor card.
        UsageError: a device that is not there, or an option of other kinds of models.
    """
    models.refuse_unused(family.name, options, usable.SEMANTIC)
    device = inference.choose_device(options.device)
    found = finding.find(family, card, options)
    checkpoint = checkpoints.without(found.checkpoint, ONLY_IN_TRAINING)
    architecture = _architecture(family, checkpoint)
    outputs = _outputs(family, checkpoint)
    names = found.classes or names_of(checkpoint)
    channels = labels.match(card, outputs, names, where=str(checkpoint.path))
    network = _network(family, checkpoint, architecture, outputs)
    checkpoints.fit(network, checkpoint, architecture=architecture)
    identity = {
        "kind": "model",
        "model": family.name,
        "architecture": architecture,
        "weights": found.name,
        "weights_digest": checkpoint.digest,
        "inside": checkpoint.inside,
        "outputs": outputs,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "warnings": [*channels.warnings, *_assumed(family, checkpoint, architecture)],
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
        stride=family.stride,
        mean=_numbers(checkpoint, "mean", inference.MEAN),
        std=_numbers(checkpoint, "std", inference.STD),
    )
    return inference.ready(model, options)


def _architecture(family: Family, checkpoint: Checkpoint) -> str:
    """The network that the weights belong to: as the file says, else as the names and shapes of its weights tell."""
    said = checkpoint.metadata.get("architecture")
    found = said or networks.recognise(checkpoint.state) or family.recognise(checkpoint)
    if found is None:
        raise CheckpointError(f"{checkpoint.path} holds {_unknown(family, checkpoint)}")
    other = kinds.adapter(found)
    if other != family.name or not (found in family.architectures or family.others or networks.is_slim(found)):
        hint = f"say --model {other}" if other not in (None, family.name) else f"it reads {_listed(family)}"
        raise CheckpointError(
            f"{checkpoint.path} holds weights of {found}, no network of --model {family.name}: {hint}"
        )
    return found


def _unknown(family: Family, checkpoint: Checkpoint) -> str:
    """What a checkpoint is that the adapter does not know, and what to do, in words."""
    kind = kinds.tell(checkpoint.state)
    other = kinds.ADAPTERS.get(kind) if kind else None
    if other is not None and other != family.name:
        return f"weights of {kind}, no network of --model {family.name}: say --model {other}"
    if other is not None:
        more = (
            "; a folder that save_pretrained wrote may hold any, for its config.json names it" if family.folder else ""
        )
        return (
            f"weights of {kind} whose backbone cannot be told from them: --model {family.name} tells "
            f"{_listed(family)}{more}"
        )
    return (
        f"no weights that --model {family.name} knows (the first of its {len(checkpoint.state)} tensors is "
        f"{next(iter(checkpoint.state))}): it reads {_listed(family)}"
    )


def _listed(family: Family) -> str:
    first, others = family.architectures[:6], len(family.architectures) - 6
    return ", ".join(first) + (f" and {others} more backbones" if others > 0 else "")


def _assumed(family: Family, checkpoint: Checkpoint, architecture: str) -> list[tuple[str, str]]:
    """A warning where the network is built with what its weights do not tell."""
    if not family.assumes or checkpoint.config or networks.is_slim(architecture):
        return []
    message = f"the weights do not tell {family.assumes}; a folder that save_pretrained wrote would tell them"
    return [("network-assumed", message)]


def _network(family: Family, checkpoint: Checkpoint, architecture: str, outputs: int) -> nn.Module:
    if networks.is_slim(architecture):
        return networks.build(architecture, outputs)
    return family.build(architecture, checkpoint, outputs)


def _outputs(family: Family, checkpoint: Checkpoint) -> int:
    """Number of classes of the weights: rows of the last weight of the head."""
    heads = (family.head, *networks.HEADS)
    last = [v for n, v in checkpoint.state.items() if n.startswith(heads) and n.endswith("weight")]
    if not last:
        raise CheckpointError(f"{checkpoint.path} has no classifier (no weights called {family.head}...)")
    return int(last[-1].shape[0])


def names_of(checkpoint: Checkpoint) -> Sequence[str] | None:
    """Names of the classes, where the file tells them."""
    text = checkpoint.metadata.get("classes")
    return None if text is None else [str(name) for name in _parsed(checkpoint, "classes", text, str)]


def _numbers(checkpoint: Checkpoint, key: str, otherwise: tuple[float, ...]) -> tuple[float, ...]:
    text = checkpoint.metadata.get(key)
    if text is None:
        return otherwise
    values = tuple(float(value) for value in _parsed(checkpoint, key, text, (int, float)))
    if len(values) != 3:
        raise CheckpointError(
            f"{checkpoint.path}: the metadata's {key} has {len(values)} numbers; 3 are needed, R, G, B"
        )
    return values


def _parsed(checkpoint: Checkpoint, key: str, text: str, kind: Any) -> list[Any]:
    try:
        values = json.loads(text)
    except json.JSONDecodeError:
        values = None
    if not isinstance(values, list) or not all(isinstance(value, kind) for value in values):
        raise CheckpointError(f"{checkpoint.path}: the metadata's {key} is no JSON list of its kind: {text[:60]!r}")
    return values
