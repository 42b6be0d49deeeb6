"""Instance AP of Cityscapes: another matching than COCO's, void and groups that excuse detections, trapezoids.

`count` matches the objects of one image at ten overlaps, for all objects and, where distances are known, for near ones;
`score` sums the areas under the curves for any weights. This module knows neither files nor which images are weighted
how, nor why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench import kernels
from bench.classes import Classes
from bench.errors import PredictionError
from bench.metrics.average_precision import InstanceScores
from bench.metrics.rates import MIN_CARRIERS
from bench.metrics.trapezoids import scores
from bench.samples import Array, Instances, Segments, Table

OVERLAPS = np.arange(0.5, 1.0, 0.05)
"""As cityscapesScripts makes them, with their rounding; an overlap must be larger."""


@dataclass(frozen=True)
class Reach:
    """Which true objects are to be found: large enough, near enough, and with a distance in enough of their pixels."""

    pixels: int
    metres: float
    known: float


REACHES = (Reach(100, float("inf"), -float("inf")), Reach(1000, 100.0, 0.5), Reach(1000, 50.0, 0.5))
"""All objects, those within 100 m, and within 50 m."""
MEASURES = {"AP": (0, None), "AP50": (0, 0), "AP100m": (1, None), "AP50m": (2, None)}
"""Reach and place of the overlap, or None for the mean over overlaps, of each score."""
OVERALL = PER_CLASS = ("AP", "AP50")
NEAR = ("AP100m", "AP50m")


def void_pixels(instance_ids: Array, classes: Classes) -> Array:
    """Say which pixels of Cityscapes' instance ids (H, W) are void, bool: labels that are not scored.

    Single objects of such labels (caravans, 29001) are not void, as cityscapesScripts has it.
    """
    unscored = np.array([entry.id for entry in classes.entries if entry.train_id is None], dtype=np.int64)
    return np.isin(instance_ids, unscored)


def count(
    truth: Segments,
    detections: Instances,
    classes: Classes,
    *,
    void: Array | None = None,
    distance: Array | None = None,
    image: int = 0,
) -> dict[str, Table]:
    """Match the objects of one image; tables `cityscapes_detections` and `cityscapes_truths`.

    `void` (H, W) bool are the pixels that excuse detections, those without a segment where None. `distance` (H, W) in
    metres, NaN where unknown, makes the scores of near objects: an approximation, with the median over an object's
    pixels, because no public code says how Cityscapes computes it.

    Detections, by class and falling score: image (int32), class (int16), score (float64), matched and ignored (uint64:
    bit r * 10 + t stands for reach r and overlap t). One that is matched is right, one that is neither is wrong.

    Truths: image (int32), class (int16), size (int8: the reach), objects (int32, to be found).

    Raises:
        PredictionError: detections without scores, or of another size than the truth.
    """
    if detections.scores is None:
        raise PredictionError("the detections have no scores; each needs one")
    if detections.size != truth.ids.shape and len(detections):
        raise PredictionError(f"masks of size {list(detections.size)} for a truth of {list(truth.ids.shape)}")
    objects = _objects(truth, classes, distance)
    reaches = len(REACHES) if distance is not None else 1
    found, pairs = _pairs(truth, detections, objects, classes, truth.ids == 0 if void is None else void)
    matched, ignored = _match(objects, pairs, reaches)
    return {
        "cityscapes_detections": {
            "image": np.full(len(found), image, dtype=np.int32),
            "class": detections.classes[found].astype(np.int16),
            "score": detections.scores[found].astype(np.float64),
            "matched": matched,
            "ignored": ignored,
        },
        "cityscapes_truths": _truth_table(objects, reaches, image),
    }


@dataclass(frozen=True, eq=False)
class _Objects:
    """True objects and groups of one image: `kept` (R, G) are to be found within each reach, `beyond` it are others."""

    ids: Array
    classes: Array
    areas: Array
    group: Array
    kept: Array
    beyond: Array


@dataclass(frozen=True, eq=False)
class _Pairs:
    """One detection: the objects of its class that it meets, the pixels in common, its pixels over void and in all."""

    objects: Array
    common: Array
    void: int
    pixels: int


def _objects(truth: Segments, classes: Classes, distance: Array | None) -> _Objects:
    """Collect the countable segments that have pixels."""
    narrow, length = truth.ids.dtype == np.uint16, 1 + int(truth.segment_ids.max(initial=0))
    areas = kernels.value_counts(truth.ids) if narrow else np.bincount(truth.ids.reshape(-1), minlength=length)
    ids, owners = truth.segment_ids.astype(np.int64), truth.classes.astype(np.int64)
    some = classes.things[owners] & (areas[ids] > 0) if len(ids) else np.zeros(0, dtype=bool)
    ids, owners, group = ids[some], owners[some], truth.crowd[some]
    near, known = np.full(len(ids), -1.0), np.zeros(len(ids))
    for place, number in enumerate(ids.tolist() if distance is not None else ()):
        assert distance is not None
        metres = distance[truth.ids == number]
        valid = metres[np.isfinite(metres)]
        known[place] = len(valid) / len(metres)
        near[place] = np.median(valid) if len(valid) else np.inf
    sides = [(areas[ids] < reach.pixels) | (near > reach.metres) | (known < reach.known) for reach in REACHES]
    beyond = np.stack(sides)
    return _Objects(ids, owners, areas[ids], group, ~group & ~beyond, beyond)


def _pairs(
    truth: Segments, detections: Instances, objects: _Objects, classes: Classes, void: Array
) -> tuple[Array, list[_Pairs]]:
    """Collect detections of countable classes that have pixels, by class and falling score: their rows, and pairs."""
    scores = np.zeros(0) if detections.scores is None else detections.scores
    order = np.lexsort((-scores, detections.classes))
    codes = [detections.rles[row]["counts"] for row in order.tolist()]
    common = _shared(truth, objects, codes)
    excused = kernels.labels_under(void.view(np.uint8), codes, np.array([-1, 0], dtype=np.int32), 1)[:, 0]
    owners, pixels = detections.classes[order], common.sum(axis=1)
    own = (common[:, :-1] > 0) & (objects.classes == owners[:, None])
    kept = np.flatnonzero(classes.things[owners.astype(np.int64)] & (pixels > 0))
    pairs = []
    for place in kept.tolist():
        met = np.flatnonzero(own[place])
        pairs.append(_Pairs(met, common[place, met], int(excused[place]), int(pixels[place])))
    return order[kept], pairs


def _shared(truth: Segments, objects: _Objects, codes: list[bytes]) -> Array:
    """Pixels that each mask shares with each object, and in the last column with none of them; (D, G + 1) int64."""
    count = len(objects.ids)
    labels, places = truth.ids, np.arange(count, dtype=np.int32)
    if labels.dtype not in (np.uint8, np.uint16):
        table = np.full(1 + max(int(labels.max(initial=0)), int(objects.ids.max(initial=0))), count, dtype=np.uint16)
        table[objects.ids] = places
        return kernels.labels_under(table[labels], codes, np.arange(count + 1, dtype=np.int32), count + 1)
    columns = np.full(1 << 16, count, dtype=np.int32)
    columns[objects.ids] = places
    return kernels.labels_under(labels, codes, columns, count + 1)


def _match(objects: _Objects, pairs: list[_Pairs], reaches: int) -> tuple[Array, Array]:
    """Decide each detection at all reaches and overlaps, better ones first; (D,) uint64 of bits each."""
    R, T = reaches, len(OVERLAPS)
    taken = np.zeros((len(objects.ids), R, T), dtype=bool)
    matched, ignored = np.zeros((2, len(pairs), R, T), dtype=bool)
    kept, beyond = objects.kept[:R], objects.beyond[:R]
    for place, pair in enumerate(pairs):
        g = pair.objects
        overlap = pair.common / (objects.areas[g] + pair.pixels - pair.common)
        meets = overlap[:, None] > OVERLAPS  # (g, T): of disjoint objects one at most
        hits = meets[:, None] & kept[:, g].T[:, :, None]
        matched[place] = (hits & ~taken[g]).any(axis=0)
        taken[g] |= hits
        # A group that is also small or far counts twice, as in cityscapesScripts.
        times = objects.group[g].astype(np.int64) + beyond[:, g]
        share = (pair.void + (times * pair.common).sum(axis=1)) / pair.pixels
        free = ~meets.any(axis=0) & (share[:, None] > OVERLAPS)
        other = (meets[:, None] & ~kept[:, g].T[:, :, None]).any(axis=0) & ~hits.any(axis=0)
        ignored[place] = free | other
    return _packed(matched), _packed(ignored)


def _packed(flags: Array) -> Array:
    """Flags (D, R, T) as (D,) uint64, bit r * T + t."""
    bits = flags.reshape(len(flags), flags.shape[1] * flags.shape[2])
    powers = np.uint64(1) << np.arange(bits.shape[1], dtype=np.uint64)
    return np.asarray((bits * powers).sum(axis=1), dtype=np.uint64)


def _truth_table(objects: _Objects, reaches: int, image: int) -> Table:
    owners = np.flatnonzero(np.bincount(objects.classes))
    counts = np.array([[kept[objects.classes == k].sum() for kept in objects.kept[:reaches]] for k in owners])
    return {
        "image": np.full(len(owners) * reaches, image, dtype=np.int32),
        "class": np.repeat(owners, reaches).astype(np.int16),
        "size": np.tile(np.arange(reaches, dtype=np.int8), len(owners)),
        "objects": counts.reshape(-1).astype(np.int32),
    }


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, *, near: bool = False) -> InstanceScores:
    """Score N images under B rows of weights, (B, N): AP and AP50, with `near` AP100m and AP50m as well.

    The area under precision over recall by the trapezoid rule, equal scores as one point, from (recall 0, precision 1)
    on; a class without detections scores 0. Means run over the classes with truth in a row. Memory is capped.

    >>> found = {"image": np.int32([0, 0]), "class": np.int16([0, 0]), "score": np.array([0.9, 0.8])}
    >>> found |= {"matched": np.uint64([0, 2**10 - 1]), "ignored": np.uint64([0, 0])}
    >>> truths = {"image": np.int32([0]), "class": np.int16([0]), "size": np.int8([0]), "objects": np.int32([1])}
    >>> from bench.classes import Class
    >>> car = Classes((Class(id=26, name="car", train_id=0, thing=True),))
    >>> score({"cityscapes_detections": found, "cityscapes_truths": truths}, np.ones((1, 1)), car)["AP"].tolist()
    [0.25]
    """
    return _scores(tables, np.asarray(weights, dtype=np.float64), len(classes), near=near)


def leave_out(tables: Mapping[str, Table], clusters: Array, classes: Classes, *, near: bool = False) -> InstanceScores:
    """Score with each cluster left out in turn, B = K; `clusters` (N,) numbers them 0 .. K-1.

    A class whose truth fewer than 3 clusters carry is held, as `average_precision.leave_out` tells.
    """
    count = int(clusters.max(initial=-1)) + 1
    truths = tables["cityscapes_truths"]
    some = truths["objects"] > 0
    carriers = np.zeros((len(REACHES), len(classes), count), dtype=bool)
    carriers[truths["size"][some], truths["class"][some], clusters[truths["image"][some]]] = True
    weights = (clusters[None] != np.arange(count)[:, None]).astype(np.float64)
    return _scores(tables, weights, len(classes), near=near, silent=carriers.sum(axis=2) < MIN_CARRIERS)


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """The truth's own rows: true objects per image, class and reach."""
    return tables["cityscapes_truths"]


def _scores(
    tables: Mapping[str, Table], weights: Array, classes: int, *, near: bool, silent: Array | None = None
) -> InstanceScores:
    measures = {name: MEASURES[name] for name in (*OVERALL, *(NEAR if near else ()))}
    pair = tables["cityscapes_detections"], tables["cityscapes_truths"]
    return scores(*pair, weights, classes=classes, measures=measures, overlaps=len(OVERLAPS), silent=silent)
