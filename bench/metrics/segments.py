"""Count how panoptic segments of truth and prediction match: the tables behind PQ and Boundary PQ.

Matching is panopticapi's, on pixels: no area that a file claims is trusted. Scores and weights are in `panoptic.py`,
which this module must not know, and neither does it know files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bench import kernels
from bench.classes import Classes
from bench.errors import DataError, PredictionError
from bench.samples import Array, Segments, Table

_VOID, _INSIDE = -1, -2
"""Places of pixels that belong to no segment: void, and what `kernels.edge_map` leaves out."""

_NEVER = 1 << 62
"""Stands behind the last of sorted numbers, so that looking past the end finds something unequal."""


@dataclass(frozen=True, eq=False)
class _Side:
    """The segments of one map by rising id: `ids`, `classes` and `crowd` have shape (S,)."""

    ids: Array
    classes: Array
    crowd: Array

    def __len__(self) -> int:
        """Number of segments, S."""
        return len(self.ids)

    def places(self, ids: Array) -> Array:
        """Where each id stands; ids that no segment has are void (0) or inside (-1)."""
        return np.where(ids > 0, np.searchsorted(self.ids, ids), ids - 1)


@dataclass(frozen=True, eq=False)
class _Overlaps:
    """Pixels that segments share: `pixels` (P,) by the places `truth` and `predicted`, rising."""

    true: _Side
    guessed: _Side
    truth: Array
    predicted: Array
    pixels: Array

    def true_areas(self) -> Array:
        """Pixels of every true segment."""
        keep = self.truth >= 0
        return np.bincount(self.truth[keep], weights=self.pixels[keep], minlength=len(self.true))

    def guessed_areas(self, over: Array | bool = True) -> Array:
        """Pixels of every predicted segment, all of them or those of the overlaps that `over` (P,) picks."""
        keep = over & (self.predicted >= 0)
        return np.bincount(self.predicted[keep], weights=self.pixels[keep], minlength=len(self.guessed))

    def candidates(self) -> tuple[Array, Array]:
        """Places of the pairs that may match: they overlap, have one class, and the true one is no crowd."""
        both = np.flatnonzero((self.truth >= 0) & (self.predicted >= 0))
        truth, predicted = self.truth[both], self.predicted[both]
        may = (self.true.classes[truth] == self.guessed.classes[predicted]) & ~self.true.crowd[truth]
        return truth[may], predicted[may]

    def ious(self, truth: Array, predicted: Array) -> Array:
        """IoU of pairs of places; pixels of predicted segments over void do not count."""
        both = (self.truth >= 0) & (self.predicted >= 0)
        keys = np.append(self.truth[both] * len(self.guessed) + self.predicted[both], _NEVER)
        wanted = truth * len(self.guessed) + predicted
        place = np.searchsorted(keys, wanted)
        shared = np.where(keys[place] == wanted, np.append(self.pixels[both], 0)[place], 0)
        outside_void = self.guessed_areas() - self.guessed_areas(self.truth == _VOID)
        return np.asarray(shared / (self.true_areas()[truth] + outside_void[predicted] - shared))

    def ignored(self) -> Array:
        """Say which predicted segments lie by more than half over void and crowds of their class, (S,)."""
        known = np.flatnonzero((self.truth >= 0) & (self.predicted >= 0))
        truth, predicted = self.truth[known], self.predicted[known]
        own = self.true.crowd[truth] & (self.true.classes[truth] == self.guessed.classes[predicted])
        free = self.truth == _VOID
        free[known[own]] = True
        return self.guessed_areas(free) / self.guessed_areas() > 0.5


def count(
    truth: Segments,
    prediction: Segments,
    classes: Classes,
    *,
    image: int = 0,
    where: str = "",
    boundary_ratio: float | None = None,
) -> dict[str, Table]:
    """Match the segments of one image, class by class, and return tables by name.

    `segments`, a row for every class with anything to count, by class: image (int32), class (int16, 0 .. C-1), iou_sum
    (float64, over matched pairs), tp, fp, fn (int32: matched pairs, predicted and true segments without a match).
    `truth_segments`, a row for every segment of the truth, by class: image (int32), class (int16), crowd (int8, 0 or
    1), pixels (int32; int64 in images above 2^31 pixels).
    `claimed_areas`, a row for every segment of the truth whose `claimed` area is not its pixels: image (int32), segment
    (int64), claimed (float64), pixels (int64).
    `boundary_segments`, with `boundary_ratio` (of the diagonal): as `segments` by the smaller of mask and boundary IoU.

    Two segments match if both have the same class, the true one is no crowd, and their IoU is above .5, where pixels of
    the predicted one over void do not count. Predictions that lie by more than half over void and crowds of their class
    are no false positives. Source: panopticapi; boundary-iou-api for the boundary. `where` names the image in messages.

    >>> from bench.classes import Class
    >>> classes = Classes((Class(0, "car", 0, thing=True),))
    >>> one = Segments(np.array([[7, 7, 7, 0]]), np.array([7]), np.array([0]), np.array([False]))
    >>> table = count(one, Segments(np.array([[0, 2, 2, 2]]), np.array([2]), np.array([0]), np.array([False])), classes)
    >>> [table["segments"][name].tolist() for name in ("iou_sum", "tp", "fp", "fn")]
    [[0.6666666666666666], [1], [0], [0]]

    Raises:
        PredictionError: the sizes differ, pixels of a segment that is not listed or the reverse, an unknown class.
        DataError: the same of the truth's segments.
    """
    prefix = f"{where}: " if where else ""
    if truth.size != prediction.size:
        sizes = [f"{height}x{width}" for height, width in (prediction.size, truth.size)]
        raise PredictionError(
            f"{prefix}the predicted segments are {sizes[0]} pixels (height x width) but the truth is {sizes[1]}: "
            "predictions have the size of the truth"
        )
    maps = (
        _int32(truth.ids, f"{prefix}the truth", DataError),
        _int32(prediction.ids, f"{prefix}the prediction", PredictionError),
    )
    pairs = kernels.pair_counts(*maps)
    true = _side(truth, pairs[:, 0], classes, f"{prefix}the truth", DataError)
    guessed = _side(prediction, pairs[:, 1], classes, f"{prefix}the prediction", PredictionError)
    overlaps = _overlaps(pairs, true, guessed)
    candidates = overlaps.candidates()
    iou = overlaps.ious(*candidates)
    tables = {
        "segments": _matches(overlaps, candidates, iou, len(classes), image),
        "truth_segments": _truth_segments(overlaps, image),
        "claimed_areas": _claimed_areas(truth, overlaps, image),
    }
    if boundary_ratio is not None:
        distance = boundary_distance(truth.size, boundary_ratio)
        edges = _overlaps(kernels.pair_counts(*(kernels.edge_map(ids, distance) for ids in maps)), true, guessed)
        smaller = np.minimum(iou, edges.ious(*candidates))
        tables["boundary_segments"] = _matches(overlaps, candidates, smaller, len(classes), image)
    return tables


def boundary_distance(size: tuple[int, int], ratio: float) -> int:
    """Return how many pixels a boundary reaches inwards in an image of this size: a share of its diagonal, at least 1.

    Halves round to even, as in boundary-iou-api.

    >>> boundary_distance((375, 500), 0.02), boundary_distance((1024, 2048), 0.005)
    (12, 11)
    """
    return max(1, round(ratio * math.sqrt(size[0] ** 2 + size[1] ** 2)))


def _overlaps(pairs: Array, true: _Side, guessed: _Side) -> _Overlaps:
    return _Overlaps(true, guessed, true.places(pairs[:, 0]), guessed.places(pairs[:, 1]), pairs[:, 2])


def _matches(overlaps: _Overlaps, candidates: tuple[Array, Array], iou: Array, classes: int, image: int) -> Table:
    """Count the matches among candidates by their IoU, and what is left unmatched on both sides."""
    good = iou > 0.5
    truth, predicted, iou = candidates[0][good], candidates[1][good], iou[good]
    true, guessed = overlaps.true, overlaps.guessed
    missed, wrong = ~true.crowd, ~overlaps.ignored()
    missed[truth], wrong[predicted] = False, False
    # Sums of floats depend on their order: by size, they do not depend on how segments are numbered.
    order = np.argsort(iou)
    found = true.classes[truth][order]
    sums = np.bincount(found, weights=iou[order], minlength=classes)
    counts = [np.bincount(each, minlength=classes) for each in (found, guessed.classes[wrong], true.classes[missed])]
    rows = np.flatnonzero(counts[0] + counts[1] + counts[2])
    return {
        "image": np.full(len(rows), image, dtype=np.int32),
        "class": rows.astype(np.int16),
        "iou_sum": sums[rows],
        **{name: each[rows].astype(np.int32) for name, each in zip(("tp", "fp", "fn"), counts, strict=True)},
    }


def _truth_segments(overlaps: _Overlaps, image: int) -> Table:
    true, areas = overlaps.true, overlaps.true_areas()
    order = np.lexsort((areas, true.crowd, true.classes))
    wide = bool(overlaps.pixels.sum() > np.iinfo(np.int32).max)
    return {
        "image": np.full(len(order), image, dtype=np.int32),
        "class": true.classes[order].astype(np.int16),
        "crowd": true.crowd[order].astype(np.int8),
        "pixels": areas[order].astype(np.int64 if wide else np.int32),
    }


def _claimed_areas(truth: Segments, overlaps: _Overlaps, image: int) -> Table:
    pixels = overlaps.true_areas()
    claimed = pixels if truth.claimed is None else truth.claimed[np.argsort(truth.segment_ids)]
    rows = np.flatnonzero((claimed != pixels) & ~np.isnan(claimed))
    return {
        "image": np.full(len(rows), image, dtype=np.int32),
        "segment": overlaps.true.ids[rows],
        "claimed": claimed[rows].astype(np.float64),
        "pixels": pixels[rows].astype(np.int64),
    }


def _side(
    segments: Segments, found: Array, classes: Classes, what: str, wrong: type[DataError | PredictionError]
) -> _Side:
    """Order the segments by id, after checking that map and list name the same ones; `found` holds the map's ids."""
    order = np.argsort(segments.segment_ids)
    ids = np.asarray(segments.segment_ids, dtype=np.int64)[order]
    labels = np.asarray(segments.classes, dtype=np.int64)[order]
    place = np.searchsorted(ids, found)
    known = np.append(ids, _NEVER)[place] == found
    if not (known | (found == 0)).all():
        stray = found[~known & (found != 0)].min()
        raise wrong(f"{what} has pixels of segment {stray}, which is not among its {len(ids)} listed segments")
    seen = np.bincount(place[known], minlength=len(ids))
    if not seen.all():
        raise wrong(f"{what} lists segment {ids[seen == 0][0]}, which has no pixel; leave such segments out")
    if ids.size and ids[0] < 0:
        raise wrong(f"{what} has a segment {ids[0]}: ids are positive numbers below 2^31, and 0 is void")
    unknown = np.flatnonzero((labels < 0) | (labels >= len(classes)))
    if unknown.size:
        first = unknown[0]
        raise wrong(f"{what} gives segment {ids[first]} the class {labels[first]}; classes are 0-{len(classes) - 1}")
    return _Side(ids, labels, np.asarray(segments.crowd, dtype=bool)[order])


def _int32(ids: Array, what: str, wrong: type[DataError | PredictionError]) -> Array:
    if ids.dtype == np.int32:
        return ids
    if ids.dtype.kind not in "iu":
        raise wrong(f"{what} has segment ids of type {ids.dtype}; they are whole numbers")
    if ids.dtype.itemsize >= 4 and ids.size and not 0 <= int(ids.min()) <= int(ids.max()) < 1 << 31:
        raise wrong(f"{what} has segment ids from {ids.min()} to {ids.max()}; they lie in 0 ... 2^31 - 1")
    return ids.astype(np.int32)
