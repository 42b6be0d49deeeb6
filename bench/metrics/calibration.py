"""Calibration of class probabilities: of pixels predicted with confidence p, is a fraction p right?

The confidence of a pixel is the probability of its predicted class. Pixels are sorted into bins by
confidence; in a calibrated bin, the mean confidence equals the fraction of right pixels:

    bin          (.6, .7]   (.7, .8]   (.8, .9]
    confidence      .66        .75        .84
    right           .64        .70        .71      gap .13: the model is overconfident here

This module does not know why images are weighted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.classes import Classes
from bench.errors import PredictionError
from bench.metrics.rates import ratio
from bench.samples import Array, LabelMap, Table

BINS = 15
"""Bins of equal width, as in Guo et al. 2017."""

_CELLS = 1 << 22
"""Cells of a block of weighted sums, which bounds the memory of scoring: 3 x 32 MiB."""
_COLUMNS = ("pixels", "confidence", "hits")


@dataclass(frozen=True, eq=False)
class CalibrationScores:
    """Errors in [0, 1] for weights (B, N), lower is better, NaN if undefined.

    `overall` maps `ECE` and `MCE` to (B,), `per_class` maps `ECE` to (B, C), by predicted class.
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]

    def __getitem__(self, name: str) -> Array:
        """Return the score of this name, (B,)."""
        return self.overall[name]


def count(
    truth: LabelMap,
    prediction: LabelMap,
    confidence: Array,
    classes: Classes,
    *,
    bins: int = BINS,
    image: int = 0,
    where: str = "",
) -> dict[str, Table]:
    """Count the pixels of one image by predicted class and confidence (H, W) in [0, 1].

    Table `calibration`, sorted: image (int32), class (int16: the predicted class 0 .. C-1, or C for
    a label that is not scored), bin (int16), pixels (int32), confidence (float64, summed over
    pixels), hits (int32: pixels that are right). Bin k holds confidences in (k / bins, (k + 1) /
    bins], and bin 0 also 0. Void in the truth counts nowhere. There are no rows without pixels.

    Raises:
        PredictionError: a confidence outside [0, 1], or NaN, on a valid pixel; or of another shape.
    """
    if confidence.shape != truth.labels.shape:
        raise PredictionError(
            f"{where}: the confidence has shape {confidence.shape} but the truth has shape "
            f"{truth.labels.shape}"
        )
    valid = truth.labels != classes.ignore
    true, probability = truth.labels[valid].astype(np.int64), confidence[valid].astype(np.float64)
    predicted = np.minimum(prediction.labels[valid], len(classes)).astype(np.int64)
    # Written so that NaN is out of range, too.
    wrong = probability[~((probability >= 0) & (probability <= 1))]
    if wrong.size:
        raise PredictionError(f"{where}: confidence must be between 0 and 1, got {wrong[0]:g}")
    bin_of_pixel = np.clip(np.ceil(probability * bins).astype(np.int64) - 1, 0, bins - 1)
    cell = predicted * bins + bin_of_pixel
    cells = (len(classes) + 1) * bins
    # A label that is not scored (class C) is never right, but its confidence counts.
    pixels, hits = (
        np.bincount(cell, minlength=cells),
        np.bincount(cell[true == predicted], minlength=cells),
    )
    kept = np.flatnonzero(pixels)
    return {
        "calibration": {
            "image": np.full(len(kept), image, dtype=np.int32),
            "class": (kept // bins).astype(np.int16),
            "bin": (kept % bins).astype(np.int16),
            "pixels": pixels[kept].astype(np.int32),
            "confidence": np.bincount(cell, weights=probability, minlength=cells)[kept],
            "hits": hits[kept].astype(np.int32),
        }
    }


def score(
    tables: Mapping[str, Table], weights: Array, classes: Classes, *, bins: int = BINS
) -> CalibrationScores:
    """Score `calibration` of N images under weights (B, N).

    The gap of a bin is |fraction of right pixels - mean confidence|. ECE is the mean of the gaps,
    weighted by pixels, MCE the largest gap. The ECE of a class is over the pixels predicted as that
    class. Source: Guo et al. 2017.

    >>> from bench.classes import Class
    >>> two = Classes((Class(0, "road", 0), Class(1, "car", 1)))
    >>> maps = LabelMap(np.uint8([[0, 0, 1]])), LabelMap(np.uint8([[0, 1, 1]]))
    >>> tables = count(*maps, np.array([[0.9, 0.6, 0.9]]), two)
    >>> score(tables, np.ones((1, 1)), two)["ECE"].round(6).tolist()
    [0.266667]
    """
    table, cells = tables["calibration"], (len(classes) + 1) * bins
    rows = max(1, _CELLS // cells)
    blocks = [
        _scores(_weighed(table, weights[start : start + rows], cells, bins), classes, bins)
        for start in range(0, max(len(weights), 1), rows)
    ]
    return _joined(blocks)


def leave_out(
    tables: Mapping[str, Table], clusters: Array, classes: Classes, *, bins: int = BINS
) -> CalibrationScores:
    """Score with each of K clusters left out in turn, B = K; `clusters` (N,) numbers them 0 .. K-1.

    Each row is the total minus the sums of one cluster.
    """
    table, cells = tables["calibration"], (len(classes) + 1) * bins
    count_of_clusters, cluster = int(clusters.max(initial=-1)) + 1, clusters[table["image"]]
    cell = table["class"].astype(np.int64) * bins + table["bin"]
    total = {name: np.bincount(cell, table[name], minlength=cells) for name in _COLUMNS}
    # Clusters are handled in blocks: with many of them, (K, cells) would be too large.
    rows, blocks = max(1, _CELLS // cells), []
    for start in range(0, max(count_of_clusters, 1), rows):
        stop = min(start + rows, count_of_clusters)
        inside = (cluster >= start) & (cluster < stop)
        target = (cluster[inside] - start) * cells + cell[inside]
        rest = {}
        for name in _COLUMNS:
            left_out = np.bincount(target, table[name][inside], minlength=(stop - start) * cells)
            rest[name] = total[name] - left_out.reshape(stop - start, cells)
        blocks.append(_scores(rest, classes, bins))
    return _joined(blocks)


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """Return what the ground truth alone determines: the valid pixels of every image."""
    table = tables["calibration"]
    images, group = np.unique(table["image"], return_inverse=True)
    return {
        "image": images,
        "pixels": np.bincount(group, table["pixels"], minlength=len(images)).astype(np.int64),
    }


def _weighed(table: Table, weights: Array, cells: int, bins: int) -> dict[str, Array]:
    """Sum every cell under weights (B, N), in the order of images; (B, cells) for each column."""
    sums = {name: np.zeros((len(weights), cells)) for name in _COLUMNS}
    cell = table["class"].astype(np.int64) * bins + table["bin"]
    images, starts = np.unique(table["image"], return_index=True)
    stops = np.append(starts[1:], len(cell))[: len(starts)]
    for image, start, stop in zip(images, starts, stops, strict=True):
        rows = slice(start, stop)
        for name in _COLUMNS:
            sums[name][:, cell[rows]] += weights[:, image, None] * table[name][None, rows]
    return sums


def _scores(sums: Mapping[str, Array], classes: Classes, bins: int) -> CalibrationScores:
    by_class = {name: column.reshape(-1, len(classes) + 1, bins) for name, column in sums.items()}
    total = {name: column.sum(axis=1) for name, column in by_class.items()}
    # pixels x |hits / pixels - confidence / pixels| = |hits - confidence|: no division by bin is
    # needed.
    gaps = np.abs(total["hits"] - total["confidence"])
    largest = np.nan_to_num(ratio(gaps, total["pixels"])).max(axis=1)
    class_gaps = np.abs(by_class["hits"] - by_class["confidence"]).sum(axis=2)
    per_class = ratio(class_gaps, by_class["pixels"].sum(axis=2))
    overall = {
        "ECE": ratio(gaps.sum(axis=1), total["pixels"].sum(axis=1)),
        "MCE": np.where(total["pixels"].any(axis=1), largest, np.nan),
    }
    return CalibrationScores(overall, {"ECE": per_class[:, : len(classes)]})


def _joined(blocks: list[CalibrationScores]) -> CalibrationScores:
    return CalibrationScores(
        {
            name: np.concatenate([block.overall[name] for block in blocks])
            for name in blocks[0].overall
        },
        {
            name: np.concatenate([block.per_class[name] for block in blocks])
            for name in blocks[0].per_class
        },
    )
