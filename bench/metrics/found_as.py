"""The classes that objects and segments are predicted as, in images where few of them match.

Matching compares objects within a class only. So predictions with wrong class numbers match
nothing, although they may be in the right places. This table shows such mistakes; no score uses it.
It has rows only for images in which few objects match. In the others the matches themselves show
the classes, and looking closer would cost time for nothing.
"""

from __future__ import annotations

import numpy as np

from bench import kernels
from bench.metrics.label_space import Votes
from bench.metrics.matching import Groups
from bench.metrics.overlaps import Overlaps
from bench.samples import Array, Table
from bench.samples.columns import IMAGE_SHIFT, DetectionColumns, TruthColumns

TABLE = "found_as"
OVERLAP = 0.5
"""Boxes with at least this IoU are taken for the same object."""
MAX_DETECTIONS = 50
"""The number of highest-scoring detections of an image that are looked at."""
ENOUGH = 0.75
"""Images in which this fraction of the objects matches need no closer look."""
_BITS = 16
"""Bits of a class in a key."""


def of_objects(
    truth: TruthColumns, detections: DetectionColumns, matches: Table, truths: Table
) -> Table:
    """Return the table of N images, from their columns and match tables.

    Columns: image (int32), truth and found (int16: classes), objects (int32). An object is found as
    the class of the highest-scoring detection whose box has an IoU of at least .5 with its own.
    """
    doubtful = _doubtful(_matched(matches, truth.images), _objects(truths, truth.images))
    ignored = truth.crowd if truth.ignore is None else truth.crowd | truth.ignore
    objects = ~ignored & doubtful[truth.image]
    candidates = np.flatnonzero(doubtful[detections.image])
    if not objects.any() or not len(candidates):
        return _table(np.zeros((4, 0), dtype=np.int64))
    groups = _by_image(truth, detections, np.flatnonzero(objects), candidates)
    overlaps = kernels.box_overlaps(
        detections.boxes,
        truth.boxes,
        np.zeros(len(truth), dtype=bool),
        detection_rows=groups.detection_rows,
        truth_rows=groups.truth_rows,
        spans=groups.spans,
    )
    # Pairs are sorted by falling score within an image, so the first pair of an object is that of
    # its highest-scoring detection.
    detection_rows, truth_rows = _pairs(groups, np.flatnonzero(overlaps >= OVERLAP))
    matched, first = np.unique(truth_rows, return_index=True)
    classes = detections.classes[detection_rows[first]]
    return _counted(truth.image[matched], truth.classes[matched], classes)


def of_segments(pairs: Overlaps, table: Table, positions: Array) -> Table:
    """Return the table of several images, from their table of segments at these `positions`.

    A segment is found as the class of the predicted segment that has an IoU above .5 with it.
    """
    images = len(positions)
    image_of_row = (
        np.searchsorted(positions, table["image"])
        if images > 1
        else np.zeros(len(table["image"]), dtype=np.int64)
    )
    tp, fn = (np.bincount(image_of_row, table[name], images) for name in ("tp", "fn"))
    doubtful = _doubtful(tp, tp + fn)
    if not doubtful.any():
        return _table(np.zeros((4, 0), dtype=np.int64))
    true_segments, predicted_segments = pairs.true_segments, pairs.predicted_segments
    both = np.flatnonzero((pairs.truth >= 0) & (pairs.predicted >= 0))
    truth, predicted = pairs.truth[both], pairs.predicted[both]
    image = true_segments.keys[truth] >> IMAGE_SHIFT
    wanted = ~true_segments.crowd[truth] & doubtful[image]
    truth, predicted, image = truth[wanted], predicted[wanted], image[wanted]
    good = pairs.ious(truth, predicted) > OVERLAP
    return _counted(
        positions[image[good]],
        true_segments.classes[truth[good]],
        predicted_segments.classes[predicted[good]],
    )


def votes_of_objects(
    table: Table, matches: Table, truths: Table, values: Array, images: int
) -> Votes:
    """Return the classes that the objects of all images are found as.

    They come from the table for doubtful images, and from the matches, as their own class, for
    others.
    """
    matched, objects = _matched(matches, images), _objects(truths, images)
    clear = ~_doubtful(matched, objects)[matches["image"]]
    agreeing = matches["class"][_is_matched(matches) & clear]
    of_all_sizes = (truths["size"] == 0) & (truths["objects"] > 0)
    return _votes(
        table, np.bincount(agreeing, minlength=len(values)), values, truths["class"][of_all_sizes]
    )


def votes_of_segments(table: Table, segments: Table, values: Array, images: int) -> Votes:
    """Return the classes that the segments of all images are found as."""
    tp, fn = (np.bincount(segments["image"], segments[name], images) for name in ("tp", "fn"))
    clear = ~_doubtful(tp, tp + fn)[segments["image"]]
    agreeing = np.bincount(segments["class"][clear], segments["tp"][clear], len(values))
    return _votes(table, agreeing, values, segments["class"][segments["tp"] + segments["fn"] > 0])


def _votes(table: Table, agreeing: Array, values: Array, truth_classes: Array) -> Votes:
    classes = len(values)
    # Matches are by class: in clear images, objects are found as their own class.
    counts = np.diag(agreeing.astype(np.float64))
    np.add.at(
        counts, (table["truth"].astype(np.int64), table["found"].astype(np.int64)), table["objects"]
    )
    return Votes(counts, values, np.arange(classes), np.bincount(truth_classes, minlength=classes))


def _doubtful(matched: Array, objects: Array) -> Array:
    """Return the images in which too few objects match."""
    return np.asarray(matched < ENOUGH * objects)


def _is_matched(matches: Table) -> Array:
    """Return which detections are right at the first threshold and for all sizes: bit 0."""
    return (matches["matched"] & ~matches["ignored"] & np.uint64(1)).astype(bool)


def _matched(matches: Table, images: int) -> Array:
    return np.bincount(matches["image"][_is_matched(matches)], minlength=images)


def _objects(truths: Table, images: int) -> Array:
    of_all_sizes = truths["size"] == 0
    return np.bincount(truths["image"][of_all_sizes], truths["objects"][of_all_sizes], images)


def _by_image(
    truth: TruthColumns, detections: DetectionColumns, objects: Array, candidates: Array
) -> Groups:
    """Group objects with the highest-scoring candidates of the same image, whatever their classes.

    `objects` and `candidates` are rows of truth and detections.
    """
    images = detections.image[candidates]
    rows = candidates[
        kernels.order_groups(images, np.zeros_like(images), detections.scores[candidates])
    ]
    truth_rows = objects[np.argsort(truth.image[objects], kind="stable")]
    images = detections.image[rows]
    # `images` is sorted: the first position of each image is where its detections begin.
    starts = np.searchsorted(images, images, side="left")
    rank = np.arange(len(rows)) - starts
    rows, rank = rows[rank < MAX_DETECTIONS], rank[rank < MAX_DETECTIONS]
    numbers, first, sizes = np.unique(detections.image[rows], return_index=True, return_counts=True)
    low, high = (
        np.searchsorted(truth.image[truth_rows], numbers, side=side) for side in ("left", "right")
    )
    spans = np.stack([first, first + sizes, low, high], axis=1).astype(np.int64)
    return Groups(rows.astype(np.int64), truth_rows.astype(np.int64), spans, rank.astype(np.uint16))


def _pairs(groups: Groups, positions: Array) -> tuple[Array, Array]:
    """Return the rows of detections and objects of pairs, by their positions in the flat overlaps.

    The overlaps of a group with D detections and G objects are a block of D x G numbers, row by
    row. So the position within a block is d * G + g, and `divmod` by G gives both.
    """
    objects = groups.spans[:, 3] - groups.spans[:, 2]
    ends = np.cumsum((groups.spans[:, 1] - groups.spans[:, 0]) * objects)
    group = np.searchsorted(ends, positions, side="right")
    within = positions - np.append(0, ends)[group]
    d, g = np.divmod(within, objects[group])
    spans = groups.spans[group]
    return groups.detection_rows[spans[:, 0] + d], groups.truth_rows[spans[:, 2] + g]


def _counted(image: Array, truth: Array, predicted: Array) -> Table:
    # Image, true class and predicted class share one 64-bit key, so that one sort counts them.
    keys = (
        (image.astype(np.int64) << 2 * _BITS)
        | (truth.astype(np.int64) << _BITS)
        | predicted.astype(np.int64)
    )
    unique, objects = np.unique(keys, return_counts=True)
    mask = (1 << _BITS) - 1
    return _table(np.stack([unique >> 2 * _BITS, (unique >> _BITS) & mask, unique & mask, objects]))


def _table(rows: Array) -> Table:
    types = {"image": np.int32, "truth": np.int16, "found": np.int16, "objects": np.int32}
    return {name: row.astype(dtype) for (name, dtype), row in zip(types.items(), rows, strict=True)}
