"""As which class objects or segments are found, where few are found as their own: what matching within classes hides.

No score is made of its table. Only images where too few of the objects are found as what they are have rows, so that it
costs next to nothing where all is well; for the others the matches themselves tell.
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
"""From which overlap of boxes on a detection lies on an object."""
MOST = 50
"""So many of the best detections of an image are looked at."""
KNOWN = 0.75
"""Images in which this share of the objects is found as what they are need no closer look."""
_BITS = 16
"""Room for a class in a key."""


def of_objects(truth: TruthColumns, detections: DetectionColumns, found: Table, truths: Table) -> Table:
    """The table of N images, from their match tables: image (int32), truth and found (int16: classes), objects (int32).

    An object is found as the class of the best detection, by score, whose box overlaps its own by half.
    """
    doubtful = _doubtful(_matched(found, truth.images), _objects(truths, truth.images))
    kept = ~(truth.crowd if truth.ignore is None else truth.crowd | truth.ignore) & doubtful[truth.image]
    seen = np.flatnonzero(doubtful[detections.image])
    if not kept.any() or not len(seen):
        return _table(np.zeros((4, 0), dtype=np.int64))
    groups = _by_image(truth, detections, np.flatnonzero(kept), seen)
    overlaps = kernels.box_overlaps(
        detections.boxes,
        truth.boxes,
        np.zeros(len(truth), dtype=bool),
        detection_rows=groups.detection_rows,
        truth_rows=groups.truth_rows,
        spans=groups.spans,
    )
    # Pairs stand by falling score within an image, so the first one of an object is that of its best detection.
    good = np.flatnonzero(overlaps >= OVERLAP)
    d, g = _pairs(groups, good)
    objects, first = np.unique(g, return_index=True)
    classes = detections.classes[d[first]]
    return _counted(truth.image[objects], truth.classes[objects], classes)


def of_segments(pairs: Overlaps, table: Table, positions: Array) -> Table:
    """The table of several images, from the segments' own: a segment is found as the class of one with IoU above .5."""
    images = len(positions)
    place = np.searchsorted(positions, table["image"]) if images > 1 else np.zeros(len(table["image"]), dtype=np.int64)
    tp, fn = (np.bincount(place, table[name], images) for name in ("tp", "fn"))
    doubtful = _doubtful(tp, tp + fn)
    if not doubtful.any():
        return _table(np.zeros((4, 0), dtype=np.int64))
    both = np.flatnonzero((pairs.truth >= 0) & (pairs.predicted >= 0))
    truth, predicted = pairs.truth[both], pairs.predicted[both]
    image = pairs.true.keys[truth] >> IMAGE_SHIFT
    may = ~pairs.true.crowd[truth] & doubtful[image]
    truth, predicted, image = truth[may], predicted[may], image[may]
    good = pairs.ious(truth, predicted) > OVERLAP
    return _counted(positions[image[good]], pairs.true.classes[truth[good]], pairs.guessed.classes[predicted[good]])


def votes_of_objects(table: Table, found: Table, truths: Table, values: Array, images: int) -> Votes:
    """As which class the objects of all images are found: by the table, or as their own where they are matched."""
    matched, objects = _matched(found, images), _objects(truths, images)
    right = _is_matched(found)
    whole = (truths["size"] == 0) & (truths["objects"] > 0)
    own = found["class"][right & ~_doubtful(matched, objects)[found["image"]]]
    return _votes(table, np.bincount(own, minlength=len(values)), values, truths["class"][whole])


def votes_of_segments(table: Table, segments: Table, values: Array, images: int) -> Votes:
    """As which class the segments of all images are found."""
    tp, fn = (np.bincount(segments["image"], segments[name], images) for name in ("tp", "fn"))
    sure = ~_doubtful(tp, tp + fn)[segments["image"]]
    own = np.bincount(segments["class"][sure], segments["tp"][sure], len(values))
    return _votes(table, own, values, segments["class"][segments["tp"] + segments["fn"] > 0])


def _votes(table: Table, own: Array, values: Array, carried: Array) -> Votes:
    classes = len(values)
    counts = np.diag(own.astype(np.float64))
    np.add.at(counts, (table["truth"].astype(np.int64), table["found"].astype(np.int64)), table["objects"])
    return Votes(counts, values, np.arange(classes), np.bincount(carried, minlength=classes))


def _doubtful(matched: Array, objects: Array) -> Array:
    """Images in which too few of the objects are found as what they are."""
    return np.asarray(matched < KNOWN * objects)


def _is_matched(found: Table) -> Array:
    """Detections that are right at the first threshold, whatever the size of the object."""
    return (found["matched"] & ~found["ignored"] & np.uint64(1)).astype(bool)


def _matched(found: Table, images: int) -> Array:
    return np.bincount(found["image"][_is_matched(found)], minlength=images)


def _objects(truths: Table, images: int) -> Array:
    whole = truths["size"] == 0
    return np.bincount(truths["image"][whole], truths["objects"][whole], images)


def _by_image(truth: TruthColumns, detections: DetectionColumns, kept: Array, seen: Array) -> Groups:
    """Groups of one image each, of the true objects `kept` and the best of the detections `seen`."""
    images = detections.image[seen]
    rows = seen[kernels.order_groups(images, np.zeros_like(images), detections.scores[seen])]
    truth_rows = kept[np.argsort(truth.image[kept], kind="stable")]
    images = detections.image[rows]
    starts = np.searchsorted(images, images, side="left")
    rank = np.arange(len(rows)) - starts
    rows, rank = rows[rank < MOST], rank[rank < MOST]
    numbers, first, sizes = np.unique(detections.image[rows], return_index=True, return_counts=True)
    low, high = (np.searchsorted(truth.image[truth_rows], numbers, side=side) for side in ("left", "right"))
    spans = np.stack([first, first + sizes, low, high], axis=1).astype(np.int64)
    return Groups(rows.astype(np.int64), truth_rows.astype(np.int64), spans, rank.astype(np.uint16))


def _pairs(groups: Groups, places: Array) -> tuple[Array, Array]:
    """Rows of the detections and of the true objects of the pairs at these places of the flat overlaps."""
    many = groups.spans[:, 3] - groups.spans[:, 2]
    ends = np.cumsum((groups.spans[:, 1] - groups.spans[:, 0]) * many)
    group = np.searchsorted(ends, places, side="right")
    within = places - np.append(0, ends)[group]
    first, second = np.divmod(within, many[group])
    spans = groups.spans[group]
    return groups.detection_rows[spans[:, 0] + first], groups.truth_rows[spans[:, 2] + second]


def _counted(image: Array, truth: Array, found: Array) -> Table:
    keys = (image.astype(np.int64) << 2 * _BITS) | (truth.astype(np.int64) << _BITS) | found.astype(np.int64)
    unique, objects = np.unique(keys, return_counts=True)
    most = (1 << _BITS) - 1
    return _table(np.stack([unique >> 2 * _BITS, (unique >> _BITS) & most, unique & most, objects]))


def _table(rows: Array) -> Table:
    types = {"image": np.int32, "truth": np.int16, "found": np.int16, "objects": np.int32}
    return {name: row.astype(dtype) for (name, dtype), row in zip(types.items(), rows, strict=True)}
