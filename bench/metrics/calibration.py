"""Calibration of class probabilities: whether pixels predicted with confidence p are right as often as p says.

The confidence of a pixel is the probability of the class that is predicted there. This module knows neither models nor
which images are weighted how.
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
"""Most cells of a block of weighted sums (32 MiB each of three): rows of weights are scored in blocks of that size."""
_COLUMNS = ("pixels", "confidence", "hits")


@dataclass(frozen=True, eq=False)
class CalibrationScores:
    """Errors in [0, 1] for B rows of weights, smaller is better, NaN where undefined.

    `overall` maps `ECE` and `MCE` to (B,), `per_class` maps `ECE` to (B, C), by predicted class.
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]

    def __getitem__(self, name: str) -> Array:
        """Find the score of this name, (B,)."""
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

    Table `calibration`, sorted: image (int32), class (int16: the predicted class 0 .. C-1, or C for a label that is
    not scored), bin (int16: 0 holds confidences from 0 to 1 / bins, both ends included, the others are open below),
    pixels (int32), confidence (float64, their sum), hits (int32: pixels that are right). Void in the truth counts
    nowhere. Rows without pixels are left out.

    Raises:
        PredictionError: a confidence outside [0, 1], or NaN, on a valid pixel; or of another shape.
    """
    if confidence.shape != truth.labels.shape:
        raise PredictionError(f"{where}: confidence of shape {confidence.shape} for a truth of {truth.labels.shape}")
    valid = truth.labels != classes.ignore
    true, sure = truth.labels[valid].astype(np.int64), confidence[valid].astype(np.float64)
    predicted = np.minimum(prediction.labels[valid], len(classes)).astype(np.int64)
    wrong = sure[~((sure >= 0) & (sure <= 1))]
    if wrong.size:
        raise PredictionError(f"{where}: a confidence of {wrong[0]:g}; probabilities lie between 0 and 1")
    cell = predicted * bins + np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)
    cells = (len(classes) + 1) * bins
    pixels, hits = np.bincount(cell, minlength=cells), np.bincount(cell[true == predicted], minlength=cells)
    keep = np.flatnonzero(pixels)
    return {
        "calibration": {
            "image": np.full(len(keep), image, dtype=np.int32),
            "class": (keep // bins).astype(np.int16),
            "bin": (keep % bins).astype(np.int16),
            "pixels": pixels[keep].astype(np.int32),
            "confidence": np.bincount(cell, weights=sure, minlength=cells)[keep],
            "hits": hits[keep].astype(np.int32),
        }
    }


def score(tables: Mapping[str, Table], weights: Array, classes: Classes, *, bins: int = BINS) -> CalibrationScores:
    """Score `calibration` of N images under B rows of weights, (B, N).

    ECE is the mean over pixels, by bins, of |share of hits - mean confidence|, MCE the largest of these differences;
    per class over the pixels predicted as that class.

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


def leave_out(tables: Mapping[str, Table], clusters: Array, classes: Classes, *, bins: int = BINS) -> CalibrationScores:
    """Score with each cluster left out in turn, B = K clusters, as total minus part; `clusters` (N,) numbers them."""
    table, cells = tables["calibration"], (len(classes) + 1) * bins
    groups, owner = int(clusters.max(initial=-1)) + 1, clusters[table["image"]]
    place = table["class"].astype(np.int64) * bins + table["bin"]
    total = {name: np.bincount(place, table[name], minlength=cells) for name in _COLUMNS}
    rows, blocks = max(1, _CELLS // cells), []
    for start in range(0, max(groups, 1), rows):
        stop = min(start + rows, groups)
        inside = (owner >= start) & (owner < stop)
        parts = {}
        for name in _COLUMNS:
            values = np.bincount(
                (owner[inside] - start) * cells + place[inside], table[name][inside], minlength=(stop - start) * cells
            )
            parts[name] = total[name] - values.reshape(stop - start, cells)
        blocks.append(_scores(parts, classes, bins))
    return _joined(blocks)


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """The truth's own rows: the valid pixels of every image."""
    table = tables["calibration"]
    images, place = np.unique(table["image"], return_inverse=True)
    return {"image": images, "pixels": np.bincount(place, table["pixels"], minlength=len(images)).astype(np.int64)}


def _weighed(table: Table, weights: Array, cells: int, bins: int) -> dict[str, Array]:
    """Sum every cell under weights (B, N), in the order of the images, (B, cells) for each column."""
    sums = {name: np.zeros((len(weights), cells)) for name in _COLUMNS}
    place = table["class"].astype(np.int64) * bins + table["bin"]
    images, starts = np.unique(table["image"], return_index=True)
    stops = np.append(starts[1:], len(place))[: len(starts)]
    for image, start, stop in zip(images, starts, stops, strict=True):
        own = slice(start, stop)
        for name in _COLUMNS:
            sums[name][:, place[own]] += weights[:, image, None] * table[name][None, own]
    return sums


def _scores(sums: Mapping[str, Array], classes: Classes, bins: int) -> CalibrationScores:
    each = {name: column.reshape(-1, len(classes) + 1, bins) for name, column in sums.items()}
    total = {name: column.sum(axis=1) for name, column in each.items()}
    gaps = np.abs(total["hits"] - total["confidence"])
    largest = np.nan_to_num(ratio(gaps, total["pixels"])).max(axis=1)
    per_class = ratio(np.abs(each["hits"] - each["confidence"]).sum(axis=2), each["pixels"].sum(axis=2))
    overall = {
        "ECE": ratio(gaps.sum(axis=1), total["pixels"].sum(axis=1)),
        "MCE": np.where(total["pixels"].any(axis=1), largest, np.nan),
    }
    return CalibrationScores(overall, {"ECE": per_class[:, : len(classes)]})


def _joined(blocks: list[CalibrationScores]) -> CalibrationScores:
    return CalibrationScores(
        {name: np.concatenate([block.overall[name] for block in blocks]) for name in blocks[0].overall},
        {name: np.concatenate([block.per_class[name] for block in blocks]) for name in blocks[0].per_class},
    )
