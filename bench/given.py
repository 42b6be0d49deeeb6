"""Arrays and dicts that people hand over, checked and made into label maps, instances and segments.

They come from a person's own model or training loop: NumPy arrays, or tensors of torch, which is never imported here.
`docs/models.md` tells the forms with their shapes. This module knows neither files, nor models, nor metrics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench import masks
from bench.classes import Classes
from bench.errors import InputError, PredictionError, UsageError
from bench.samples import Array, Instances, LabelMap, Segments

Size = tuple[int, int]
Form = LabelMap | Instances | Segments
TASKS = ("semantic", "instance", "panoptic")
FARTHEST = 1e9
"""Pixels from the origin that no corner or side of a box reaches."""


def array(value: Any) -> Array:
    """A NumPy array of an array, a list, or a tensor on any device."""
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu().numpy()
    return np.asarray(value)


def prediction(value: Any, task: str, classes: Classes, *, where: str, size: Size | None = None) -> Form:
    """What was predicted of one image; `size` (height, width) is the image's own.

    Raises:
        PredictionError: another form than the task needs, another size, or a class that is none.
    """
    try:
        return _made(value, task, classes, size, scored=True)
    except (InputError, ValueError, TypeError) as error:
        raise PredictionError(f"{where}: {error}") from None


def truth(value: Any, task: str, classes: Classes, *, where: str) -> Form:
    """What is true of one image.

    Raises:
        UsageError: another form than the task needs, or a class that is none.
    """
    try:
        return _made(value, task, classes, None, scored=False)
    except (InputError, ValueError, TypeError) as error:
        raise UsageError(f"{where}: the truth: {error}") from None


def _made(value: Any, task: str, classes: Classes, size: Size | None, *, scored: bool) -> Form:
    form = {"semantic": LabelMap, "instance": Instances, "panoptic": Segments}[task]
    if isinstance(value, LabelMap | Instances | Segments):
        _require(isinstance(value, form), f"a {task} evaluation needs {form.__name__}, not {type(value).__name__}")
        if isinstance(value, Instances):
            _require_numbers(value)
            masks.check(value.rles, value.size)  # compiled code believes a code
        found: Form = value
    elif task == "semantic":
        found = _label_map(value, classes)
    else:
        _require(isinstance(value, Mapping), f"a {task} answer is a dict, not {type(value).__name__}")
        found = _segments(value, classes) if task == "panoptic" else _instances(value, classes, scored=scored)
    told = f"it has size {found.size[0]} x {found.size[1]}, the image {size[0]} x {size[1]}" if size else ""
    _require(size is None or found.size == size, f"{told} (height x width): answer in the image's own size")
    return found


def _label_map(value: Any, classes: Classes) -> LabelMap:
    sure = None
    if isinstance(value, Mapping):
        _only(value, "labels", "confidence")
        sure = array(value["confidence"]) if "confidence" in value else None
        value = value["labels"]
    labels = array(value)
    hint = "; take the argmax over the classes" if labels.ndim == 3 or labels.dtype.kind == "f" else ""
    shape = f"a label map has shape (H, W), and this one {labels.shape}{hint}"
    _require(labels.ndim == 2, shape)
    _require(labels.dtype.kind in "iub", f"labels are whole numbers (train ids), and these are {labels.dtype}{hint}")
    _within(labels, classes)
    labels = labels if labels.dtype in (np.uint8, np.uint16) else labels.astype(classes.dtype)
    return LabelMap(labels, confidence=sure)


def _within(labels: Array, classes: Classes) -> None:
    """Refuse labels that are no train id; quick where all are classes, as usual in predictions."""
    low, high = int(labels.min(initial=0)), int(labels.max(initial=0))
    if low >= 0 and high < len(classes):
        return
    wrong = (labels >= len(classes)) & (labels != classes.ignore)
    if low < 0 or bool(wrong.any()):
        value = low if low < 0 else labels[wrong][0]
        raise InputError(
            f"the label {value} is none of the train ids 0 to {len(classes) - 1}, nor {classes.ignore} for no class"
        )


def _instances(value: Mapping[str, Any], classes: Classes, *, scored: bool) -> Instances:
    """Boxes come as x1, y1, x2, y2 (torchvision's xyxy); without boxes they are those of the masks."""
    _only(value, "masks", "classes", "labels", "scores", "boxes", "iscrowd", "area")
    _require("masks" in value, "an instance answer is a dict with masks, classes and scores; masks are missing")
    planes = array(value["masks"])
    if planes.ndim == 4 and planes.shape[1] == 1:
        planes = planes[:, 0]
    _require(planes.ndim == 3, f"masks have shape (G, H, W), and these {planes.shape}")
    found = _classes(array(value["classes"] if "classes" in value else value.get("labels", [])), classes)
    _require(len(found) == len(planes), f"{len(planes)} masks but {len(found)} classes; each object needs one of both")
    _require("scores" in value or not scored, "detections need scores, (G,) numbers by which they are ranked")
    # Masks of torchvision's networks are probabilities; its own threshold is .5.
    rles = masks.encode_many(planes > 0.5 if planes.dtype.kind == "f" else planes != 0)
    areas = array(value["area"]).astype(np.float64) if "area" in value else masks.areas(rles)
    boxes = masks.boxes(rles)
    if "boxes" in value:
        corners = array(value["boxes"]).astype(np.float64).reshape(-1, 4)
        boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
        wrong = "boxes are x1, y1, x2, y2 with x2 > x1 and y2 > y1; these look like x, y, width, height"
        _require(bool((boxes[:, 2:] >= 0).all()), wrong)
    made = Instances(
        size=(planes.shape[1], planes.shape[2]),
        classes=found,
        rles=rles,
        areas=areas,
        boxes=boxes,
        scores=array(value["scores"]).astype(np.float64).reshape(-1) if "scores" in value else None,
        crowd=array(value.get("iscrowd", np.zeros(len(found)))).astype(bool),
    )
    _require_numbers(made)
    return made


def _require_numbers(found: Instances) -> None:
    """Refuse boxes and areas from which no overlap follows."""
    boxes, areas = np.asarray(found.boxes, dtype=np.float64), np.asarray(found.areas, dtype=np.float64)
    _require(bool((np.abs(boxes) <= FARTHEST).all()), "a box with a NaN, or one that lies in no image")
    _require(bool(np.isfinite(areas).all()), "an area that is NaN or infinite")


def _segments(value: Mapping[str, Any], classes: Classes) -> Segments:
    """`segments` is {id: train id}, or a list of dicts with `id`, `class` and, in truths, `iscrowd`."""
    _only(value, "ids", "segments")
    _require({"ids", "segments"} <= set(value), "a panoptic answer is a dict with ids (H, W) and segments")
    ids, listed = array(value["ids"]), value["segments"]
    _require(ids.dtype.kind in "iu", f"ids are whole numbers, and these are {ids.dtype}")
    if isinstance(listed, Mapping):
        listed = [{"id": number, "class": train_id} for number, train_id in listed.items()]
    for entry in listed:
        _only(entry, "id", "class", "iscrowd")
    numbers = np.array([int(entry["id"]) for entry in listed], dtype=np.int64)
    there = np.unique(ids)
    unlisted = np.setdiff1d(there, [0, *numbers])
    _require(not unlisted.size, f"the id {unlisted[0] if unlisted.size else 0} is in ids and not in segments")
    kept = np.isin(numbers, there)
    found = _classes(np.array([entry["class"] for entry in listed]), classes)
    crowd = np.array([bool(entry.get("iscrowd", False)) for entry in listed], dtype=bool)
    # A segment without a pixel says nothing of the image.
    return Segments(ids=ids.astype(np.int64), segment_ids=numbers[kept], classes=found[kept], crowd=crowd[kept])


def _classes(found: Array, classes: Classes) -> Array:
    flat = found.reshape(-1)
    if not flat.size:
        return np.zeros(0, dtype=np.int64)
    _require(flat.dtype.kind in "iu", f"classes are whole numbers (train ids), and these are {flat.dtype}")
    wrong = flat[(flat < 0) | (flat >= len(classes))]
    _require(not wrong.size, f"the class {wrong[0] if wrong.size else 0} is no train id 0 to {len(classes) - 1}")
    return flat.astype(np.int64)


def _only(value: Mapping[str, Any] | Any, *known: str) -> None:
    _require(isinstance(value, Mapping), f"a dict with {', '.join(known)} is needed, not {type(value).__name__}")
    unknown = [key for key in value if key not in known]
    _require(not unknown, f"a dict with the key {unknown[0] if unknown else ''!r}: known are {', '.join(known)}")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InputError(message)


def batch(value: Any, task: str) -> Sequence[Any]:
    """The images of a batch: (N, H, W) labels or a list; one image is a batch of one."""
    if isinstance(value, list | tuple):
        return value
    if task == "semantic" and not isinstance(value, Mapping | LabelMap):
        found = array(value)
        return list(found) if found.ndim == 3 else [found]
    return [value]
