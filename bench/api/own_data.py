"""A person's own data set as truth: anything with a length whose items are pairs of an image and its target.

Such as a Dataset of torch. The pictures of models that ship are (H, W, 3) uint8 RGB; a function or a network of one's
own is given what the data set gives.
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

Asked = Callable[[Any, tuple[int, int] | None, str], Any]
"""From an image, the size of its ground truth if that is known, and its id, to an answer."""


def evaluate(model: Any, dataset: Any, options: Options, request: Request, progress: Progress | None) -> Result:
    """Ask the model about every image of the data set, and score the answers.

    Raises:
        UsageError: what is no data set, no classes, or ids of another number.
        PredictionError: what is wrong with an answer.
    """
    none_of("a data set of your own", data=request.data)
    count = _length(dataset)
    if request.classes is None:
        raise UsageError(
            "a data set of your own needs classes: classes=[...] with their names in the order of the labels, "
            "or classes= a card"
        )
    total = min(count, request.limit or count)
    names = _names(request.ids, count)
    image, target = _pair(dataset, 0)
    task: Any = request.task or options.task or _task_of(target)
    evaluator = Evaluator(request.classes, task=task, metrics=request.metrics, **request.own, **request.settings)
    ask, identity, settings = _asked(model, image, evaluator.card, replace(options, task=task))
    if progress:
        progress(0, total)
    for place in range(total):
        image, target = _pair(dataset, place)
        answer = ask(image, _size(target) if task == "semantic" else None, names[place])
        # As a batch of one, so that nothing in it is taken for a batch.
        evaluator.update(truth=[target], prediction=[answer], id=names[place], size=_extent(image))
        if progress:
            progress(place + 1, total)
    about = saving.About(request.name or str(identity["model"]), request.split, identity, settings)
    run = (
        saving.record(evaluator, about, Path())
        if request.out is None
        else saving.save(evaluator, Path(request.out), about, overwrite=request.overwrite)
    )
    return replace(evaluator.result(), run=run)


def _length(dataset: Any) -> int:
    if hasattr(dataset, "dataset") and hasattr(dataset, "batch_size"):
        raise UsageError("this is a DataLoader, which gives batches: hand over its data set, loader.dataset")
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__") or isinstance(dataset, Mapping):
        raise UsageError(
            f"dataset={type(dataset).__name__}: the name of a card is needed, what bench.open_data has opened, or a "
            "data set with a length whose items are pairs of image and target (of others, count with bench.Evaluator)"
        )
    count = len(dataset)
    if not count:
        raise UsageError("the data set is empty: its length is 0")
    return count


def _names(ids: Any, count: int) -> list[str]:
    if ids is None:
        return [f"image-{place:08d}" for place in range(count)]
    if isinstance(ids, str | Path):
        raise UsageError(f"ids={str(ids)!r}: for a data set of your own this is a list, an id for each image")
    names = [str(name) for name in ids]
    if len(names) != count:
        raise UsageError(f"{len(names)} ids for a data set of {count} images: each image needs one")
    if len(set(names)) < count:
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise UsageError(f"the id {twice!r} is there twice; each image has an id of its own")
    return names


def _pair(dataset: Any, place: int) -> tuple[Any, Any]:
    item = dataset[place]
    if not isinstance(item, tuple | list) or len(item) != 2:
        what = f"{len(item)} things" if isinstance(item, tuple | list) else type(item).__name__
        raise UsageError(f"item {place} of the data set is {what}; a pair of image and target is needed")
    return item[0], item[1]


def _task_of(target: Any) -> str:
    """Which task a target is the truth of: by its form."""
    if isinstance(target, Mapping) and "boxes" not in target and "masks" not in target:
        return "panoptic" if {"segments", "segments_info"} & set(target) else "semantic"
    objects = isinstance(target, Mapping) or (
        isinstance(target, list | tuple) and all(isinstance(each, Mapping) for each in target)
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


def _asked(model: Any, image: Any, card: Card, options: Options) -> tuple[Asked, dict[str, Any], dict[str, Any]]:
    """How the model is asked of an image, which model it is, and how it runs."""
    name = f"{getattr(model, '__module__', 'own')}:{getattr(model, '__qualname__', type(model).__name__)}"
    if is_network(model) and str(getattr(image, "dtype", "")).startswith("torch.float"):
        network = Network.of(model, name, card, options)
        return lambda image, size, _: network.answer(image, size), network.identity, network.settings
    loaded = load(model, card, options) if isinstance(model, str) else adapting.adapted(model, name, card, options)
    identity = {key: value for key, value in loaded.identity.items() if key != "warnings"}
    settings = dict(loaded.settings)
    if loaded.task != options.task:
        raise UsageError(f"the model answers the task {loaded.task!r}, and the targets are of {options.task!r}")
    if not isinstance(model, str) and not is_network(model) and isinstance(loaded, OwnModel):
        function = loaded.function
        return lambda image, _, __: function(image), identity, settings
    return lambda image, _, name: _single(loaded, image, name), identity, settings


def _single(model: Model, image: Any, name: str) -> Prediction:
    predictions = model.predict([picture(image)])
    require_one_each(predictions, [name])
    return predictions[0]
