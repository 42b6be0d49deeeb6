"""Boundaries in label maps: Boundary IoU and boundary F-scores from one table of counts.

Two kinds of boundary are counted:

    Boundary IoU   a band of some width inside each class, along its border; pixels of the two bands
                   are compared where they are
    boundary F     the contour of each class, one pixel wide; a contour pixel matches if the other
                   map has a contour pixel of the class within a tolerance

Boundaries are taken on the full image, never at the edge of a region. This module does not know why
images are weighted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from bench import kernels
from bench.classes import Classes
from bench.errors import UsageError
from bench.metrics.edges import near_another_class, near_frame
from bench.metrics.pixels import by_cluster, weigh
from bench.metrics.rates import MIN_CARRIERS, ClassesIn, Rates, Terms, rates, ratio, weigh_in_order
from bench.metrics.segments import boundary_distance
from bench.samples import Array, LabelMap, Table

TOLERANCES = (0.00088, 0.001875, 0.00375, 0.005)
"""Tolerances of the F-score as fractions of the diagonal: 3, 5, 9, 12 pixels in Cityscapes."""

Mode = Literal["gscnn", "present"]
MODES: tuple[Mode, ...] = ("gscnn", "present")
"""Images that the F-score of a class averages: all, as in GSCNN, or those with the class."""
IOU = "boundary_IoU"


@dataclass(frozen=True, eq=False)
class BoundaryScores:
    """Scores in [0, 1] for weights (B, N), NaN if undefined.

    `overall` maps `boundary_IoU` and `boundary_F_<tolerance>` to (B,), `per_class` the same names
    to (B, C). From `leave_out`, `fixed` maps them to the classes (C,) that keep their plain value.
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]
    fixed: Mapping[str, Array]

    def __getitem__(self, name: str) -> Array:
        """Return the mean of this name, (B,)."""
        return self.overall[name]


def names(tolerances: Sequence[float] = TOLERANCES) -> tuple[str, ...]:
    """Return the names of the scores; the column `tolerance` holds positions in this list.

    >>> names()[:2]
    ('boundary_IoU', 'boundary_F_0.00088')
    """
    return (IOU, *(f"boundary_F_{tolerance:g}" for tolerance in tolerances))


def radii(size: tuple[int, int], tolerances: Sequence[float] = TOLERANCES) -> tuple[int, ...]:
    """Return each tolerance in pixels of an image (H, W).

    A tolerance below 1 is a fraction of the diagonal, rounded up to whole pixels. From 1 on it is a
    number of pixels, rounded down.

    >>> radii((1024, 2048)), radii((256, 512))
    ((3, 5, 9, 12), (1, 2, 3, 3))

    Raises:
        UsageError: tolerances that do not increase, or that are not above 0.
    """
    if any(t <= 0 for t in tolerances) or any(a >= b for a, b in pairwise(tolerances)):
        raise UsageError(
            f"boundary tolerances must be above 0 and increase, got {list(tolerances)}"
        )
    diagonal = math.sqrt(size[0] ** 2 + size[1] ** 2)
    pixels = tuple(math.floor(t) if t >= 1 else math.ceil(t * diagonal) for t in tolerances)
    if list(pixels) != sorted(pixels):
        raise UsageError(
            f"boundary tolerances must not decrease in pixels: {list(tolerances)} are "
            f"{list(pixels)} pixels here"
        )
    return pixels


def coinciding(
    size: tuple[int, int], tolerances: Sequence[float] = TOLERANCES
) -> list[tuple[int, tuple[float, ...]]]:
    """Return tolerances that are the same number of pixels in images of this size (H, W).

    Each entry is a number of pixels and the tolerances that round to it: their scores are equal.

    >>> coinciding((256, 512))
    [(3, (0.00375, 0.005))]
    """
    pixels = np.array(radii(size, tolerances))
    groups = [
        (int(radius), tuple(np.array(tolerances)[pixels == radius].tolist()))
        for radius in np.unique(pixels)
    ]
    return [(radius, group) for radius, group in groups if len(group) > 1]


def count(
    truth: LabelMap,
    prediction: LabelMap,
    classes: Classes,
    *,
    band_ratio: float,
    tolerances: Sequence[float] = TOLERANCES,
    image: int = 0,
) -> dict[str, Table]:
    """Count the boundary pixels of one image; truth and prediction are as in `pixels.count`.

    Table `bands`: image (int32), class (int16), tolerance (int16: position in `names`), truth and
    predicted (int32: boundary pixels of the class), truth_matched and predicted_matched (int32:
    those with a partner in the other map). There are no rows without boundary pixels.

    Tolerance 0 is Boundary IoU: pixels of the class within `band_ratio` x diagonal of a valid pixel
    of another class, or of the frame of the image; the partner is the same pixel. Void makes no
    boundary and counts nowhere. The other tolerances are boundary F: contours one pixel wide, with
    partners within the tolerance; here void is another class, and the frame makes no contour.

    Source: boundary-iou-api (Cheng et al. 2021) and GSCNN (Takikawa et al. 2019), as measured in
    docs/conventions.md.

    >>> from bench.classes import Class
    >>> two = Classes((Class(0, "road", 0), Class(1, "car", 1)))
    >>> truth = LabelMap(np.uint8([[0, 0, 0, 1, 1, 1]]))
    >>> prediction = LabelMap(np.uint8([[0, 0, 1, 1, 1, 1]]))
    >>> table = count(truth, prediction, two, band_ratio=0.1, tolerances=(1,))["bands"]
    >>> [table[name].tolist() for name in ("class", "tolerance", "truth", "predicted_matched")]
    [[0, 0, 1, 1], [0, 1, 0, 1], [3, 1, 3, 1], [2, 1, 3, 1]]

    (A single row of pixels is all frame, so that all of its pixels are in bands.)
    """
    C = len(classes)
    dtype = np.uint8 if C < 255 else np.uint16
    # Void is taken from the truth alone: whatever is predicted there counts nowhere.
    void = truth.labels == classes.ignore
    true = truth.labels.astype(dtype)
    # Values in both maps: 0 .. C-1 classes, C a label that is not scored, C + 1 void. Label C is a
    # class of its own here: it makes a boundary where it meets others.
    predicted = np.minimum(prediction.labels, C).astype(dtype, copy=False)
    for labels in (true, predicted):
        np.copyto(labels, dtype(C + 1), where=void)
    counts = np.zeros((C, 1 + len(tolerances), 4), dtype=np.int64)
    counts[:, 0] = _bands(true, predicted, C, boundary_distance(truth.size, band_ratio))
    matches = kernels.contour_matches(true, predicted, C, radii(truth.size, tolerances))
    # The contours are the same for all tolerances; only the matches differ.
    counts[:, 1:, :2] = matches[:, None, :, 0]
    counts[:, 1:, 2:] = matches[:, :, 1:].transpose(0, 2, 1)
    # Most classes are absent from an image: only rows with boundary pixels are kept.
    rows = np.argwhere(counts[..., :2].any(axis=-1))
    values = counts[rows[:, 0], rows[:, 1]].astype(np.int32)
    columns = ("truth", "predicted", "truth_matched", "predicted_matched")
    return {
        "bands": {
            "image": np.full(len(rows), image, dtype=np.int32),
            "class": rows[:, 0].astype(np.int16),
            "tolerance": rows[:, 1].astype(np.int16),
            **{name: values[:, k] for k, name in enumerate(columns)},
        }
    }


def score(
    tables: Mapping[str, Table],
    weights: Array,
    classes: Classes,
    *,
    tolerances: Sequence[float] = TOLERANCES,
    mode: Mode = "gscnn",
    classes_in: ClassesIn = "truth",
) -> BoundaryScores:
    """Score `bands` of N images under weights (B, N).

    Boundary IoU sums the bands over images, then divides, like IoU. The F-score of a class is a
    mean over images of F = 2 PR / (P + R), where precision P and recall R are the fractions of
    predicted and true contour pixels that match. Mode `gscnn` averages all images: a class without
    a contour in both maps has F = 1 there, with a contour in one map alone F = 0. Mode `present`
    averages the images whose truth has a contour of the class. Means over classes are those of
    `rates.rates`.

    Raises:
        UsageError: an unknown mode, or tolerances as in `radii`.
    """
    results = {}
    for name, images in _terms(tables["bands"], weights.shape[1], classes, tolerances, mode):
        # Pixels of bands are whole numbers, which add up exactly in any order; F-scores are not.
        add = weigh if name == IOU else weigh_in_order
        rows = Terms(
            numerator=add(weights, images.numerator),
            denominator=weigh(weights, images.denominator),
            truth=weigh(weights, images.truth),
        )
        results[name] = rates(rows, images.each(_total), classes_in)
    return _scores(results)


def leave_out(
    tables: Mapping[str, Table],
    clusters: Array,
    classes: Classes,
    *,
    tolerances: Sequence[float] = TOLERANCES,
    mode: Mode = "gscnn",
    classes_in: ClassesIn = "truth",
) -> BoundaryScores:
    """Score with each of K clusters left out in turn, B = K; `clusters` (N,) numbers them 0 .. K-1.

    Each row is the total minus the sums of one cluster. Classes that fewer than `MIN_CARRIERS`
    clusters carry keep their plain value, as in `semantic.leave_out`; in mode `gscnn` every image
    carries every class.
    """
    count_of_clusters = int(clusters.max(initial=-1)) + 1
    results = {}
    for name, images in _terms(tables["bands"], len(clusters), classes, tolerances, mode):
        left_out = images.each(lambda values: by_cluster(values, clusters, count_of_clusters))
        plain = images.each(_total)
        rest = Terms(
            numerator=plain.numerator - left_out.numerator,
            denominator=plain.denominator - left_out.denominator,
            truth=plain.truth - left_out.truth,
        )
        carriers = (left_out.truth > 0).sum(axis=0)
        results[name] = rates(rest, plain, classes_in, rare=carriers < MIN_CARRIERS)
    return _scores(results)


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """Return what the ground truth alone determines: boundary pixels by class and tolerance."""
    table = tables["bands"]
    in_truth = table["truth"] > 0
    return {name: table[name][in_truth] for name in ("image", "class", "tolerance", "truth")}


def _bands(true: Array, predicted: Array, C: int, width: int) -> Array:
    """Count the pixels of each class in its band, (C, 4): of the truth, the prediction, both twice.

    One joint histogram of the two maps gives all counts, once every pixel outside a band is set to
    the value of void, C + 1. In one dimension, with width 1 (the frame makes a band, too):

        labels      0 0 0 1 1 1
        in a band   0 . 0 1 . 1
    """
    frame = near_frame((true.shape[0], true.shape[1]), width)
    maps = [labels.copy() for labels in (true, predicted)]
    for labels in maps:
        inside = ~(near_another_class(labels, C + 1, width) | frame)
        np.copyto(labels, labels.dtype.type(C + 1), where=inside)
    pixels = kernels.joint_histogram(maps[0], maps[1], C + 2, C + 2)
    both = np.diagonal(pixels)
    return np.stack([pixels.sum(axis=1), pixels.sum(axis=0), both, both], axis=1)[:C]


def _terms(
    table: Table, images: int, classes: Classes, tolerances: Sequence[float], mode: Mode
) -> Iterator[tuple[str, Terms]]:
    """Yield the name of each score and its terms in every image, (N, C)."""
    if mode not in MODES:
        raise UsageError(f"the mode of the boundary F-score is gscnn or present, not {mode!r}")
    shape = images, len(classes)
    cells = table["image"].astype(np.int64) * shape[1] + table["class"]
    for number, name in enumerate(names(tolerances)):
        rows = table["tolerance"] == number
        truth, predicted, truth_matched, predicted_matched = (
            np.bincount(cells[rows], table[column][rows], minlength=images * shape[1]).reshape(
                shape
            )
            for column in ("truth", "predicted", "truth_matched", "predicted_matched")
        )
        if number == 0:
            yield name, Terms(truth_matched, truth + predicted - truth_matched, truth)
            continue
        precision, recall = ratio(predicted_matched, predicted), ratio(truth_matched, truth)
        # NaN if one of the maps has no contour; then nothing matches either, and F is 0.
        f = np.nan_to_num(ratio(2 * precision * recall, precision + recall))
        if mode == "present":
            in_truth = (truth > 0).astype(np.float64)
            yield name, Terms(f * in_truth, in_truth, in_truth)
        else:
            f = np.where(truth + predicted == 0, 1.0, f)
            yield name, Terms(f, np.ones(shape), np.ones(shape))


def _total(values: Array) -> Array:
    return np.asarray(values.sum(axis=0, keepdims=True))


def _scores(results: Mapping[str, Rates]) -> BoundaryScores:
    return BoundaryScores(
        overall={name: result.mean for name, result in results.items()},
        per_class={name: result.rate for name, result in results.items()},
        fixed={name: result.fixed for name, result in results.items()},
    )
