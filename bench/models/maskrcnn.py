"""Mask R-CNN of torchvision (ResNet-50 FPN, v1, v2), and a slim one.

It knows the countable classes of the card only, matched by name where the weights name theirs. This module knows what
is Mask R-CNN's own; how images become objects is in `object_inference`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.errors import CheckpointError, UsageError, missing_extra
from bench.models import Options, refuse_unused, usable

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.models.assembling.family import Family
    from bench.models.running.object_inference import ObjectModel
    from bench.models.weights.checkpoints import Checkpoint

TASKS = ("instance", "panoptic", "semantic")
EXTRA = "models"
LICENCE = "BSD-3-Clause (torchvision)"
COCO = 91
"""Outputs of weights that learned COCO as torchvision numbers it: ids 1 to 90, of which ten are not used, and none."""


def load(card: Card, options: Options) -> ObjectModel:
    """Load Mask R-CNN with the weights asked for, the shipped ones, or torchvision's where their classes fit.

    Raises:
        MissingExtra: torch or torchvision is not installed.
        CheckpointError: weights that cannot be found, read, or that do not fit the network or the card.
        UsageError: a card without countable classes, a device that is not there, or an option of other models.
    """
    try:
        from bench.models.architectures import object_networks
        from bench.models.assembling import assembly
        from bench.models.running import inference, object_inference
        from bench.models.weights import checkpoints, finding, labels
    except ModuleNotFoundError as error:
        raise missing_extra(error.name or "torch", "models", "--model maskrcnn") from None
    refuse_unused("maskrcnn", options, usable.OBJECTS)
    device = inference.choose_device(options.device)
    things = _things(card)
    family = _family()
    found = finding.find(family, things, options)
    checkpoint = replace(found.checkpoint, state=object_networks.modernised(found.checkpoint.state))
    architecture = _architecture(checkpoint)
    outputs = _outputs(checkpoint)
    names = found.classes or assembly.names_of(checkpoint) or (_coco_names() if outputs == COCO else None)
    channels = labels.match(things, outputs - 1, names, where=str(checkpoint.path))
    network = object_networks.build(architecture, outputs)
    checkpoints.fit(network, checkpoint, architecture=architecture)
    if found.classes and architecture == object_networks.ARCHITECTURES[0]:
        object_networks.without_epsilon(network)
    identity = {
        "kind": "model",
        "model": "maskrcnn",
        "architecture": architecture,
        "weights": found.name,
        "weights_digest": checkpoint.digest,
        "inside": checkpoint.inside,
        "outputs": outputs,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "warnings": list(channels.warnings),
    }
    model = object_inference.ObjectModel(
        network=network,
        identity=identity,
        settings={},
        classes=card.classes,
        train_ids=object_inference.train_ids(card.classes, channels.channels, outputs),
        device=device,
        batch_size=1,
    )
    return object_inference.ready(model, options)


def _things(card: Card) -> Card:
    """The card with its countable classes alone, for these are what the network has outputs for."""
    entries = [entry for entry in card.classes.scored if entry.thing]
    if not entries:
        raise UsageError(f"--model maskrcnn finds objects, and the card {card.name} has no class with thing = true")
    renumbered = tuple(replace(entry, train_id=position) for position, entry in enumerate(entries))
    return replace(card, classes=replace(card.classes, entries=renumbered))


def _family() -> Family:
    """What `finding` asks of a family: its name and what torchvision publishes, classes without the background."""
    from bench.models.architectures import object_networks, torchvision_networks
    from bench.models.assembling.family import Family

    published = [torchvision_networks.published(name) for name in object_networks.ARCHITECTURES]
    return Family(
        name="maskrcnn",
        recognise=lambda checkpoint: object_networks.recognise(checkpoint.state),
        build=lambda architecture, _, outputs: object_networks.build(architecture, outputs),
        head="roi_heads.box_predictor.",
        architectures=object_networks.ARCHITECTURES,
        pretrained=tuple(replace(one, classes=one.classes[1:]) for one in published),
    )


def _coco_names() -> Sequence[str]:
    return _family().pretrained[0].classes


def _outputs(checkpoint: Checkpoint) -> int:
    """Number of classes of the weights, and one for no object."""
    from bench.models.architectures import object_networks

    outputs = object_networks.outputs_of(checkpoint.state)
    if outputs is None:
        raise CheckpointError(f"{checkpoint.path} has no classifier (no weights called roi_heads.box_predictor...)")
    return outputs


def _architecture(checkpoint: Checkpoint) -> str:
    """The network that the weights belong to, as their names and shapes tell."""
    from bench.models.architectures import object_networks
    from bench.models.weights import kinds

    said = checkpoint.metadata.get("architecture", "")
    found = object_networks.recognise(checkpoint.state)
    if found is not None and (not said or said == found):
        return found
    kind = said or kinds.tell(checkpoint.state)
    other = kinds.adapter(kind) if kind else None
    reads = f"it reads {', '.join(object_networks.ARCHITECTURES)}"
    hint = f"say --model {other}" if other not in (None, "maskrcnn") else reads
    first = f"(the first of its {len(checkpoint.state)} tensors is {next(iter(checkpoint.state))})"
    what = f"weights of {kind}" if kind else f"no weights that it knows {first}"
    raise CheckpointError(f"{checkpoint.path} holds {what}, no network of --model maskrcnn: {hint}")
