"""One form of truth made from another: classes from segments, objects from segments or id maps,
segments from objects.

Every function makes one pass over the pixels and then works on runs and small tables. It knows
arrays, never files. Objects come sorted by class, then by their id; their areas are pixels and
their boxes are tight.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench import masks
from bench.classes import Classes
from bench.errors import DataError
from bench.samples import Array, Instances, LabelMap, Rle, Segments

_LARGEST_TABLE = 1 << 26


def semantic_from_segments(segments: Segments, classes: Classes) -> LabelMap:
    """Give every pixel the class of its segment, crowds too; void becomes `ignore`.

    >>> from bench.classes import Class
    >>> classes = Classes((Class(7, "road", 0), Class(26, "car", 1, thing=True)))
    >>> two = Segments(np.array([[0, 9, 4]]), np.array([4, 9]), np.array([0, 1]), np.zeros(2, bool))
    >>> semantic_from_segments(two, classes).labels.tolist()
    [[255, 1, 0]]
    """
    table = np.append(classes.ignore, segments.classes).astype(classes.dtype)
    return LabelMap(table[positions(segments.ids, segments.segment_ids)])


def instances_from_segments(segments: Segments, things: Array) -> Instances:
    """Return the segments of countable classes as objects; `things` (C,) says which classes are
    countable.
    """
    rows = np.flatnonzero(np.asarray(things, dtype=bool)[segments.classes.astype(np.int64)])
    rows = rows[np.lexsort((segments.segment_ids[rows], segments.classes[rows]))]
    rles = masks.encode_ids(segments.ids, segments.segment_ids[rows])
    return instances_from_rles(
        segments.size, segments.classes[rows], rles, crowd=segments.crowd[rows]
    )


def instances_from_object_map(
    objects: Array, labels: Array, classes: Classes, void: Sequence[int] = (0,), *, where: str = ""
) -> Instances:
    """Return the objects of an id map, (H, W), with the classes that most of their pixels carry in
    `labels`, (H, W).

    `labels` holds train ids and `ignore`; values of `objects` in `void` are not objects, and pixels
    of a countable class outside every object are one crowd per class.

    Raises:
        DataError: an object without any pixel of a scored class; `where` names the file.
    """
    return instances_from_segments(
        segments_from_objects(objects, labels, classes, void, where=where), classes.things
    )


def segments_from_objects(
    objects: Array, labels: Array, classes: Classes, void: Sequence[int] = (0,), *, where: str = ""
) -> Segments:
    """Return the panoptic map of an object map and a label map, both (H, W); arguments as
    `instances_from_object_map`.

    Each object is a segment with all its pixels that are not void in `labels`; each class that is
    not countable is one; pixels of a countable class outside every object are one crowd per class.
    Ids run from 1 by class and object.
    """
    if objects.shape != labels.shape:
        raise DataError(
            f"{where}: objects of shape {objects.shape} and labels of {labels.shape}: they "
            "must be equal"
        )
    numbers = np.setdiff1d(np.unique(objects), np.asarray(void))
    count = len(classes)
    # All that is needed of the pixels is one table, counted in one pass. Its cell k * (C + 1) + c
    # counts pixels of object k (0: no object) and class c (C: void):
    #
    #              road  car  void           object 1 has mostly car pixels, so it is a car;
    #   no object    90    3     2           the 3 car pixels outside objects become a crowd
    #   object 1      4   40     0
    small = np.where(labels < count, labels, count).astype(np.int64)
    owner = positions(objects, numbers).astype(np.int64)
    cells = owner * (count + 1) + small
    pixels = np.bincount(cells.ravel(), minlength=(len(numbers) + 1) * (count + 1)).reshape(
        len(numbers) + 1, count + 1
    )
    scored = pixels[:, :count]
    homeless = np.flatnonzero(scored[1:].sum(axis=1) == 0)
    if homeless.size:
        raise DataError(
            f"{where}: object {int(numbers[homeless[0]])} has no pixel of a scored class, so its "
            "class is unknown"
        )
    class_of = np.concatenate([[-1], scored[1:].argmax(axis=1)])
    countable = classes.things
    rows = [(int(c), int(k), False) for k, c in enumerate(class_of) if k and countable[c]]
    stuff = scored[~_is_object(class_of, countable)].sum(axis=0)
    rows += [(int(c), 0, bool(countable[c])) for c in np.flatnonzero(stuff)]
    rows.sort()
    table = np.zeros((len(numbers) + 1, count + 1), dtype=np.int32)
    for number, (train_id, k, _) in enumerate(rows, start=1):
        if k:
            table[k, :count] = number
        else:
            table[~_is_object(class_of, countable), train_id] = number
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Segments(
        table.ravel()[cells], np.arange(1, len(rows) + 1), columns[:, 0], columns[:, 2].astype(bool)
    )


def segments_from_instances(
    labels: LabelMap, instances: Instances, classes: Classes, *, where: str = ""
) -> Segments:
    """Return the panoptic map of a label map and of objects that do not overlap, as
    `segments_from_objects` does.
    """
    return segments_from_objects(object_map(instances), labels.labels, classes, where=where)


def object_map(instances: Instances) -> Array:
    """Draw objects into one map, (H, W) int32: 0 none, k + 1 the k-th object; no crowds, and the
    first one wins.
    """
    drawn = np.zeros(instances.size, dtype=np.int32)
    # Boxes in a truth file are drawn by hand: only the boxes of the masks hold every pixel.
    boxes = masks.boxes(instances.rles).astype(int)
    for index, (rle, (x, y, width, height)) in enumerate(zip(instances.rles, boxes, strict=True)):
        if not instances.crowd[index]:
            window = (slice(y, y + height), slice(x, x + width))
            patch = drawn[window]
            patch[masks.decode(rle)[window] & (patch == 0)] = index + 1
    return drawn


def instances_from_rles(
    size: tuple[int, int],
    classes: Array,
    rles: Sequence[Rle],
    *,
    crowd: Array | None = None,
    scores: Array | None = None,
) -> Instances:
    """Return objects whose areas and boxes are those of their masks; the order is kept."""
    return Instances(
        size=size,
        classes=np.asarray(classes, dtype=np.int64),
        rles=rles,
        areas=masks.areas(rles),
        boxes=masks.boxes(rles),
        scores=scores,
        crowd=np.zeros(len(rles), dtype=bool) if crowd is None else np.asarray(crowd, dtype=bool),
    )


def positions(ids: Array, values: Array) -> Array:
    """Replace every id, shape (H, W), by its place in `values` counted from 1; 0 where it is not
    listed.

    >>> positions(np.array([[7, 5, 6]]), np.array([5, 7])).tolist()
    [[2, 1, 0]]
    """
    largest = max(int(ids.max(initial=0)), int(np.max(values, initial=0)))
    dtype = np.uint16 if len(values) < 65535 else np.int32
    if largest < _LARGEST_TABLE:
        # The system gives pages of zeros only when they are touched: a table over 24-bit ids, most
        # of it never touched, is as fast as a small one.
        table = np.zeros(largest + 1, dtype=dtype)
        table[np.asarray(values, dtype=np.int64)] = np.arange(1, len(values) + 1)
        return np.take(table, ids)
    order = np.argsort(values, kind="stable")
    ordered = np.asarray(values)[order]
    index = np.minimum(np.searchsorted(ordered, ids), len(values) - 1)
    return np.where(ordered[index] == ids, order[index] + 1, 0).astype(dtype)


def _is_object(class_of: Array, countable: Array) -> Array:
    """Which rows (row 0 is "no object", then the objects) are objects of a countable class; the
    pixels of the others count as outside every object.
    """
    return (class_of >= 0) & countable[np.maximum(class_of, 0)]
