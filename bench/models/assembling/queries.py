"""How the adapters of MaskFormer and its kin become models: find the weights, load them whole, match classes by name.

An adapter describes what is its own as a `Kind`; the order of the steps is here. What queries become is the business of
`query_model`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from bench.models import Options, Task, refuse_unused, usable
from bench.models.running import inference
from bench.models.running.batches import Batches
from bench.models.running.painting import BACKGROUND
from bench.models.running.query_model import DETECTIONS, QueryModel
from bench.models.weights import hub, labels

if TYPE_CHECKING:
    from bench.cards import Card

TASKS: tuple[Task, ...] = ("panoptic", "semantic", "instance")
"""What one network answers; without `--task` the first of these that the card has."""
BATCH_SIZES = {"cpu": 1, "cuda": 4}


@dataclass(frozen=True)
class Kind:
    """What one adapter adds: its classes of transformers, and the hub ids its authors publish, by name of the card.

    `finish` makes objects of queries, where not `processor` does. `task_text` makes the input that names the task, for
    networks that take one, from the source, the network and the task.
    """

    name: str
    network: Any
    processor: Any
    published: Mapping[str, str]
    processor_settings: Mapping[str, Any]
    finish: Any = None
    task_text: Callable[[hub.Source, Any, str], Tensor] | None = None


def assemble(kind: Kind, card: Card, options: Options) -> QueryModel:
    """Make the model of a kind that predicts the classes of the card.

    Raises:
        CheckpointError: weights that cannot be found, read, or that do not fit network, adapter or card.
        UsageError: a device that is not there, or options of which the task has no use.
    """
    task: str = options.task or next((each for each in TASKS if each in card.tasks), TASKS[0])
    refuse_unused(f"{kind.name} --task {task}", options, usable.QUERIES[task])
    device = inference.choose_device(options.device)
    source = hub.resolve(kind.name, options.weights, kind.published.get(card.name), dataset=card.name)
    processor, remarks = _processor(kind, source, options)
    network: Any = hub.load(kind.network, source)
    names = hub.classes_of(network)
    outputs = len(network.config.id2label)
    channels = labels.match(card, outputs, names, where=str(source.folder))
    batch_size = options.batch_size or BATCH_SIZES[device.type]
    background = _background(card, channels.channels)
    warnings = [*(_told(channels.warnings, card) if background is not None else channels.warnings), *remarks]
    return QueryModel(
        network=network.to(device),
        processor=processor,
        finish=kind.finish() if kind.finish else processor,
        identity={
            "kind": "model",
            "model": kind.name,
            "architecture": f"{kind.name}_{_backbone(network.config).removeprefix(f'{kind.name}-')}",
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
        task_inputs=kind.task_text(source, network, task) if kind.task_text else None,
        amp=options.amp,
        score_threshold=options.score_threshold,
        detections=options.detections or DETECTIONS,
    )


def _processor(kind: Kind, source: hub.Source, options: Options) -> tuple[Any, list[tuple[str, str]]]:
    """What prepares the images: as the folder says, else as transformers does by itself, with a warning."""
    settings = dict(kind.processor_settings)
    if options.input_size is not None:
        settings["size"] = dict(zip(("height", "width"), options.input_size, strict=True))
    if hub.has_preprocessor(source):
        needs = "preprocessor_config.json"
        return hub.part(kind.processor.from_pretrained, source, needs, **settings), []
    message = f"{source.name} does not say how images are prepared (no preprocessor_config.json): as transformers does"
    return kind.processor(**settings), [("no-preprocessor", message)]


def _background(card: Card, channels: tuple[int, ...]) -> int | None:
    """The train id of the card's `background`, where the network has no such class."""
    names = card.classes.names
    missing = BACKGROUND in names and channels[names.index(BACKGROUND)] == labels.UNKNOWN
    return names.index(BACKGROUND) if missing else None


def _told(warnings: Iterable[tuple[str, str]], card: Card) -> list[tuple[str, str]]:
    """The warnings where background stands for the network's other classes; these are not left out then."""
    message = f"the background of {card.name} stands for all classes that the weights know and {card.name} lacks"
    only = f"the weights do not know {BACKGROUND}: never predicted"
    kept = [(code, text) for code, text in warnings if code != "channels-left-out" and text != only]
    return [*kept, ("background-of-others", message)]


def _backbone(config: Any) -> str:
    backbone = getattr(config, "backbone_config", None)
    return str(getattr(backbone, "model_type", "own"))


def _settings(options: Options, device: str, batch_size: int) -> dict[str, Any]:
    """How it runs, as a run record shows it; what was not said beyond the first four does not appear."""
    said = {"score_threshold": options.score_threshold, "detections": options.detections}
    return {
        "device": device,
        "batch_size": batch_size,
        "amp": options.amp,
        "input_size": list(options.input_size) if options.input_size else None,
        **{name: value for name, value in said.items() if value is not None},
    }
