"""Overlaps of objects for Boundary AP: the smaller of mask IoU and boundary IoU.

The boundary of a mask are its pixels within some distance of its outside. Boundaries are computed
on runs, and only for objects whose masks overlap enough; no image is ever decoded. `matching.py`
turns overlaps into matches. This module knows neither scores nor files.
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
    """Return a function for the smaller of mask IoU and boundary IoU of each pair.

    With a crowd it is the intersection of the masks / area of the detection. A boundary reaches
    `ratio` of the diagonal of the image inwards. Overlaps below `floor` become 0. Source:
    boundary-iou-api.

    Raises:
        InputError: there are no masks.
    """
    mask_iou = mask_overlaps(truth, detections, floor=floor)
    detection_runs, true_runs = detections.runs, truth.runs
    assert detection_runs is not None
    assert true_runs is not None
    widths = _widths(truth, detections, ratio)

    def overlaps(groups: Groups) -> Array:
        smaller = mask_iou(groups)
        crowds, detection_of_pair, truth_of_pair = _pairs(groups, truth.crowd)
        # A mask IoU that is 0 already stays the smaller one: most pairs need no boundary.
        wanted = np.flatnonzero((smaller > 0) & ~crowds)
        if not len(wanted):
            return smaller
        # Each boundary is computed once, however many pairs it is in.
        d, boundary_d = np.unique(
            groups.detection_rows[detection_of_pair[wanted]], return_inverse=True
        )
        g, boundary_g = np.unique(groups.truth_rows[truth_of_pair[wanted]], return_inverse=True)
        # Every pair is a group of its own, of one detection and one object.
        spans = np.stack([np.arange(len(wanted))] * 4, axis=1) + np.array([0, 1, 0, 1])
        boundary_iou = kernels.mask_overlaps(
            _boundaries(detection_runs, d, widths[detections.image[d]]),
            _boundaries(true_runs, g, widths[truth.image[g]]),
            np.zeros(len(g), dtype=bool),
            detection_rows=boundary_d.reshape(-1),
            truth_rows=boundary_g.reshape(-1),
            spans=spans,
            floor=floor,
        )
        smaller[wanted] = np.minimum(smaller[wanted], boundary_iou)
        return smaller

    return overlaps


def _pairs(groups: Groups, crowd: Array) -> tuple[Array, Array, Array]:
    """Return for every pair of the groups, in the order of the flat overlaps, three numbers.

    Whether the object is a crowd, the position in `detection_rows`, and that in `truth_rows`. A
    group of D detections and G objects has D x G pairs, row by row.
    """
    spans = groups.spans
    detections, objects = spans[:, 1] - spans[:, 0], spans[:, 3] - spans[:, 2]
    sizes = detections * objects
    within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    d, g = np.divmod(within, np.maximum(np.repeat(objects, sizes), 1))
    truth_of_pair = np.repeat(spans[:, 2], sizes) + g
    return crowd[groups.truth_rows[truth_of_pair]], np.repeat(spans[:, 0], sizes) + d, truth_of_pair


def _widths(truth: TruthColumns, detections: DetectionColumns, ratio: float) -> Array:
    """Return how many pixels boundaries reach inwards in each image, (N,) int64.

    The size of an image follows from its first mask; 0 for images without a mask.
    """
    widths = np.zeros(truth.images, dtype=np.int64)
    for columns in (truth, detections):
        runs = columns.runs
        assert runs is not None
        images, first = np.unique(columns.image, return_index=True)
        unknown = widths[images] == 0
        first = first[unknown]
        masks = np.stack(
            [images[unknown], runs.heights[first], runs.offsets[first], runs.offsets[first + 1]],
            axis=1,
        )
        for image, height, start, end in masks.tolist():
            pixels = int(runs.lengths[start:end].sum(dtype=np.int64))
            widths[image] = boundary_distance((height, pixels // max(height, 1)), ratio)
    return widths


def _boundaries(runs: Runs, rows: Array, widths: Array) -> tuple[Array, Array, Array]:
    """Return the boundaries of the masks in `rows` as runs: offsets, lengths and heights."""
    boundaries = kernels.boundary_runs(
        runs.offsets, runs.lengths, runs.heights, rows=rows, widths=widths
    )
    return (*boundaries, runs.heights[rows])
