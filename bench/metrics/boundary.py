"""Boundaries in semantic maps: Boundary IoU and boundary F-scores of classes, from one table of small counts.

Boundaries are taken on the full image, never at the edge of a region. This module knows neither files, models nor
which images are weighted how.
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
from bench.metrics.rates import Rates, Shares, rates, ratio, weigh_in_order
from bench.metrics.segments import boundary_distance
from bench.metrics.semantic import SILENT, ClassesIn
from bench.samples import Array, LabelMap, Table

TOLERANCES = (0.00088, 0.001875, 0.00375, 0.005)
"""Distances that the boundary F-score forgives, as fractions of the diagonal: 3, 5, 9 and 12 pixels in Cityscapes."""

Mode = Literal["gscnn", "present"]
MODES: tuple[Mode, ...] = ("gscnn", "present")
IOU = "boundary_IoU"


@dataclass(frozen=True, eq=False)
class BoundaryScores:
    """Scores in [0, 1] for B rows of weights, NaN where undefined.

    `overall` maps `boundary_IoU` and `boundary_F_<tolerance>` to (B,), `per_class` the same names to (B, C). `held`
    maps them to the classes (C,) that `leave_out` holds at their plain value.
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]
    held: Mapping[str, Array]

    def __getitem__(self, name: str) -> Array:
        """Find the mean of this name, (B,)."""
        return self.overall[name]


def names(tolerances: Sequence[float] = TOLERANCES) -> tuple[str, ...]:
    """Names of the scores: the place of each is its number in the column `tolerance`.

    >>> names()[:2]
    ('boundary_IoU', 'boundary_F_0.00088')
    """
    return (IOU, *(f"boundary_F_{tolerance:g}" for tolerance in tolerances))


def radii(size: tuple[int, int], tolerances: Sequence[float] = TOLERANCES) -> tuple[int, ...]:
    """Return each tolerance in pixels of an image (H, W): its share of the diagonal, rounded up; from 1 on, pixels.

    >>> radii((1024, 2048)), radii((256, 512))
    ((3, 5, 9, 12), (1, 2, 3, 3))

    Raises:
        UsageError: tolerances that do not grow, or that are not above 0.
    """
    if any(t <= 0 for t in tolerances) or any(a >= b for a, b in pairwise(tolerances)):
        raise UsageError(f"boundary tolerances {list(tolerances)} must be above 0 and grow")
    diagonal = math.sqrt(size[0] ** 2 + size[1] ** 2)
    pixels = tuple(math.floor(t) if t >= 1 else math.ceil(t * diagonal) for t in tolerances)
    if list(pixels) != sorted(pixels):
        raise UsageError(f"boundary tolerances {list(tolerances)} are {list(pixels)} pixels here: they must not fall")
    return pixels


def coinciding(size: tuple[int, int], tolerances: Sequence[float] = TOLERANCES) -> list[tuple[int, tuple[float, ...]]]:
    """Name the tolerances that are the same number of pixels in images of this size, and so the same score.

    >>> coinciding((256, 512))
    [(3, (0.00375, 0.005))]
    """
    pixels = np.array(radii(size, tolerances))
    groups = [(int(r), tuple(np.array(tolerances)[pixels == r].tolist())) for r in np.unique(pixels)]
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
    """Count the boundary pixels of one image; truth and prediction are as `pixels.count` takes them.

    Table `bands`: image (int32), class (int16), tolerance (int16: place in `names`), truth and predicted (int32:
    boundary pixels of the class), truth_matched and predicted_matched (int32: those with a partner in the other).
    Rows without boundary are left out.

    Tolerance 0 is Boundary IoU: pixels of the class within `band_ratio` of the diagonal of a valid pixel of another
    class or of the frame; a partner is the same pixel. Void makes no boundary and counts nowhere. The others are
    boundary F: contours one pixel wide, partners as far as the tolerance; void is another class here, and the frame
    makes none.
    """
    C = len(classes)
    dtype = np.uint8 if C < 255 else np.uint16
    void = truth.labels == classes.ignore
    true = truth.labels.astype(dtype)
    # A label that is not scored is a class of its own here: it makes a boundary where it meets others.
    predicted = np.minimum(prediction.labels, C).astype(dtype, copy=False)
    for labels in (true, predicted):
        np.copyto(labels, dtype(C + 1), where=void)
    counts = np.zeros((C, 1 + len(tolerances), 4), dtype=np.int64)
    counts[:, 0] = _bands(true, predicted, C, boundary_distance(truth.size, band_ratio))
    matches = kernels.contour_matches(true, predicted, C, radii(truth.size, tolerances))
    counts[:, 1:, :2] = matches[:, None, :, 0]
    counts[:, 1:, 2:] = matches[:, :, 1:].transpose(0, 2, 1)
    rows = np.argwhere(counts[..., :2].any(axis=-1))
    kept = counts[rows[:, 0], rows[:, 1]].astype(np.int32)
    columns = ("truth", "predicted", "truth_matched", "predicted_matched")
    return {
        "bands": {
            "image": np.full(len(rows), image, dtype=np.int32),
            "class": rows[:, 0].astype(np.int16),
            "tolerance": rows[:, 1].astype(np.int16),
            **{name: kept[:, k] for k, name in enumerate(columns)},
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
    """Score `bands` of N images under B rows of weights, (B, N).

    Boundary IoU sums bands over images, then divides; its mean runs over classes as that of `semantic.score`. The F
    of a class is the mean of its images' F = 2 PR / (P + R), P and R the shares of matched contour pixels: over all
    images and classes in mode `gscnn`, where a class with no contour in an image has F = 1, with one in truth or
    prediction alone F = 0; over images whose truth has a contour of the class in mode `present`.
    """
    found = {}
    for name, images in _all(tables["bands"], weights.shape[1], classes, tolerances, mode):
        add = weigh if name == IOU else weigh_in_order
        rows = Shares(add(weights, images.part), weigh(weights, images.whole), weigh(weights, images.carried))
        found[name] = rates(rows, images.each(_total), classes_in)
    return _scores(found)


def leave_out(
    tables: Mapping[str, Table],
    clusters: Array,
    classes: Classes,
    *,
    tolerances: Sequence[float] = TOLERANCES,
    mode: Mode = "gscnn",
    classes_in: ClassesIn = "truth",
) -> BoundaryScores:
    """Score with each cluster left out in turn, B = K clusters, as total minus part; `clusters` (N,) numbers them.

    Classes that fewer than 3 clusters carry are held, as in `semantic.leave_out`; in mode `gscnn` every image carries
    every class.
    """
    groups = int(clusters.max(initial=-1)) + 1
    found = {}
    for name, images in _all(tables["bands"], len(clusters), classes, tolerances, mode):
        parts, plain = images.each(lambda part: by_cluster(part, clusters, groups)), images.each(_total)
        rest = Shares(plain.part - parts.part, plain.whole - parts.whole, plain.carried - parts.carried)
        found[name] = rates(rest, plain, classes_in, silent=(parts.carried > 0).sum(axis=0) < SILENT)
    return _scores(found)


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """The truth's own rows: boundary pixels of each class and tolerance in every image."""
    table = tables["bands"]
    keep = table["truth"] > 0
    return {name: table[name][keep] for name in ("image", "class", "tolerance", "truth")}


def _bands(true: Array, predicted: Array, C: int, width: int) -> Array:
    """Pixels of each class in its band of the truth, of the prediction, and in both (twice), (C, 4)."""
    frame = near_frame((true.shape[0], true.shape[1]), width)
    maps = [labels.copy() for labels in (true, predicted)]
    for labels in maps:
        inside = ~(near_another_class(labels, C + 1, width) | frame)
        np.copyto(labels, labels.dtype.type(C + 1), where=inside)
    pixels = kernels.joint_histogram(maps[0], maps[1], C + 2, C + 2)
    both = np.diagonal(pixels)
    return np.stack([pixels.sum(axis=1), pixels.sum(axis=0), both, both], axis=1)[:C]


def _all(
    table: Table, images: int, classes: Classes, tolerances: Sequence[float], mode: Mode
) -> Iterator[tuple[str, Shares]]:
    """Yield what each score is made of in every image, (N, C)."""
    if mode not in MODES:
        raise UsageError(f"the mode of the boundary F-score is gscnn or present, not {mode!r}")
    shape = images, len(classes)
    place = table["image"].astype(np.int64) * shape[1] + table["class"]
    for number, name in enumerate(names(tolerances)):
        keep = table["tolerance"] == number
        truth, predicted, truth_matched, predicted_matched = (
            np.bincount(place[keep], table[column][keep], minlength=images * shape[1]).reshape(shape)
            for column in ("truth", "predicted", "truth_matched", "predicted_matched")
        )
        if number == 0:
            yield name, Shares(truth_matched, truth + predicted - truth_matched, truth)
            continue
        precision, recall = ratio(predicted_matched, predicted), ratio(truth_matched, truth)
        # NaN where one side has no contour; then nothing is matched either.
        f = np.nan_to_num(ratio(2 * precision * recall, precision + recall))
        there = (truth > 0).astype(np.float64)
        if mode == "present":
            yield name, Shares(f * there, there, there)
        else:
            f = np.where(truth + predicted == 0, 1.0, f)
            yield name, Shares(f, np.ones(shape), np.ones(shape))


def _total(part: Array) -> Array:
    return np.asarray(part.sum(axis=0, keepdims=True))


def _scores(found: Mapping[str, Rates]) -> BoundaryScores:
    return BoundaryScores(
        overall={name: one.mean for name, one in found.items()},
        per_class={name: one.rate for name, one in found.items()},
        held={name: one.held for name, one in found.items()},
    )
