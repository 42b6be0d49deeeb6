"""The user's own data set as ground truth: any object with a length whose items are pairs of image
and target.

A `Dataset` of torch is one. Models that ship with bench get images as (H, W, 3) uint8 RGB; the
user's own function or network gets what the data set returns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.api.arguments import Request, none_of
from bench.api.networks import Network, is_network
from bench.api.pictures import picture
from bench.cards import Card
from bench.errors import UsageError
from bench.evaluation import saving
from bench.evaluation.evaluator import Evaluator
from bench.evaluation.predicting import require_one_each
from bench.evaluation.result import Result
from bench.models import Model, Options, load
from bench.models.own_code import adapting
from bench.models.own_code.answering import OwnModel
from bench.opening import Progress
from bench.samples import Prediction

Predict = Callable[[Any, tuple[int, int] | None, str], Any]
"""From an image, the size of its ground truth if known, and its id, to a prediction."""


def evaluate(
    model: Any, dataset: Any, options: Options, request: Request, progress: Progress | None
) -> Result:
    """Run the model on every image of the data set and score its predictions.

    Raises:
        UsageError: not a data set, no classes, or a wrong number of ids.
        PredictionError: what is wrong with a prediction.
    """
    none_of("your own data set", data=request.data)
    count = _length(dataset)
    if request.classes is None:
        raise UsageError(
            "your own data set needs classes: classes=[...] with their names in the order of "
            "the labels, or a card"
        )
    total = min(count, request.limit or count)
    names = _names(request.ids, count)
    image, target = _pair(dataset, 0)
    task: Any = request.task or options.task or _task_of(target)
    evaluator = Evaluator(
        request.classes, task=task, metrics=request.metrics, **request.own, **request.settings
    )
    predict, identity, settings = _predict(
        model, image, evaluator.card, replace(options, task=task)
    )
    if progress:
        progress(0, total)
    for index in range(total):
        image, target = _pair(dataset, index)
        answer = predict(image, _size(target) if task == "semantic" else None, names[index])
        # As a batch of one, so that no array is mistaken for a batch.
        evaluator.update(truth=[target], prediction=[answer], id=names[index], size=_extent(image))
        if progress:
            progress(index + 1, total)
    about = saving.About(request.name or str(identity["model"]), request.split, identity, settings)
    run = (
        saving.record(evaluator, about, Path())
        if request.out is None
        else saving.save(evaluator, Path(request.out), about, overwrite=request.overwrite)
    )
    return replace(evaluator.result(), run=run)


def _length(dataset: Any) -> int:
    if hasattr(dataset, "dataset") and hasattr(dataset, "batch_size"):
        raise UsageError(
            "dataset must not be a DataLoader, which returns batches: pass its data set, "
            "loader.dataset"
        )
    if (
        not hasattr(dataset, "__len__")
        or not hasattr(dataset, "__getitem__")
        or isinstance(dataset, Mapping)
    ):
        raise UsageError(
            "dataset must be the name of a card, what bench.open_data returned, or a data set "
            "with a length whose items are pairs of image and target, got "
            f"{type(dataset).__name__} (bench.Evaluator counts other data)"
        )
    count = len(dataset)
    if not count:
        raise UsageError("the data set is empty: its length is 0")
    return count


def _names(ids: Any, count: int) -> list[str]:
    if ids is None:
        return [f"image-{index:08d}" for index in range(count)]
    if isinstance(ids, str | Path):
        raise UsageError(
            f"ids must be a list with an id per image of your own data set, got {str(ids)!r}"
        )
    names = [str(name) for name in ids]
    if len(names) != count:
        raise UsageError(f"ids must have one id per image: got {len(names)} ids for {count} images")
    if len(set(names)) < count:
        twice = next(name for index, name in enumerate(names) if name in names[:index])
        raise UsageError(f"the id {twice!r} is listed twice; every image needs its own id")
    return names


def _pair(dataset: Any, index: int) -> tuple[Any, Any]:
    item = dataset[index]
    if not isinstance(item, tuple | list) or len(item) != 2:
        form = (
            f"a {type(item).__name__} of {len(item)}"
            if isinstance(item, tuple | list)
            else type(item).__name__
        )
        raise UsageError(
            f"item {index} of the data set must be a pair of image and target, got {form}"
        )
    return item[0], item[1]


def _task_of(target: Any) -> str:
    """The task that a target belongs to, by its form."""
    if isinstance(target, Mapping) and "boxes" not in target and "masks" not in target:
        return "panoptic" if {"segments", "segments_info"} & set(target) else "semantic"
    objects = isinstance(target, Mapping) or (
        isinstance(target, list | tuple) and all(isinstance(entry, Mapping) for entry in target)
    )
    return "instance" if objects or hasattr(target, "xyxy") else "semantic"


def _size(target: Any) -> tuple[int, int] | None:
    """Height and width of a label map."""
    if isinstance(target, Mapping):
        target = target.get("labels")
    shape = getattr(target, "shape", None)
    if shape is None and hasattr(target, "height"):  # a picture of Pillow
        return int(target.height), int(target.width)
    return None if shape is None or len(shape) < 2 else (int(shape[-2]), int(shape[-1]))


def _extent(image: Any) -> tuple[int, int] | None:
    """Height and width of an image in any of its forms."""
    if hasattr(image, "height") and hasattr(image, "width"):
        return int(image.height), int(image.width)
    shape = tuple(getattr(image, "shape", ()))
    if len(shape) == 3 and shape[2] in (1, 3, 4):
        return int(shape[0]), int(shape[1])
    return (int(shape[-2]), int(shape[-1])) if len(shape) in (2, 3) else None


def _predict(
    model: Any, image: Any, card: Card, options: Options
) -> tuple[Predict, dict[str, Any], dict[str, Any]]:
    """How the model is called for an image, its identity, and its settings."""
    module = getattr(model, "__module__", "own")
    name = f"{module}:{getattr(model, '__qualname__', type(model).__name__)}"
    if is_network(model) and str(getattr(image, "dtype", "")).startswith("torch.float"):
        network = Network.of(model, name, card, options)
        return (
            lambda image, size, _: network.answer(image, size),
            network.identity,
            network.settings,
        )
    loaded = (
        load(model, card, options)
        if isinstance(model, str)
        else adapting.adapted(model, name, card, options)
    )
    identity = {key: value for key, value in loaded.identity.items() if key != "warnings"}
    settings = dict(loaded.settings)
    if loaded.task != options.task:
        raise UsageError(
            f"the model predicts for the task {loaded.task!r}, and the targets are {options.task!r}"
        )
    if not isinstance(model, str) and not is_network(model) and isinstance(loaded, OwnModel):
        function = loaded.function
        return lambda image, _, __: function(image), identity, settings
    return lambda image, _, name: _single(loaded, image, name), identity, settings


def _single(model: Model, image: Any, name: str) -> Prediction:
    predictions = model.predict([picture(image)])
    require_one_each(predictions, [name])
    return predictions[0]
