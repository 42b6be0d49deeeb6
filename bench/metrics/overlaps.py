"""Match segments of truth and prediction by the pixels that they share, in many images at once.

A segment is identified by the key `image << 32 | id`, so that one pass over arrays serves many
images:

    bit   63 ........ 32   31 ........ 0
             image               id          id 0 is void

Matching is that of panopticapi. As an IoU above .5 leaves less than half of each segment for
others, a segment has at most one match, and no order of matching is needed. This module does not
know where pixels, ids and classes come from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.samples import Array, Table
from bench.samples.columns import IMAGE_SHIFT, SEGMENT_BITS, SegmentColumns

_VOID, _INSIDE = -1, -2
"""Rows of pixels that belong to no segment: void, and pixels that `kernels.edge_map` blanks."""

NEVER = 1 << 62
"""A sentinel after the last of sorted keys, so that a search past the end meets an unequal key."""


@dataclass(frozen=True, eq=False)
class Overlaps:
    """The pixels that segments share, P pairs.

    `truth` and `predicted` (P,) are rows of `true_segments` and `predicted_segments`, or negative
    for pixels of no segment; pairs rise by both. `pixels` (P,) is the size of each overlap.
    """

    true_segments: SegmentColumns
    predicted_segments: SegmentColumns
    truth: Array
    predicted: Array
    pixels: Array

    def true_areas(self) -> Array:
        """Return the pixels of every true segment."""
        rows = self.truth >= 0
        return np.bincount(
            self.truth[rows], weights=self.pixels[rows], minlength=len(self.true_segments)
        )

    def predicted_areas(self, over: Array | bool = True) -> Array:
        """Return the pixels of every predicted segment, in the overlaps selected by `over` (P,)."""
        rows = over & (self.predicted >= 0)
        return np.bincount(
            self.predicted[rows], weights=self.pixels[rows], minlength=len(self.predicted_segments)
        )

    def candidates(self) -> tuple[Array, Array]:
        """Return the rows of the pairs that may match.

        They overlap, have the same class, and the true segment is not a crowd.
        """
        # Negative rows are pixels without a segment on one side.
        both = np.flatnonzero((self.truth >= 0) & (self.predicted >= 0))
        truth, predicted = self.truth[both], self.predicted[both]
        same_class = self.true_segments.classes[truth] == self.predicted_segments.classes[predicted]
        may_match = same_class & ~self.true_segments.crowd[truth]
        return truth[may_match], predicted[may_match]

    def ious(self, truth: Array, predicted: Array) -> Array:
        """Return the IoU of pairs of rows; pixels of predicted segments over void do not count.

        The pairs may be those of other overlaps: Boundary PQ asks for the overlap of boundaries of
        pairs whose masks overlap, which may be empty.
        """
        both = (self.truth >= 0) & (self.predicted >= 0)
        # One number for each pair. Pairs rise, so that they can be found by bisection.
        keys = np.append(
            self.truth[both] * len(self.predicted_segments) + self.predicted[both], NEVER
        )
        wanted = truth * len(self.predicted_segments) + predicted
        position = np.searchsorted(keys, wanted)
        shared = np.where(keys[position] == wanted, np.append(self.pixels[both], 0)[position], 0)
        outside_void = self.predicted_areas() - self.predicted_areas(self.truth == _VOID)
        return np.asarray(shared / (self.true_areas()[truth] + outside_void[predicted] - shared))

    def ignored(self) -> Array:
        """Return which predicted segments are by more than half over void and crowds, (S,) bool.

        Only crowds of their own class count.
        """
        both = np.flatnonzero((self.truth >= 0) & (self.predicted >= 0))
        truth, predicted = self.truth[both], self.predicted[both]
        same_class = self.true_segments.classes[truth] == self.predicted_segments.classes[predicted]
        excused = self.truth == _VOID
        excused[both[self.true_segments.crowd[truth] & same_class]] = True
        return self.predicted_areas(excused) / self.predicted_areas() > 0.5


def overlaps(pairs: Array, true: SegmentColumns, predicted: SegmentColumns) -> Overlaps:
    """Find the segments of every pair, (P, 3) of true key, predicted key and pixels, rising."""
    return Overlaps(
        true, predicted, _rows(true, pairs[:, 0]), _rows(predicted, pairs[:, 1]), pairs[:, 2]
    )


def matches(
    shared: Overlaps, candidates: tuple[Array, Array], iou: Array, classes: int, positions: Array
) -> Table:
    """Count matches among candidates by their IoU, and segments without a match.

    Returns rows of the table `segments`. `positions` (I,) int32 are the positions of the images in
    the data set.
    """
    good = iou > 0.5
    truth, predicted, iou = candidates[0][good], candidates[1][good], iou[good]
    true_cells, predicted_cells = (
        _cells(shared.true_segments, classes),
        _cells(shared.predicted_segments, classes),
    )
    # A crowd that nothing matches is not missed, and an excused prediction is not wrong.
    missed, wrong = ~shared.true_segments.crowd, ~shared.ignored()
    missed[truth], wrong[predicted] = False, False
    # Sums of floats depend on their order: by size, they do not depend on how segments are
    # numbered.
    order = np.argsort(iou)
    cells = len(positions) * classes
    sums = np.bincount(true_cells[truth][order], weights=iou[order], minlength=cells)
    tp, fp, fn = (
        np.bincount(cell, minlength=cells)
        for cell in (true_cells[truth], predicted_cells[wrong], true_cells[missed])
    )
    rows = np.flatnonzero(tp + fp + fn)
    return {
        "image": positions[rows // classes],
        "class": (rows % classes).astype(np.int16),
        "iou_sum": sums[rows],
        "tp": tp[rows].astype(np.int32),
        "fp": fp[rows].astype(np.int32),
        "fn": fn[rows].astype(np.int32),
    }


def truth_segments(shared: Overlaps, positions: Array) -> Table:
    """Return class, crowd and pixels of every true segment."""
    true, areas = shared.true_segments, shared.true_areas()
    image = true.keys >> IMAGE_SHIFT
    order = np.lexsort((areas, true.crowd, true.classes, image))
    wide = areas.max(initial=0) > np.iinfo(np.int32).max
    return {
        "image": positions[image[order]],
        "class": true.classes[order].astype(np.int16),
        "crowd": true.crowd[order].astype(np.int8),
        "pixels": areas[order].astype(np.int64 if wide else np.int32),
    }


def claimed_areas(shared: Overlaps, positions: Array) -> Table:
    """Return the true segments whose claimed area is not the number of their pixels."""
    true, pixels = shared.true_segments, shared.true_areas()
    rows = np.flatnonzero((true.claimed != pixels) & ~np.isnan(true.claimed))
    return {
        "image": positions[true.keys[rows] >> IMAGE_SHIFT],
        "segment": true.keys[rows] & SEGMENT_BITS,
        "claimed": true.claimed[rows].astype(np.float64),
        "pixels": pixels[rows].astype(np.int64),
    }


def _rows(segments: SegmentColumns, keys: Array) -> Array:
    """Return the row of each key; id 0 is void, and -1 (in a single image) is a blanked pixel."""
    void = keys & SEGMENT_BITS == 0
    return np.where(keys < 0, _INSIDE, np.where(void, _VOID, np.searchsorted(segments.keys, keys)))


def _cells(segments: SegmentColumns, classes: int) -> Array:
    """Return the number of the image and class of each segment, image x C + class."""
    return (segments.keys >> IMAGE_SHIFT) * classes + segments.classes
