"""Controlled damage to what is right: regions that shrink, move, or bear a wrong class, in each of the three forms.

What is wrong, and by how much, is known: for tests, floors, and for how small a damage a data set can show. This module
knows arrays and the class table; what is damaged, and by how much, is the business of `baselines`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from bench import masks
from bench.classes import Classes
from bench.samples import Array, Instances, LabelMap, Segments

Form: TypeAlias = LabelMap | Instances | Segments


def eroded(found: Form, classes: Classes, pixels: float, _: np.random.Generator) -> Form:
    """Shrink what is countable by so many pixels, counted to all eight neighbours; what vanishes is gone.

    In a label map each pixel takes the first of the classes within that distance, where uncountable classes come before
    countable ones and smaller train ids before larger ones; void stays void. Segments leave void behind.
    """
    width = 2 * int(pixels) + 1
    if isinstance(found, Instances):
        return _with_masks(found, [_least(masks.decode(rle), width) for rle in found.rles])
    if isinstance(found, Segments):
        things = found.segment_ids[classes.things[found.classes]]
        inner = _least(found.ids, width) == -_least(-found.ids.astype(np.int64), width)
        return _with_ids(found, np.where(inner | ~np.isin(found.ids, things), found.ids, 0))
    order = np.argsort(classes.things, kind="stable")
    ranks = np.full(classes.ignore + 1, len(order))
    ranks[order] = np.arange(len(order))
    first = np.append(order, classes.ignore)[_least(ranks[found.labels], width)]
    labels = np.where(ranks[found.labels] < len(order), first, found.labels)
    return LabelMap(labels.astype(found.labels.dtype))


def shifted(found: Form, classes: Classes, pixels: float, _: np.random.Generator) -> Form:  # noqa: ARG001 - as others
    """Move everything to the right by so many pixels; what enters at the left repeats the first column.

    Of objects nothing enters, and those that leave the image altogether are gone.
    """
    step = int(pixels)
    if isinstance(found, Instances):
        whole = [_moved(masks.decode(rle), step) for rle in found.rles]
        for mask in whole:
            mask[:, :step] = False
        return _with_masks(found, whole)
    if isinstance(found, Segments):
        return _with_ids(found, _moved(found.ids, step))
    return LabelMap(_moved(found.labels, step))


def flipped(found: Form, classes: Classes, share: float, generator: np.random.Generator) -> Form:
    """Give each object, each segment, or each class of a label map, with the probability `share`, another class.

    It is drawn from those that are alike: countable ones for a countable class, others for another; a class that is the
    only one of its kind stays. Segments of one uncountable class stay one.
    """
    redrawn = _redrawn(np.arange(len(classes)), classes, share, generator)
    if isinstance(found, LabelMap):
        table = np.arange(classes.ignore + 1)
        table[: len(classes)] = redrawn
        return LabelMap(table[found.labels].astype(found.labels.dtype))
    alone = _redrawn(found.classes, classes, share, generator)
    if isinstance(found, Instances):
        return Instances(found.size, alone, found.rles, found.areas, found.boxes, found.scores, found.crowd)
    drawn = np.where(classes.things[found.classes], alone, redrawn[found.classes])
    return Segments(found.ids, found.segment_ids, drawn, found.crowd)


def _redrawn(labels: Array, classes: Classes, share: float, generator: np.random.Generator) -> Array:
    """Train ids, each with the probability `share` another one of its kind."""
    hit, draws = generator.random(len(labels)) < share, generator.random(len(labels))
    drawn = np.asarray(labels, dtype=np.int64).copy()
    for position in np.flatnonzero(hit):
        label = drawn[position]
        alike = np.flatnonzero(classes.things == classes.things[label])
        others = alike[alike != label]
        if len(others):
            drawn[position] = others[int(draws[position] * len(others))]
    return drawn


def _least(values: Array, width: int) -> Array:
    """The least value in the square of this width around each pixel, within the image."""
    from scipy import ndimage

    return np.asarray(ndimage.minimum_filter(values, size=width, mode="nearest"))


def _moved(values: Array, step: int) -> Array:
    return values[:, np.maximum(np.arange(values.shape[1]) - step, 0)]


def _with_masks(found: Instances, whole: Sequence[Array]) -> Instances:
    """The objects with other masks, without those that are empty now."""
    kept = [position for position, mask in enumerate(whole) if mask.any()]
    rles = [masks.encode(whole[position]) for position in kept]
    return Instances(
        size=found.size,
        classes=found.classes[kept],
        rles=rles,
        areas=masks.areas(rles),
        boxes=masks.boxes(rles),
        scores=None if found.scores is None else found.scores[kept],
        crowd=found.crowd[kept],
    )


def _with_ids(found: Segments, ids: Array) -> Segments:
    """The segments on another map, without those that are gone."""
    kept = np.isin(found.segment_ids, np.unique(ids))
    return Segments(ids.astype(found.ids.dtype), found.segment_ids[kept], found.classes[kept], found.crowd[kept])
