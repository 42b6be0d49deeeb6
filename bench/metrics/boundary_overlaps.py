"""Overlaps of objects for Boundary AP: the smaller of what their masks and what their boundaries share.

Boundaries are found on runs, and only of objects whose masks overlap enough; no image is ever drawn. How overlaps
become matches is told in `matching.py`; this module knows neither scores nor files.
"""

from __future__ import annotations

import numpy as np

from bench import kernels
from bench.metrics.matching import Groups, Overlaps, mask_overlaps
from bench.metrics.segments import boundary_distance
from bench.samples import Array
from bench.samples.columns import DetectionColumns, Runs, TruthColumns


def boundary_overlaps(
    truth: TruthColumns, detections: DetectionColumns, *, ratio: float, floor: float = 0.0
) -> Overlaps:
    """Smaller of mask IoU and boundary IoU; with a crowd, intersection of masks over the detection.

    `ratio` is how far a boundary reaches inwards, as a share of the image's diagonal. Less than `floor` becomes 0.

    Raises:
        InputError: there are no masks.
    """
    masks = mask_overlaps(truth, detections, floor=floor)
    ours, theirs = detections.runs, truth.runs
    assert ours is not None
    assert theirs is not None
    widths = _widths(truth, detections, ratio)

    def overlaps(groups: Groups) -> Array:
        found = masks(groups)
        crowds, first, second = _pairs(groups, truth.crowd)
        wanted = np.flatnonzero((found > 0) & ~crowds)
        if not len(wanted):
            return found
        d, places_d = np.unique(groups.detection_rows[first[wanted]], return_inverse=True)
        g, places_g = np.unique(groups.truth_rows[second[wanted]], return_inverse=True)
        spans = np.stack([np.arange(len(wanted))] * 4, axis=1) + np.array([0, 1, 0, 1])
        edges = kernels.mask_overlaps(
            _boundaries(ours, d, widths[detections.image[d]]),
            _boundaries(theirs, g, widths[truth.image[g]]),
            np.zeros(len(g), dtype=bool),
            detection_rows=places_d.reshape(-1),
            truth_rows=places_g.reshape(-1),
            spans=spans,
            floor=floor,
        )
        found[wanted] = np.minimum(found[wanted], edges)
        return found

    return overlaps


def _pairs(groups: Groups, crowd: Array) -> tuple[Array, Array, Array]:
    """Of every pair of the groups: is the truth a crowd, and the places in the rows of detections and truths."""
    spans = groups.spans
    tall, wide = spans[:, 1] - spans[:, 0], spans[:, 3] - spans[:, 2]
    sizes = tall * wide
    within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    down, across = np.divmod(within, np.maximum(np.repeat(wide, sizes), 1))
    second = np.repeat(spans[:, 2], sizes) + across
    return crowd[groups.truth_rows[second]], np.repeat(spans[:, 0], sizes) + down, second


def _widths(truth: TruthColumns, detections: DetectionColumns, ratio: float) -> Array:
    """How many pixels boundaries reach inwards in each image, (N,) int64; 0 where there is no mask to tell its size."""
    widths = np.zeros(truth.images, dtype=np.int64)
    for columns in (truth, detections):
        runs = columns.runs
        assert runs is not None
        images, first = np.unique(columns.image, return_index=True)
        unknown = widths[images] == 0
        first = first[unknown]
        masks = np.stack([images[unknown], runs.heights[first], runs.offsets[first], runs.offsets[first + 1]], axis=1)
        for image, height, start, end in masks.tolist():
            pixels = int(runs.lengths[start:end].sum(dtype=np.int64))
            widths[image] = boundary_distance((height, pixels // max(height, 1)), ratio)
    return widths


def _boundaries(runs: Runs, rows: Array, widths: Array) -> tuple[Array, Array, Array]:
    """Boundaries of the masks in `rows`, of these widths, as offsets, lengths and heights."""
    found = kernels.boundary_runs(runs.offsets, runs.lengths, runs.heights, rows=rows, widths=widths)
    return (*found, runs.heights[rows])
