"""Instance AP of Cityscapes, as cityscapesScripts computes it.

It differs from COCO's AP in the matching, in void and groups that excuse detections, and in the
area under the curve (trapezoids, see `trapezoids.py`). `count` matches the objects of one image at
ten overlaps, for all objects and, if distances are given, for near ones. `score` computes the areas
for any weights. This module does not know why images are weighted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench import kernels
from bench.classes import Classes
from bench.errors import PredictionError
from bench.metrics.average_precision import InstanceScores
from bench.metrics.trapezoids import scores
from bench.samples import Array, Instances, Segments, Table

OVERLAPS = np.arange(0.5, 1.0, 0.05)
"""The thresholds of cityscapesScripts, with their rounding; an overlap must be larger."""


@dataclass(frozen=True)
class Reach:
    """The objects to be found: large enough, near enough, with distances in enough pixels.

    `pixels` is the smallest area, `metres` the largest distance, and `known` the smallest fraction
    of pixels with a distance.
    """

    pixels: int
    metres: float
    known: float


REACHES = (Reach(100, float("inf"), -float("inf")), Reach(1000, 100.0, 0.5), Reach(1000, 50.0, 0.5))
"""All objects, those within 100 m, and within 50 m."""
MEASURES = {"AP": (0, None), "AP50": (0, 0), "AP100m": (1, None), "AP50m": (2, None)}
"""The number of the reach of each score, and of its overlap or None for the mean over overlaps."""
OVERALL = PER_CLASS = ("AP", "AP50")
NEAR = ("AP100m", "AP50m")


def count(
    truth: Segments,
    detections: Instances,
    classes: Classes,
    *,
    void: Array | None = None,
    distance: Array | None = None,
    image: int = 0,
) -> dict[str, Table]:
    """Match the objects of one image: tables `cityscapes_detections` and `cityscapes_truths`.

    `void` (H, W) bool are the pixels that excuse detections, by default those without a segment.
    `distance` (H, W) in metres, NaN if unknown, adds the scores of near objects. These are an
    approximation with the median over the pixels of an object, because no public code defines how
    Cityscapes computes it.

    Detections, by class and falling score: image (int32), class (int16), score (float64), matched
    and ignored (uint64: bit r * 10 + t for reach r and overlap t). A matched detection is a true
    positive, one that is neither matched nor ignored a false positive.

    Truths: image (int32), class (int16), size (int8: number of the reach), objects (int32, to be
    found).

    Raises:
        PredictionError: detections without scores, or of another size than the ground truth.
    """
    if detections.scores is None:
        raise PredictionError("the detections have no scores; each needs one")
    if detections.size != truth.ids.shape and len(detections):
        raise PredictionError(
            f"the masks have size {list(detections.size)} but the truth has size "
            f"{list(truth.ids.shape)}"
        )
    objects = _objects(truth, classes, distance)
    reaches = len(REACHES) if distance is not None else 1
    rows, pairs = _pairs(
        truth, detections, objects, classes, truth.ids == 0 if void is None else void
    )
    matched, ignored = _match(objects, pairs, reaches)
    return {
        "cityscapes_detections": {
            "image": np.full(len(rows), image, dtype=np.int32),
            "class": detections.classes[rows].astype(np.int16),
            "score": detections.scores[rows].astype(np.float64),
            "matched": matched,
            "ignored": ignored,
        },
        "cityscapes_truths": _truth_table(objects, reaches, image),
    }


@dataclass(frozen=True, eq=False)
class _Objects:
    """The G true objects and groups of one image.

    `wanted` (R, G) says which are to be found within each reach, `beyond` (R, G) which are too
    small, too far, or without distances.
    """

    ids: Array
    classes: Array
    areas: Array
    group: Array
    wanted: Array
    beyond: Array


@dataclass(frozen=True, eq=False)
class _Pairs:
    """One detection and the objects of its class that it touches.

    `common` are the pixels that it shares with each of these `objects`, `void` its pixels over
    void, and `pixels` all its pixels.
    """

    objects: Array
    common: Array
    void: int
    pixels: int


def _objects(truth: Segments, classes: Classes, distance: Array | None) -> _Objects:
    """Collect the countable segments that have pixels."""
    if truth.ids.dtype == np.uint16:
        areas = kernels.value_counts(truth.ids)
    else:
        areas = np.bincount(
            truth.ids.reshape(-1), minlength=1 + int(truth.segment_ids.max(initial=0))
        )
    ids, labels = truth.segment_ids.astype(np.int64), truth.classes.astype(np.int64)
    countable = classes.things[labels] & (areas[ids] > 0) if len(ids) else np.zeros(0, dtype=bool)
    ids, labels, group = ids[countable], labels[countable], truth.crowd[countable]
    metres, known_fraction = _distances(truth, ids, distance)
    beyond = np.stack(
        [
            (areas[ids] < reach.pixels) | (metres > reach.metres) | (known_fraction < reach.known)
            for reach in REACHES
        ]
    )
    return _Objects(ids, labels, areas[ids], group, ~group & ~beyond, beyond)


def _distances(truth: Segments, ids: Array, distance: Array | None) -> tuple[Array, Array]:
    """Return the median distance of each object, and the fraction of its pixels with a distance.

    Without a distance map these are -1 and 0; only the first reach, which needs neither, is scored
    then.
    """
    medians, known_fractions = np.full(len(ids), -1.0), np.zeros(len(ids))
    if distance is None:
        return medians, known_fractions
    for row, number in enumerate(ids.tolist()):
        metres = distance[truth.ids == number]
        valid = metres[np.isfinite(metres)]
        known_fractions[row] = len(valid) / len(metres)
        medians[row] = np.median(valid) if len(valid) else np.inf
    return medians, known_fractions


def _pairs(
    truth: Segments, detections: Instances, objects: _Objects, classes: Classes, void: Array
) -> tuple[Array, list[_Pairs]]:
    """Collect the detections of countable classes that have pixels.

    Returns their rows, by class and falling score, and the objects that each of them touches.
    """
    scores = np.zeros(0) if detections.scores is None else detections.scores
    order = np.lexsort((-scores, detections.classes))
    codes = [detections.rles[row]["counts"] for row in order.tolist()]
    shared = _shared(truth, objects, codes)
    excused = kernels.labels_under(
        void.view(np.uint8), codes, np.array([-1, 0], dtype=np.int32), 1
    )[:, 0]
    labels, pixels = detections.classes[order], shared.sum(axis=1)
    same_class = (shared[:, :-1] > 0) & (objects.classes == labels[:, None])
    counted = np.flatnonzero(classes.things[labels.astype(np.int64)] & (pixels > 0))
    pairs = []
    for row in counted.tolist():
        touched = np.flatnonzero(same_class[row])
        pairs.append(_Pairs(touched, shared[row, touched], int(excused[row]), int(pixels[row])))
    return order[counted], pairs


def _shared(truth: Segments, objects: _Objects, codes: list[bytes]) -> Array:
    """Return the pixels that each mask shares with each object, (D, G + 1) int64.

    The last column are pixels that belong to no object.
    """
    count = len(objects.ids)
    labels, numbers = truth.ids, np.arange(count, dtype=np.int32)
    if labels.dtype not in (np.uint8, np.uint16):
        # The kernel takes values below 2^16: wider ids are replaced by the numbers of their
        # columns.
        largest = max(int(labels.max(initial=0)), int(objects.ids.max(initial=0)))
        column_of_id = np.full(1 + largest, count, dtype=np.uint16)
        column_of_id[objects.ids] = numbers
        return kernels.labels_under(
            column_of_id[labels], codes, np.arange(count + 1, dtype=np.int32), count + 1
        )
    columns = np.full(1 << 16, count, dtype=np.int32)
    columns[objects.ids] = numbers
    return kernels.labels_under(labels, codes, columns, count + 1)


def _match(objects: _Objects, pairs: list[_Pairs], reaches: int) -> tuple[Array, Array]:
    """Match detections by falling score at all reaches and overlaps.

    Returns the bits of `matched` and `ignored`, (D,) uint64 each. Overlaps start at .5 and must be
    larger, and objects are disjoint, so a detection matches one object at most.
    """
    R, T = reaches, len(OVERLAPS)
    taken = np.zeros((len(objects.ids), R, T), dtype=bool)
    matched, ignored = np.zeros((2, len(pairs), R, T), dtype=bool)
    wanted, beyond = objects.wanted[:R], objects.beyond[:R]
    for d, pair in enumerate(pairs):
        g = pair.objects
        overlap = pair.common / (objects.areas[g] + pair.pixels - pair.common)
        exceeds = overlap[:, None] > OVERLAPS  # (g, T)
        hits = exceeds[:, None] & wanted[:, g].T[:, :, None]  # (g, R, T)
        matched[d] = (hits & ~taken[g]).any(axis=0)
        taken[g] |= hits
        # A detection without a match is ignored if enough of it is over void, groups, and objects
        # beyond the reach. A group that is also beyond counts twice, as in cityscapesScripts.
        times = objects.group[g].astype(np.int64) + beyond[:, g]
        fraction = (pair.void + (times * pair.common).sum(axis=1)) / pair.pixels
        excused = ~exceeds.any(axis=0) & (fraction[:, None] > OVERLAPS)
        # It is ignored, too, if it matches a group or an object beyond the reach.
        unwanted = (exceeds[:, None] & ~wanted[:, g].T[:, :, None]).any(axis=0) & ~hits.any(axis=0)
        ignored[d] = excused | unwanted
    return _packed(matched), _packed(ignored)


def _packed(flags: Array) -> Array:
    """Pack flags (D, R, T) into (D,) uint64, bit r * T + t."""
    bits = flags.reshape(len(flags), flags.shape[1] * flags.shape[2])
    powers = np.uint64(1) << np.arange(bits.shape[1], dtype=np.uint64)
    return np.asarray((bits * powers).sum(axis=1), dtype=np.uint64)


def _truth_table(objects: _Objects, reaches: int, image: int) -> Table:
    present = np.flatnonzero(np.bincount(objects.classes))
    counts = np.array(
        [
            [wanted[objects.classes == k].sum() for wanted in objects.wanted[:reaches]]
            for k in present
        ]
    )
    return {
        "image": np.full(len(present) * reaches, image, dtype=np.int32),
        "class": np.repeat(present, reaches).astype(np.int16),
        "size": np.tile(np.arange(reaches, dtype=np.int8), len(present)),
        "objects": counts.reshape(-1).astype(np.int32),
    }


def score(
    tables: Mapping[str, Table], weights: Array, classes: Classes, *, near: bool = False
) -> InstanceScores:
    """Score N images under weights (B, N): AP and AP50, with `near` also AP100m and AP50m.

    AP is the area under the precision-recall curve by the trapezoid rule, see `trapezoids.py`; a
    class without detections scores 0. Means average the classes with ground truth in a row. Source:
    cityscapesScripts.

    >>> scores = np.array([0.9, 0.8])
    >>> found = {"image": np.int32([0, 0]), "class": np.int16([0, 0]), "score": scores}
    >>> found |= {"matched": np.uint64([0, 2**10 - 1]), "ignored": np.uint64([0, 0])}
    >>> truths = {"image": np.int32([0]), "class": np.int16([0])}
    >>> truths |= {"size": np.int8([0]), "objects": np.int32([1])}
    >>> from bench.classes import Class
    >>> car = Classes((Class(id=26, name="car", train_id=0, thing=True),))
    >>> tables = {"cityscapes_detections": found, "cityscapes_truths": truths}
    >>> score(tables, np.ones((1, 1)), car)["AP"].tolist()
    [0.25]
    """
    return _scores(tables, np.asarray(weights, dtype=np.float64), len(classes), near=near)


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """Return what the ground truth alone determines: objects by image, class and reach."""
    return tables["cityscapes_truths"]


def _scores(
    tables: Mapping[str, Table], weights: Array, classes: int, *, near: bool
) -> InstanceScores:
    measures = {name: MEASURES[name] for name in (*OVERALL, *(NEAR if near else ()))}
    pair = tables["cityscapes_detections"], tables["cityscapes_truths"]
    return scores(*pair, weights, classes=classes, measures=measures, overlaps=len(OVERLAPS))
