"""Mask R-CNN of torchvision (ResNet-50 FPN, v1 and v2), and a slim one.

It predicts the countable classes of the card only (`thing = true`), matched by name if the weights
name theirs. `running/object_inference.py` turns its output into objects.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.errors import CheckpointError, UsageError, missing_extra
from bench.models.contract import supported
from bench.models.contract.adapter import Adapter, PublishedWeights, StateDict, Torchvision
from bench.models.contract.options import Options, refuse_unsupported

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.models.contract.blueprint import Blueprint
    from bench.models.running.object_inference import ObjectModel
    from bench.models.weights.checkpoints import Checkpoint

ARCHITECTURES = {
    "maskrcnn_resnet50_fpn": PublishedWeights("MaskRCNN_ResNet50_FPN_Weights", "COCO_V1"),
    "maskrcnn_resnet50_fpn_v2": PublishedWeights("MaskRCNN_ResNet50_FPN_V2_Weights", "COCO_V1"),
}
COCO_OUTPUTS = 91
"""Outputs of weights trained on COCO as torchvision numbers it.

Its ids go from 1 to 90 (ten of them are unused), and 0 stands for "no object".
"""


def load(card: Card, options: Options) -> ObjectModel:
    """Load Mask R-CNN with the given weights, the shipped ones, or torchvision's if they fit.

    Raises:
        MissingExtra: torch or torchvision is not installed.
        CheckpointError: weights that cannot be found, read, or that do not fit.
        UsageError: a card without countable classes, a device that is not available, or an option
            that is not supported.
    """
    try:
        from bench.models.architectures import object_networks
        from bench.models.assembling import assembly
        from bench.models.running import inference, object_inference
        from bench.models.weights import checkpoints, finding, labels
    except ModuleNotFoundError as error:
        raise missing_extra(error.name or "torch", "models", "--model maskrcnn") from None
    refuse_unsupported("maskrcnn", options, supported.OBJECTS)
    device = inference.choose_device(options.device)
    things = _countable(card)
    blueprint = _blueprint()
    weights = finding.find(blueprint, things, options)
    state = object_networks.modernised(weights.checkpoint.state)
    checkpoint = replace(weights.checkpoint, state=state)
    architecture = _architecture(checkpoint)
    outputs = _outputs(checkpoint)
    names = weights.classes or assembly.class_names(checkpoint)
    if names is None and outputs == COCO_OUTPUTS:
        names = blueprint.pretrained[0].classes
    channels = labels.match(things, outputs - 1, names, where=str(checkpoint.path))
    network = object_networks.build(architecture, outputs)
    checkpoints.fit(network, checkpoint, architecture=architecture)
    if weights.classes and architecture == "maskrcnn_resnet50_fpn":
        object_networks.without_epsilon(network)
    identity = {
        "kind": "model",
        "model": "maskrcnn",
        "architecture": architecture,
        "weights": weights.name,
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


def _countable(card: Card) -> Card:
    """The card with its countable classes only, because the network has outputs for these only."""
    entries = [entry for entry in card.classes.scored if entry.thing]
    if not entries:
        raise UsageError(
            f"--model maskrcnn finds objects, but the card {card.name} has no class with thing "
            "= true"
        )
    renumbered = tuple(replace(entry, train_id=index) for index, entry in enumerate(entries))
    return replace(card, classes=replace(card.classes, entries=renumbered))


def _blueprint() -> Blueprint:
    """Name and published weights, which `finding` needs; classes without the background."""
    from bench.models.architectures import object_networks, torchvision_networks
    from bench.models.contract.blueprint import Blueprint

    published = [torchvision_networks.pretrained(name) for name in ARCHITECTURES]
    return Blueprint(
        name="maskrcnn",
        recognise=lambda checkpoint: object_networks.recognise(checkpoint.state),
        build=lambda architecture, _, outputs: object_networks.build(architecture, outputs),
        head="roi_heads.box_predictor.",
        architectures=tuple(ARCHITECTURES),
        pretrained=tuple(replace(weights, classes=weights.classes[1:]) for weights in published),
    )


def _outputs(checkpoint: Checkpoint) -> int:
    """Number of classes of the weights, plus one for "no object"."""
    from bench.models.architectures import object_networks

    outputs = object_networks.outputs_of(checkpoint.state)
    if outputs is None:
        raise CheckpointError(
            f"{checkpoint.path} has no classifier (no weights named roi_heads.box_predictor...)"
        )
    return outputs


def _architecture(checkpoint: Checkpoint) -> str:
    """The architecture of the weights, from the names and shapes of their tensors."""
    from bench.models.architectures import object_networks

    in_metadata = checkpoint.metadata.get("architecture", "")
    architecture = object_networks.recognise(checkpoint.state)
    if architecture is not None and in_metadata in ("", architecture):
        return architecture
    raise CheckpointError(f"{checkpoint.path} holds {_other_network(checkpoint, in_metadata)}")


def _other_network(checkpoint: Checkpoint, architecture: str) -> str:
    """Message about a checkpoint of another network: its contents and the remedy."""
    from bench.models.contract import catalogue

    owner = catalogue.recognise(checkpoint.state)
    if architecture:
        owner = catalogue.of_architecture(architecture)
    elif owner is not None:
        architecture = catalogue.architecture_of(owner)
    hint = f"it reads {', '.join(ARCHITECTURES)}"
    if owner is not None and owner.name != "maskrcnn":
        hint = f"use --model {owner.name}"
    if architecture:
        return f"weights of {architecture}, which --model maskrcnn does not run: {hint}"
    first = next(iter(checkpoint.state))
    return (
        f"weights that --model maskrcnn does not know (the first of its {len(checkpoint.state)} "
        f"tensors is {first}): {hint}"
    )


ADAPTER = Adapter(
    name="maskrcnn",
    title="Mask R-CNN of torchvision (ResNet-50 FPN, v1, v2), and a slim one.",
    tasks={
        "instance": supported.OBJECTS,
        "panoptic": supported.OBJECTS,
        "semantic": supported.OBJECTS,
    },
    extra="models",
    licence="BSD-3-Clause (torchvision)",
    weights=StateDict(
        architecture="maskrcnn",
        marks=(frozenset({"roi_heads.mask_predictor.mask_fcn_logits.weight"}),),
        # The classes of its published weights are checked when it is loaded.
        library=Torchvision(ARCHITECTURES, classes=None),
    ),
    accepts="FILE (torchvision's Mask R-CNN)",
    load=load,
)
