"""Panoptic maps from users: ids (H, W) with a list of segments, in bench's form, transformers' or
COCO's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import InputError
from bench.inputs.arrays import array, whole
from bench.inputs.class_ids import train_ids
from bench.samples import Array, Segments

if TYPE_CHECKING:
    from bench.classes import Classes
    from bench.inputs import Reading

MAPS = ("ids", "segmentation")
LISTS = ("segments", "segments_info")
CLASS_KEYS = ("class", "label_id", "category_id")
_MORE = ("id", "iscrowd", "area", "bbox", "isthing", "score", "was_fused", "instance_id")
"""Other keys that entries may have; only `id` and `iscrowd` are used."""


def panoptic(value: Any, classes: Classes, reading: Reading, *, truth: bool) -> Segments:
    """The panoptic map of one image.

    A `category_id` is an id of the card; `class` and `label_id` are train ids, or ids if the label
    space is "ids".

    Raises:
        InputError: unknown or missing keys, ids that are not in the list, or an unknown class.
    """
    if not isinstance(value, Mapping):
        raise InputError(
            "a panoptic map must be a dict with ids, (H, W), and segments, got "
            f"{type(value).__name__}"
        )
    unknown = [key for key in value if key not in (*MAPS, *LISTS, "image_id", "file_name")]
    if unknown:
        raise InputError(
            f"unknown key {unknown[0]!r} in a dict; the keys are {', '.join((*MAPS, *LISTS))}"
        )
    plane = next((value[key] for key in MAPS if key in value), None)
    if plane is None or not set(LISTS) & set(value):
        raise InputError("a panoptic map must be a dict with ids, (H, W), and segments")
    entries, key, space = entries_of(value, reading.space)
    numbers_in_list = numbers([entry["id"] for entry in entries], "ids of segments")
    ids, listed = _void_is_zero(
        _ids(array(plane)), numbers_in_list, void=value.get("segmentation") is not None
    )
    ids_in_map = np.unique(ids)
    unlisted = np.setdiff1d(ids_in_map, [0, *listed])
    if unlisted.size:
        shift = int(listed[0] - numbers_in_list[0]) if len(numbers_in_list) else 0
        raise InputError(
            f"the id {unlisted[0] - shift} is in the map but not in its list of segments"
        )
    given = numbers([entry[key] for entry in entries], "classes")
    as_train_ids, scored = train_ids(given, classes, ids=space == "ids", hint=reading.open)
    if not truth and not scored.all():
        name = classes.name_of(int(given[int(np.argmin(scored))]))
        raise InputError(
            f"a predicted segment is of {name}, which is not scored: leave such segments out"
        )
    crowd = np.array([bool(entry.get("iscrowd", False)) for entry in entries], dtype=bool)
    ids = np.where(np.isin(ids, listed[~scored]), 0, ids) if not scored.all() else ids
    # A segment without pixels is not counted.
    kept = np.isin(listed, ids_in_map) & scored
    return Segments(
        ids=ids, segment_ids=listed[kept], classes=as_train_ids[kept], crowd=crowd[kept]
    )


def entries_of(
    value: Mapping[str, Any], space: str
) -> tuple[Sequence[Mapping[str, Any]], str, str]:
    """The segments as a list of dicts, the key of their classes, and the label space of these.

    Raises:
        InputError: keys that are unknown, or no class.
    """
    listed = next(value[key] for key in LISTS if key in value)
    if isinstance(listed, Mapping):
        listed = [{"id": number, "class": train_id} for number, train_id in listed.items()]
    if not isinstance(listed, list | tuple):
        raise InputError(
            "segments must be a list of dicts, or a dict from id to class, got "
            f"{type(listed).__name__}"
        )
    key = next(
        (
            each
            for each in CLASS_KEYS
            if any(isinstance(entry, Mapping) and each in entry for entry in listed)
        ),
        CLASS_KEYS[0],
    )
    for entry in listed:
        if not isinstance(entry, Mapping):
            raise InputError(
                f"every segment must be a dict with id and {key}, got {type(entry).__name__}"
            )
        unknown = [each for each in entry if each not in (*CLASS_KEYS, *_MORE)]
        if unknown:
            raise InputError(
                f"unknown key {unknown[0]!r} in a segment; the keys are "
                f"{', '.join((*CLASS_KEYS, *_MORE))}"
            )
        if not {"id", key} <= set(entry):
            raise InputError(f"every segment must be a dict with id and {key}")
    return listed, key, "ids" if key == "category_id" else space


def _ids(plane: Array) -> Array:
    if plane.ndim == 3 and plane.shape[2] == 3 and plane.dtype == np.uint8:
        # A PNG in COCO's panoptic form: id = R + 256 G + 256^2 B.
        colors = plane.astype(np.int64)
        return np.asarray(colors[..., 0] + (colors[..., 1] << 8) + (colors[..., 2] << 16))
    if plane.ndim != 2:
        raise InputError(f"ids must have the shape (H, W), got {plane.shape}")
    return whole(plane, "ids").astype(np.int64)


def _void_is_zero(ids: Array, numbers: Array, *, void: bool) -> tuple[Array, Array]:
    """Number the segments from 1, with void as 0; in transformers void may be -1 and ids may start
    at 0.
    """
    if not void or (int(min(ids.min(initial=0), numbers.min(initial=0))) >= 0 and 0 not in numbers):
        return ids, numbers
    if 0 in numbers:
        return np.where(ids < 0, 0, ids + 1), numbers + 1
    return np.where(ids < 0, 0, ids), numbers


def numbers(listed: Sequence[Any], what: str) -> Array:
    """Whole numbers as an array (G,); each may be a tensor.

    Raises:
        InputError: other numbers, or not numbers; `what` is their name in the message.
    """
    return whole(
        np.array([array(number).item() for number in listed] or np.zeros(0, np.int64)), what
    )
