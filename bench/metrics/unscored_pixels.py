"""Pixels that no class score counts: over void, or predicted as a label that is not scored.

No score uses these two tables. They hold what the table `pixels` lacks: the predictions where the
ground truth is void, and which unscored labels were predicted. `bench/families/doubts` checks
whether that was intended.
"""

from __future__ import annotations

import numpy as np

from bench.classes import Classes
from bench.metrics.label_space import UNKNOWN
from bench.samples import Array, LabelMap, Table
from bench.samples.columns import LabelPairs

TABLES = ("void_pixels", "unscored_labels")
_VALUES = 1 << 17
"""A bound above all values (16 bits and `UNKNOWN`), to pack several into one sortable key."""


def of_maps(
    truth: LabelMap, prediction: LabelMap, classes: Classes, matrix: Array, *, image: int
) -> dict[str, Table]:
    """Return the tables of one image.

    `matrix` (C + 1, C + 1) are the pixels of the image by true and predicted class, void last.

    `void_pixels`: image (int32), predicted (int16, 0 .. C), pixels (int64). `unscored_labels`:
    image (int32), truth (int16, 0 .. C-1), label (int32, the value as predicted, -1 if unknown),
    pixels (int64).
    """
    over_void = matrix[len(classes)]
    predicted = np.flatnonzero(over_void)
    true = label = pixels = np.zeros(0, dtype=np.int64)
    if matrix[: len(classes), len(classes)].any():
        true, label, pixels = _missed(truth, prediction, classes)
    return {
        "void_pixels": _void(np.full(len(predicted), image), predicted, over_void[predicted]),
        "unscored_labels": _labels(np.full(len(true), image), true, label, pixels),
    }


def _missed(truth: LabelMap, prediction: LabelMap, classes: Classes) -> tuple[Array, Array, Array]:
    """Return true class, predicted label and pixels of each pair whose label is not scored."""
    unscored = (prediction.labels == classes.ignore) & (truth.labels != classes.ignore)
    true, values = truth.labels[unscored].astype(np.int64), prediction.values
    # UNKNOWN is -1: labels are shifted by one, so that it can be counted as 0.
    label = (
        np.zeros(len(true), np.int64)
        if values is None
        else values[unscored].astype(np.int64) - UNKNOWN
    )
    width = 1 + int(label.max(initial=0))
    pixels = np.bincount(true * width + label)
    cells = np.flatnonzero(pixels)
    return cells // width, cells % width + UNKNOWN, pixels[cells]


def of_pairs(pairs: LabelPairs, classes: Classes, positions: Array) -> dict[str, Table]:
    """Return the tables of several images at `positions` of the data set, as `of_maps` does."""
    void, unscored = pairs.truth == classes.ignore, pairs.predicted == classes.ignore
    image, pixels = positions[pairs.image].astype(np.int64), pairs.pixels
    predicted = np.where(unscored, len(classes), pairs.predicted).astype(np.int64)
    missed = unscored & ~void
    values = np.full(len(image), UNKNOWN) if pairs.values is None else pairs.values.astype(np.int64)
    return {
        "void_pixels": _void(image[void], predicted[void], pixels[void]),
        "unscored_labels": _labels(
            image[missed], pairs.truth[missed].astype(np.int64), values[missed], pixels[missed]
        ),
    }


def _void(image: Array, predicted: Array, pixels: Array) -> Table:
    # Image and value share one key, in which the image is the leading digit: rows come out sorted.
    keys, sums = _summed(image * _VALUES + predicted, pixels)
    return {
        "image": (keys // _VALUES).astype(np.int32),
        "predicted": (keys % _VALUES).astype(np.int16),
        "pixels": sums,
    }


def _labels(image: Array, truth: Array, label: Array, pixels: Array) -> Table:
    keys, sums = _summed((image * _VALUES + truth) * _VALUES + label - UNKNOWN, pixels)
    return {
        "image": (keys // _VALUES**2).astype(np.int32),
        "truth": (keys // _VALUES % _VALUES).astype(np.int16),
        "label": (keys % _VALUES + UNKNOWN).astype(np.int32),
        "pixels": sums,
    }


def _summed(keys: Array, pixels: Array) -> tuple[Array, Array]:
    """Return each key once, rising, with the sum of its pixels."""
    order = np.argsort(keys, kind="stable")
    keys, pixels = keys[order].astype(np.int64), pixels[order].astype(np.int64)
    starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
    return keys[starts], np.add.reduceat(pixels, starts) if len(starts) else pixels
