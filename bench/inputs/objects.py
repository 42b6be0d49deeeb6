"""Objects from users: torchvision's dicts, lists in COCO's form, maps of transformers, with or
without masks.

Objects with boxes only do not contain the size of their image: their size is `NO_MASKS`, and only
boxes can be scored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import masks
from bench.errors import InputError
from bench.inputs import object_masks, segments
from bench.inputs.arrays import array, whole
from bench.inputs.class_ids import train_ids
from bench.inputs.object_masks import NO_MASKS, Size
from bench.samples import Array, Instances

if TYPE_CHECKING:
    from bench.classes import Classes
    from bench.inputs import Reading

FARTHEST = 1e9
"""No corner or side of a valid box is farther from the origin, in pixels."""
NOWHERE = "a box contains NaN or is outside any image"
KEYS = ("masks", "boxes", "labels", "scores", "iscrowd", "area", "classes", "image_id")


@dataclass(frozen=True, eq=False)
class _Columns:
    """The data of G objects: class numbers (G,), masks in any form, boxes (G, 4) as x, y, width,
    height.

    Boxes and `areas` (G,) are NaN if an object has none. `segmentations` are masks in COCO's form.
    """

    numbers: Array
    masks: Any
    boxes: Array | None
    scores: Array | None
    crowd: Array | None
    areas: Array | None
    segmentations: Sequence[Any] | None = None


def instances(
    value: Any, classes: Classes, reading: Reading, size: Size | None, *, scored: bool
) -> Instances:
    """The objects of one image.

    Raises:
        InputError: unknown or missing keys, columns of unequal length, or a damaged mask.
    """
    space: str = reading.space
    if is_coco(value):
        columns, space = _of_coco(value), "ids"
    elif isinstance(value, Mapping) and "segments_info" in value:
        columns, space = _of_id_map(value, space)
    else:
        columns = _of_dict(value)
    if scored and columns.scores is None:
        raise InputError("detections need scores, (G,) numbers for their ranking")
    as_train_ids, kept = train_ids(columns.numbers, classes, ids=space == "ids", hint=reading.open)
    return _made(columns, as_train_ids, kept, size, predicted=scored)


def is_coco(value: Any) -> bool:
    """Whether these are annotations or results of one image in COCO's form; the list may be
    empty.
    """
    return isinstance(value, list | tuple) and all(
        isinstance(entry, Mapping) and "category_id" in entry for entry in value
    )


def without_masks(instances: Instances) -> Instances:
    """The same objects with their boxes only."""
    return replace(instances, size=NO_MASKS, rles=object_masks.none(len(instances)))


def _made(
    columns: _Columns, as_train_ids: Array, kept: Array, size: Size | None, *, predicted: bool
) -> Instances:
    count, marks = len(kept), None
    if columns.segmentations is None:
        rles, size = object_masks.codes(columns.masks, size, count)
    else:
        sides = np.full((count, 4), np.nan) if columns.boxes is None else columns.boxes
        rles, size, marks = object_masks.of_segmentations(
            columns.segmentations, sides, size, cut=predicted
        )
    boxes = masks.boxes(rles) if columns.boxes is None else columns.boxes
    _same_lengths(columns, count, masks=len(rles), boxes=len(boxes))
    if np.isnan(boxes).any():
        boxes = np.where(np.isnan(boxes), masks.boxes(rles), boxes)
    areas = boxes[:, 2] * boxes[:, 3] if size == NO_MASKS else masks.areas(rles)
    if columns.areas is not None:
        areas = np.where(np.isnan(columns.areas), areas, columns.areas)
    if (areas < 0).any():
        raise InputError(f"areas must be 0 or more pixels, got {areas[areas < 0][0]:g}")
    made = Instances(
        size=size,
        classes=as_train_ids[kept],
        rles=[rle for rle, yes in zip(rles, kept.tolist(), strict=True) if yes],
        areas=areas[kept],
        boxes=boxes[kept],
        scores=None if columns.scores is None else columns.scores[kept],
        crowd=np.zeros(int(kept.sum()), dtype=bool)
        if columns.crowd is None
        else columns.crowd[kept],
        marks=None if marks is None else marks[kept],
    )
    require_numbers(made)
    return made


def require_numbers(objects: Instances) -> None:
    """Refuse boxes and areas for which no overlap can be computed.

    Raises:
        InputError: the first such object.
    """
    boxes, areas = (
        np.asarray(objects.boxes, dtype=np.float64),
        np.asarray(objects.areas, dtype=np.float64),
    )
    if not (np.abs(boxes) <= FARTHEST).all():
        raise InputError(NOWHERE)
    if not np.isfinite(areas).all():
        raise InputError("areas must be finite numbers, got NaN or infinity")


def _same_lengths(columns: _Columns, count: int, **lengths: int) -> None:
    for name, column in (
        ("scores", columns.scores),
        ("iscrowd", columns.crowd),
        ("area", columns.areas),
    ):
        if column is not None:
            lengths[name] = len(column)
    for name, length in lengths.items():
        if length != count:
            raise InputError(f"got {length} {name} and {count} labels; pass one of each per object")


def _of_dict(value: Any) -> _Columns:
    if hasattr(value, "xyxy") and hasattr(value, "class_id"):  # Detections of supervision
        value = {
            "boxes": value.xyxy,
            "masks": value.mask,
            "labels": value.class_id,
            "scores": value.confidence,
        }
    if not isinstance(value, Mapping):
        raise InputError(
            f"the objects of an image must be a dict with {', '.join(KEYS[:4])}, got "
            f"{type(value).__name__}"
        )
    unknown = [key for key in value if key not in KEYS]
    if unknown:
        raise InputError(f"unknown key {unknown[0]!r} in a dict; the keys are {', '.join(KEYS)}")
    labels = value.get("labels") if value.get("labels") is not None else value.get("classes")
    if value.get("masks") is None and value.get("boxes") is None:
        raise InputError("objects need masks or boxes, and this dict has neither")
    if labels is None:
        raise InputError("objects need labels, (G,) whole numbers, and this dict has none")
    crowd = _column(value, "iscrowd")
    return _Columns(
        numbers=whole(array(labels).reshape(-1), "classes"),
        masks=value.get("masks"),
        boxes=None if value.get("boxes") is None else _sides(value["boxes"]),
        scores=_column(value, "scores"),
        crowd=None if crowd is None else crowd.astype(bool),
        areas=_column(value, "area"),
    )


def _column(value: Mapping[str, Any], key: str) -> Array | None:
    if value.get(key) is None:
        return None
    return _floats(value[key], key)


def _floats(values: Any, what: str) -> Array:
    try:
        return array(values).astype(np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise InputError(f"{what} are numbers, one for each object") from None


def _sides(value: Any) -> Array:
    """Boxes come as x1, y1, x2, y2 (torchvision's xyxy), and are kept as x, y, width, height."""
    corners = array(value).astype(np.float64)
    if corners.size and (corners.ndim != 2 or corners.shape[1] != 4):
        raise InputError(f"boxes have shape (G, 4), and these {corners.shape}")
    corners = corners.reshape(-1, 4)
    if np.isnan(corners).any():
        raise InputError(NOWHERE)
    with np.errstate(invalid="ignore"):  # infinite corners are refused later
        sides = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    wrong = np.flatnonzero((sides[:, 2:] < 0).any(axis=1))
    if wrong.size:
        first = ", ".join(f"{number:g}" for number in corners[wrong[0]])
        ordered = "boxes must be x1, y1, x2, y2 with x2 >= x1 and y2 >= y1"
        raise InputError(f"{ordered}, and box {wrong[0]} is {first}: is this x, y, width, height?")
    return sides


def _of_coco(entries: Sequence[Mapping[str, Any]]) -> _Columns:
    """Annotations or results of one image; their boxes are x, y, width, height."""
    segmentations = [object_masks.segmentation(entry.get("segmentation")) for entry in entries]
    drawn = any(
        isinstance(segmentation, Mapping) or any(segmentation) for segmentation in segmentations
    )
    boxes = np.array([_box(entry.get("bbox")) for entry in entries]).reshape(-1, 4)
    missing = np.isnan(boxes).any(axis=1)
    if not drawn and missing.any():
        raise InputError(
            f"object {int(missing.argmax())} has neither a mask nor a box (segmentation, bbox)"
        )
    scores = [entry.get("score") for entry in entries]
    areas = [entry.get("area") for entry in entries]
    return _Columns(
        numbers=whole(
            array([entry["category_id"] for entry in entries] or np.zeros(0, np.int64)),
            "categories",
        ),
        masks=None,
        boxes=boxes,
        scores=_floats(scores, "scores") if None not in scores else None,
        crowd=np.array([bool(entry.get("iscrowd", False)) for entry in entries]),
        areas=_floats([np.nan if area is None else area for area in areas], "areas"),
        segmentations=segmentations if drawn else None,
    )


def _box(value: Any) -> Array:
    """A box x, y, width, height, (4,); NaN without a box."""
    if value is None or not len(value):
        return np.full(4, np.nan)
    sides = array(value)
    if sides.shape != (4,) or sides.dtype.kind not in "iuf":
        raise InputError(f"a bbox must be x, y, width, height, got {value}")
    if np.isnan(sides).any():
        raise InputError(NOWHERE)
    return sides


def _of_id_map(value: Mapping[str, Any], space: str) -> tuple[_Columns, str]:
    """The objects of a map of ids, or of a stack of planes, from
    post_process_instance_segmentation.
    """
    entries, key, space = segments.entries_of(value, space)
    if value.get("segmentation") is None:
        raise InputError(
            "segments_info needs the key segmentation too, the map of their ids (H, W)"
        )
    plane = whole(array(value["segmentation"]), "ids of segments")
    numbers = segments.numbers([entry["id"] for entry in entries], "ids of segments")
    planes = plane if plane.ndim == 3 else masks.encode_ids(plane.astype(np.int64), numbers)
    columns = _Columns(
        numbers=segments.numbers([entry[key] for entry in entries], "classes"),
        masks=planes if plane.ndim == 3 or entries else np.zeros((0, *plane.shape)),
        boxes=None,
        scores=_floats([entry["score"] for entry in entries], "scores")
        if all("score" in e for e in entries)
        else None,
        crowd=None,
        areas=None,
    )
    return columns, space
