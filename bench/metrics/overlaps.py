"""Match segments of truth and prediction by the pixels that they share, in any number of images at once.

Matching is panopticapi's. Segments are known by keys, `image << 32 | id`, so that one pass over arrays serves many
images; where pixels, ids and classes come from, this module must not know.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.samples import Array, Table
from bench.samples.columns import IMAGE_SHIFT, SEGMENT_BITS, SegmentColumns

_VOID, _INSIDE = -1, -2
"""Places of pixels that belong to no segment: void, and what `kernels.edge_map` leaves out."""

NEVER = 1 << 62
"""Stands behind the last of sorted numbers, so that looking past the end finds something unequal."""


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Pixels that segments share: `pixels` (P,) by the places `truth` and `predicted` in the columns, rising."""

    true: SegmentColumns
    guessed: SegmentColumns
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
        keys = np.append(self.truth[both] * len(self.guessed) + self.predicted[both], NEVER)
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


def overlaps(pairs: Array, true: SegmentColumns, guessed: SegmentColumns) -> Overlaps:
    """Find the segments of every pair, (P, 3) of true key, predicted key and pixels, rising."""
    return Overlaps(true, guessed, _places(true, pairs[:, 0]), _places(guessed, pairs[:, 1]), pairs[:, 2])


def matches(found: Overlaps, candidates: tuple[Array, Array], iou: Array, classes: int, positions: Array) -> Table:
    """Count the matches among candidates by their IoU, and what is left unmatched: rows of the table `segments`.

    `positions` (I,) int32 are the positions of the images in the data set.
    """
    good = iou > 0.5
    truth, predicted, iou = candidates[0][good], candidates[1][good], iou[good]
    true, guessed = _cells(found.true, classes), _cells(found.guessed, classes)
    missed, wrong = ~found.true.crowd, ~found.ignored()
    missed[truth], wrong[predicted] = False, False
    # Sums of floats depend on their order: by size, they do not depend on how segments are numbered.
    order = np.argsort(iou)
    cells = len(positions) * classes
    sums = np.bincount(true[truth][order], weights=iou[order], minlength=cells)
    counts = [np.bincount(each, minlength=cells) for each in (true[truth], guessed[wrong], true[missed])]
    rows = np.flatnonzero(counts[0] + counts[1] + counts[2])
    return {
        "image": positions[rows // classes],
        "class": (rows % classes).astype(np.int16),
        "iou_sum": sums[rows],
        **{name: each[rows].astype(np.int32) for name, each in zip(("tp", "fp", "fn"), counts, strict=True)},
    }


def truth_segments(found: Overlaps, positions: Array) -> Table:
    """Class, crowd and pixels of every true segment."""
    true, areas = found.true, found.true_areas()
    image = true.keys >> IMAGE_SHIFT
    order = np.lexsort((areas, true.crowd, true.classes, image))
    wide = areas.max(initial=0) > np.iinfo(np.int32).max
    return {
        "image": positions[image[order]],
        "class": true.classes[order].astype(np.int16),
        "crowd": true.crowd[order].astype(np.int8),
        "pixels": areas[order].astype(np.int64 if wide else np.int32),
    }


def claimed_areas(found: Overlaps, positions: Array) -> Table:
    """The true segments whose claimed area is not their pixels."""
    true, pixels = found.true, found.true_areas()
    rows = np.flatnonzero((true.claimed != pixels) & ~np.isnan(true.claimed))
    return {
        "image": positions[true.keys[rows] >> IMAGE_SHIFT],
        "segment": true.keys[rows] & SEGMENT_BITS,
        "claimed": true.claimed[rows].astype(np.float64),
        "pixels": pixels[rows].astype(np.int64),
    }


def _places(side: SegmentColumns, keys: Array) -> Array:
    """Where each key stands; ids that no segment has are void (0) or inside (-1, of a single image)."""
    void = keys & SEGMENT_BITS == 0
    return np.where(keys < 0, _INSIDE, np.where(void, _VOID, np.searchsorted(side.keys, keys)))


def _cells(side: SegmentColumns, classes: int) -> Array:
    """Number the pairs of image and class."""
    return (side.keys >> IMAGE_SHIFT) * classes + side.classes
