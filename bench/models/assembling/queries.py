"""Makes the models of MaskFormer, Mask2Former and OneFormer: load the weights, match the classes.

The `QueryNetwork` of an adapter says what is special about it; this module has the steps that all
three share. `running/query_model.py` turns queries into predictions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from bench.models.contract.adapter import Adapter, TransformersFolder
from bench.models.contract.options import Options, refuse_unsupported
from bench.models.running import inference
from bench.models.running.batches import Batches
from bench.models.running.painting import BACKGROUND
from bench.models.running.query_model import DETECTIONS, QueryModel
from bench.models.weights import hub, labels

if TYPE_CHECKING:
    from bench.cards import Card

BATCH_SIZES = {"cpu": 1, "cuda": 4}


@dataclass(frozen=True)
class QueryNetwork:
    """The classes of transformers that one adapter uses.

    Attributes:
        network: the class of the network.
        processor: the class that prepares images and turns queries into label maps and segments.
        processor_settings: keywords of the processor.
        instance_processor: the class that turns queries into objects, if not `processor`.
        task_text: makes the input that names the task, for networks that take one, from the source
            of the weights, the network and the task.
    """

    network: Any
    processor: Any
    processor_settings: Mapping[str, Any]
    instance_processor: Any = None
    task_text: Callable[[hub.Source, Any, str], Tensor] | None = None


def assemble(adapter: Adapter, classes: QueryNetwork, card: Card, options: Options) -> QueryModel:
    """Make the model of an adapter that predicts the classes of the card.

    Raises:
        CheckpointError: weights that cannot be found, read, or that do not fit.
        UsageError: a device that is not available, or options that the task does not support.
    """
    if not isinstance(adapter.weights, TransformersFolder):
        raise TypeError(f"{adapter.name} is not an adapter of transformers")
    task = options.task or adapter.default_task(card)
    refuse_unsupported(adapter.name_for(task), options, adapter.tasks[task])
    device = inference.choose_device(options.device)
    published = adapter.weights.hub_id(card.name)
    source = hub.resolve(adapter.name, options.weights, published, dataset=card.name)
    processor, processor_warnings = _processor(classes, source, options)
    network: Any = hub.load(classes.network, source)
    outputs = len(network.config.id2label)
    channels = labels.match(card, outputs, hub.classes_of(network), where=str(source.folder))
    background = _background(card, channels.channels)
    class_warnings = channels.warnings
    if background is not None:
        class_warnings = _with_background(class_warnings, card)
    warnings = [*class_warnings, *processor_warnings]
    batch_size = options.batch_size or BATCH_SIZES[device.type]
    architecture = _backbone(network.config).removeprefix(f"{adapter.name}-")
    instance_processor = classes.instance_processor
    task_text = classes.task_text
    return QueryModel(
        network=network.to(device),
        processor=processor,
        instance_processor=instance_processor() if instance_processor else processor,
        identity={
            "kind": "model",
            "model": adapter.name,
            "architecture": f"{adapter.name}_{architecture}",
            "weights": source.name,
            "weights_digest": source.digest,
            "inside": "",
            "outputs": outputs,
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            "warnings": warnings,
        },
        settings=_settings(options, device.type, batch_size),
        device=device,
        channels=channels.channels,
        unscored=channels.unscored,
        classes=card.classes,
        task=task,
        batch_size=batch_size,
        background=background,
        batches=Batches(device.type, batch_size, together=device.type != "cpu", warnings=warnings),
        task_inputs=task_text(source, network, task) if task_text else None,
        amp=options.amp,
        score_threshold=options.score_threshold,
        detections=options.detections or DETECTIONS,
    )


def _processor(
    classes: QueryNetwork, source: hub.Source, options: Options
) -> tuple[Any, list[tuple[str, str]]]:
    """What prepares the images: as the folder says, else transformers' default with a warning."""
    settings = dict(classes.processor_settings)
    if options.input_size is not None:
        height, width = options.input_size
        settings["size"] = {"height": height, "width": width}
    if hub.has_preprocessor(source):
        needs = "preprocessor_config.json"
        return hub.part(classes.processor.from_pretrained, source, needs, **settings), []
    return classes.processor(**settings), [hub.no_preprocessor(source)]


def _background(card: Card, channels: tuple[int, ...]) -> int | None:
    """The train id of the card's `background`, if the network has no such class."""
    if BACKGROUND not in card.classes.names:
        return None
    train_id = card.classes.names.index(BACKGROUND)
    return train_id if channels[train_id] == labels.UNKNOWN else None


def _with_background(
    warnings: Iterable[tuple[str, str]], card: Card
) -> tuple[tuple[str, str], ...]:
    """The warnings if the network's other classes are taken as the card's background.

    They are not left out then, and background is predicted.
    """
    background_unknown = labels.unknown_classes([BACKGROUND])
    kept = [
        (code, message)
        for code, message in warnings
        if code != "channels-left-out" and (code, message) != background_unknown
    ]
    message = (
        f"classes that the weights know and {card.name} does not have are taken as its {BACKGROUND}"
    )
    return (*kept, ("background-of-others", message))


def _backbone(config: Any) -> str:
    backbone = getattr(config, "backbone_config", None)
    return str(getattr(backbone, "model_type", "own"))


def _settings(options: Options, device: str, batch_size: int) -> dict[str, Any]:
    """How the model runs, as a run record shows it; beyond the first four only what was set."""
    limits = {"score_threshold": options.score_threshold, "detections": options.detections}
    return {
        "device": device,
        "batch_size": batch_size,
        "amp": options.amp,
        "input_size": list(options.input_size) if options.input_size else None,
        **{name: value for name, value in limits.items() if value is not None},
    }
