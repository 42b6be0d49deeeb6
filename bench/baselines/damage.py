"""Controlled damage to predictions: regions that shrink, move, or change their class.

The size of the error is known in advance, so that tests can expect a score, and users can see how
small an error their data set reveals. This module knows only arrays and the class table;
`baselines` decides what is damaged, and by how much.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from bench import masks
from bench.classes import Classes
from bench.samples import Array, Instances, LabelMap, Segments

Form: TypeAlias = LabelMap | Instances | Segments


def eroded(prediction: Form, classes: Classes, pixels: float, _: np.random.Generator) -> Form:
    """Shrink objects of thing classes by `pixels` (8-neighbourhood); objects that become empty are
    removed.

    In a label map, each pixel takes the first class within that distance: stuff before things, then
    by train id; void stays void. Pixels that segments lose become void.
    """
    width = 2 * int(pixels) + 1
    if isinstance(prediction, Instances):
        return _with_masks(
            prediction, [_minimum(masks.decode(rle), width) for rle in prediction.rles]
        )
    if isinstance(prediction, Segments):
        things = prediction.segment_ids[classes.things[prediction.classes]]
        inner = _minimum(prediction.ids, width) == -_minimum(
            -prediction.ids.astype(np.int64), width
        )
        return _with_ids(
            prediction, np.where(inner | ~np.isin(prediction.ids, things), prediction.ids, 0)
        )
    order = np.argsort(classes.things, kind="stable")
    ranks = np.full(classes.ignore + 1, len(order))
    ranks[order] = np.arange(len(order))
    first = np.append(order, classes.ignore)[_minimum(ranks[prediction.labels], width)]
    labels = np.where(ranks[prediction.labels] < len(order), first, prediction.labels)
    return LabelMap(labels.astype(prediction.labels.dtype))


def shifted(prediction: Form, classes: Classes, pixels: float, _: np.random.Generator) -> Form:  # noqa: ARG001 - same signature
    """Move everything to the right by `pixels`; the left edge is filled with the first column.

    The left edge of object masks is filled with background; objects that leave the image are
    removed.
    """
    step = int(pixels)
    if isinstance(prediction, Instances):
        decoded = [_moved(masks.decode(rle), step) for rle in prediction.rles]
        for mask in decoded:
            mask[:, :step] = False
        return _with_masks(prediction, decoded)
    if isinstance(prediction, Segments):
        return _with_ids(prediction, _moved(prediction.ids, step))
    return LabelMap(_moved(prediction.labels, step))


def flipped(
    prediction: Form, classes: Classes, probability: float, generator: np.random.Generator
) -> Form:
    """Change the class of each object, segment, or class of a label map with probability
    `probability`.

    A thing class becomes another thing class, a stuff class another stuff class; the only class of
    its kind does not change. All segments of one stuff class change together.
    """
    redrawn = _redrawn(np.arange(len(classes)), classes, probability, generator)
    if isinstance(prediction, LabelMap):
        table = np.arange(classes.ignore + 1)
        table[: len(classes)] = redrawn
        return LabelMap(table[prediction.labels].astype(prediction.labels.dtype))
    separate = _redrawn(prediction.classes, classes, probability, generator)
    if isinstance(prediction, Instances):
        return Instances(
            prediction.size,
            separate,
            prediction.rles,
            prediction.areas,
            prediction.boxes,
            prediction.scores,
            prediction.crowd,
        )
    drawn = np.where(classes.things[prediction.classes], separate, redrawn[prediction.classes])
    return Segments(prediction.ids, prediction.segment_ids, drawn, prediction.crowd)


def _redrawn(
    labels: Array, classes: Classes, probability: float, generator: np.random.Generator
) -> Array:
    """The train ids (N,); each changes to another of its kind (thing or stuff) with
    `probability`.
    """
    hit, draws = generator.random(len(labels)) < probability, generator.random(len(labels))
    drawn = np.asarray(labels, dtype=np.int64).copy()
    for index in np.flatnonzero(hit):
        label = drawn[index]
        same_kind = np.flatnonzero(classes.things == classes.things[label])
        others = same_kind[same_kind != label]
        if len(others):
            drawn[index] = others[int(draws[index] * len(others))]
    return drawn


def _minimum(values: Array, width: int) -> Array:
    """The minimum in the square of this width around each pixel, clipped to the image."""
    from scipy import ndimage

    return np.asarray(ndimage.minimum_filter(values, size=width, mode="nearest"))


def _moved(values: Array, step: int) -> Array:
    """The array moved to the right by `step` columns; the first column fills the gap."""
    return values[:, np.maximum(np.arange(values.shape[1]) - step, 0)]


def _with_masks(prediction: Instances, decoded: Sequence[Array]) -> Instances:
    """The objects with new masks (H, W); objects with empty masks are removed."""
    kept = [index for index, mask in enumerate(decoded) if mask.any()]
    rles = [masks.encode(decoded[index]) for index in kept]
    return Instances(
        size=prediction.size,
        classes=prediction.classes[kept],
        rles=rles,
        areas=masks.areas(rles),
        boxes=masks.boxes(rles),
        scores=None if prediction.scores is None else prediction.scores[kept],
        crowd=prediction.crowd[kept],
    )


def _with_ids(prediction: Segments, ids: Array) -> Segments:
    """The segments on a new id map; segments without a pixel are removed."""
    kept = np.isin(prediction.segment_ids, np.unique(ids))
    return Segments(
        ids.astype(prediction.ids.dtype),
        prediction.segment_ids[kept],
        prediction.classes[kept],
        prediction.crowd[kept],
    )
