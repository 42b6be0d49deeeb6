"""The pixels table: pixels of every image by true and predicted class.

`count` makes the rows of one image; the other functions add rows up. `semantic.py` turns the sums
into scores. This module does not know why images are weighted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench import kernels
from bench.classes import INVALID, Classes
from bench.errors import DataError, PredictionError
from bench.metrics import unscored_pixels
from bench.samples import Array, LabelMap, Table
from bench.samples.columns import LabelPairs

RARE = 10
"""A class that fewer images carry is named next to the scores."""


@dataclass(frozen=True, eq=False)
class Sums:
    """Pixels of each class, float64 (..., C): in the truth, predicted as the class, and both.

    Floats, because weights may be fractions; whole numbers below 2^53 are exact.
    """

    truth: Array
    predicted: Array
    hits: Array

    def each(self, change: Callable[[Array], Array]) -> Sums:
        """Apply a function to each of the three."""
        return Sums(change(self.truth), change(self.predicted), change(self.hits))

    def joined(self, change: Callable[[Array], Array]) -> Sums:
        """Apply a function once to all three side by side, (..., 3C), which is faster."""
        return Sums(
            *np.split(
                change(np.concatenate([self.truth, self.predicted, self.hits], axis=-1)), 3, axis=-1
            )
        )

    def total(self) -> Sums:
        """Add up all images, (1, C)."""
        return self.each(lambda values: values.sum(axis=0, keepdims=True))


def count(
    truth: LabelMap,
    prediction: LabelMap,
    classes: Classes,
    *,
    image: int = 0,
    region: int = 0,
    where: str = "",
) -> Table:
    """Count the pixels of every pair of truth and predicted class in one image.

    Returns the pairs that occur, sorted: image (int32), region (int16, 0 is the whole image), truth
    (int16, 0 .. C-1), predicted (int16, 0 .. C, where C is any label that is not scored), pixels
    (int32; int64 in images above 2^31 pixels). Void in the truth makes no rows. `where` names the
    image in messages.

    >>> from bench.classes import Class
    >>> classes = Classes((Class(0, "road", 0), Class(1, "car", 1)))
    >>> truth, prediction = np.uint8([[0, 0, 1, 255]]), np.uint8([[0, 1, 1, 1]])
    >>> table = count(LabelMap(truth), LabelMap(prediction), classes)
    >>> [table[name].tolist() for name in ("truth", "predicted", "pixels")]
    [[0, 0, 1], [0, 1, 1], [1, 1, 1]]

    Raises:
        PredictionError: the sizes differ, or a predicted value is neither 0 .. C-1 nor ignored.
        DataError: a value of the truth is neither.
    """
    return _rows(_joint(truth, prediction, classes, where)[: len(classes)], truth, image, region)


def count_all(
    truth: LabelMap, prediction: LabelMap, classes: Classes, *, image: int = 0, where: str = ""
) -> dict[str, Table]:
    """Count one image: the table `pixels`, as `count` does, and those of `unscored_pixels.py`.

    Raises the errors of `count`.
    """
    matrix = _joint(truth, prediction, classes, where)
    unscored = unscored_pixels.of_maps(truth, prediction, classes, matrix, image=image)
    return {"pixels": _rows(matrix[: len(classes)], truth, image, 0), **unscored}


def _rows(matrix: Array, truth: LabelMap, image: int, region: int) -> Table:
    rows, columns = np.nonzero(matrix)
    wide = truth.labels.size > np.iinfo(np.int32).max
    return {
        "image": np.full(len(rows), image, dtype=np.int32),
        "region": np.full(len(rows), region, dtype=np.int16),
        "truth": rows.astype(np.int16),
        "predicted": columns.astype(np.int16),
        "pixels": matrix[rows, columns].astype(np.int64 if wide else np.int32),
    }


def count_pairs(pairs: LabelPairs, classes: Classes, positions: Array) -> dict[str, Table]:
    """Count several images from pixels that are already summed by pair of labels.

    `positions` are the positions of the images in the data set. The rows are those of `count_all`
    for one image after the other.
    """
    return {
        "pixels": _of_pairs(pairs, classes, positions),
        **unscored_pixels.of_pairs(pairs, classes, positions),
    }


def _of_pairs(pairs: LabelPairs, classes: Classes, positions: Array) -> Table:
    C, void = len(classes), classes.ignore
    valid = pairs.truth != void
    predicted = np.where(pairs.predicted == void, C, pairs.predicted).astype(np.int64)[valid]
    # Number the cells of the matrices (C, C + 1) of all images. Several pairs may fall into one
    # cell, as all labels that are not scored share the last column; sorting brings them together.
    cells = (pairs.image[valid] * C + pairs.truth[valid]) * (C + 1) + predicted
    order = np.argsort(cells, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(cells[order]) != 0)[: len(order)])
    first = cells[order][starts]
    pixels = np.add.reduceat(pairs.pixels[valid][order], starts) if len(starts) else starts
    image, cell = np.divmod(first, C * (C + 1))
    return {
        "image": positions[image],
        "region": np.zeros(len(first), dtype=np.int16),
        "truth": (cell // (C + 1)).astype(np.int16),
        "predicted": (cell % (C + 1)).astype(np.int16),
        "pixels": pixels.astype(np.int32),
    }


def count_regions(
    truth: LabelMap,
    prediction: LabelMap,
    regions: Sequence[tuple[slice, slice] | Array],
    classes: Classes,
    *,
    image: int = 0,
    where: str = "",
) -> Table:
    """Count one image in each of R regions: rows of `count` for region 0, then for region 1, ...

    A region is a window (rows, columns) or a mask (H, W) bool, as `regions.regions_of` makes them.
    Raises the errors of `count`.

    >>> from bench.classes import Class
    >>> classes = Classes((Class(0, "road", 0), Class(1, "car", 1)))
    >>> truth, prediction = LabelMap(np.uint8([[0, 0, 1, 1]])), LabelMap(np.uint8([[0, 1, 1, 1]]))
    >>> regions = [(slice(0, 1), slice(0, 4)), np.array([[True, False, True, False]])]
    >>> table = count_regions(truth, prediction, regions, classes)
    >>> [table[name].tolist() for name in ("region", "truth", "predicted", "pixels")]
    [[0, 0, 0, 1, 1], [0, 0, 1, 0, 1], [0, 1, 1, 0, 1], [1, 1, 2, 1, 1]]
    """
    _require_same_size(truth, prediction, f"{where}: " if where else "")
    tables = []
    for number, region in enumerate(regions):
        if isinstance(region, tuple):
            inside = LabelMap(truth.labels[region]), LabelMap(prediction.labels[region])
        else:
            # Void in the truth counts nowhere: outside a mask, every pixel becomes void.
            void = truth.labels.dtype.type(classes.ignore)
            inside = LabelMap(np.where(region, truth.labels, void)), prediction
        tables.append(count(*inside, classes, image=image, region=number, where=where))
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def truth_rows(counts: Table) -> Table:
    """Return what the ground truth alone determines: pixels by image, region and class, int64."""
    columns = {name: counts[name].astype(np.int64) for name in ("image", "region", "truth")}
    keys = np.ravel_multi_index(tuple(columns.values()), _extent(columns))
    unique, group = np.unique(keys, return_inverse=True)
    total = np.bincount(group, weights=counts["pixels"], minlength=len(unique)).astype(np.int64)
    values = np.unravel_index(unique, _extent(columns))
    return {
        **{name: column.astype(np.int64) for name, column in zip(columns, values, strict=True)},
        "pixels": total,
    }


def rare_classes(
    counts: Table, classes: Classes, *, fewer_than: int = RARE, region: int = 0
) -> list[tuple[str, int]]:
    """Return the classes that some, but few images carry in the ground truth, with their number."""
    rows = counts["region"] == region
    pairs = counts["image"][rows].astype(np.int64) * len(classes) + counts["truth"][rows]
    # With return_counts, because a plain np.unique loads numpy.ma, which takes longer than the
    # scores of a small data set.
    unique, _ = np.unique(pairs, return_counts=True)
    images = np.bincount(unique % len(classes), minlength=len(classes))
    return [
        (name, int(n)) for name, n in zip(classes.names, images, strict=True) if 0 < n < fewer_than
    ]


def confusion(
    counts: Table, classes: Classes, weights: Array | None = None, *, region: int = 0
) -> Array:
    """Sum the pixels of all images into a confusion matrix (C, C + 1), true by predicted class.

    The last column holds labels that are not scored. Images are weighted by `weights` (N,), if
    there are any; the result is float64 then, and int64 otherwise.
    """
    rows = counts["region"] == region
    shape = (len(classes), len(classes) + 1)
    cells = counts["truth"][rows].astype(np.int64) * shape[1] + counts["predicted"][rows]
    pixels = counts["pixels"][rows].astype(np.float64)
    if weights is not None:
        pixels = pixels * weights[counts["image"][rows]]
    matrix = np.bincount(cells, weights=pixels, minlength=shape[0] * shape[1]).reshape(shape)
    return matrix if weights is not None else matrix.astype(np.int64)


def sums_per_image(counts: Table, images: int, classes: Classes, region: int) -> Sums:
    """Add up each image, (N, C).

    Row sums, column sums and the diagonal of the confusion matrices are all that the scores need,
    so that the matrices themselves, (N, C, C), are never made.
    """
    rows = counts["region"] == region
    image = counts["image"][rows].astype(np.int64) * len(classes)
    truth, predicted, pixels = (counts[name][rows] for name in ("truth", "predicted", "pixels"))

    def total(selected: Array, label: Array) -> Array:
        sums = np.bincount(
            (image + label)[selected], weights=pixels[selected], minlength=images * len(classes)
        )
        return sums.astype(np.float64).reshape(images, len(classes))

    everything = np.ones(len(pixels), dtype=bool)
    return Sums(
        truth=total(everything, truth),
        predicted=total(predicted < len(classes), predicted),
        hits=total(truth == predicted, truth),
    )


def weigh(weights: Array, values: Array) -> Array:
    """Sum (N, C) under weights (B, N) to (B, C).

    Whole weights give exact sums of whole values, others give sums in the order of the images.
    """
    whole = weights.dtype.kind in "biu" or bool((weights == np.rint(weights)).all())
    weights = np.asarray(weights, dtype=np.float64)
    if whole:
        return np.asarray(weights @ values)
    # A matrix product adds in an order that depends on its shape. A score must not depend on how
    # many resamples are handled at once.
    sums = np.zeros((len(weights), values.shape[1]))
    for weights_of_image, row in zip(weights.T, values, strict=True):
        sums += weights_of_image[:, None] * row
    return sums


def by_cluster(values: Array, clusters: Array, count: int) -> Array:
    """Sum (N, C) by cluster to (K, C); `clusters` (N,) numbers the clusters, K = `count`."""
    sums = np.zeros((count, values.shape[1]))
    np.add.at(sums, clusters, values)
    return sums


def _extent(columns: Mapping[str, Array]) -> tuple[int, ...]:
    return tuple(int(column.max(initial=0)) + 1 for column in columns.values())


def _require_same_size(truth: LabelMap, prediction: LabelMap, prefix: str) -> None:
    if truth.size != prediction.size:
        sizes = [f"{height}x{width}" for height, width in (prediction.size, truth.size)]
        raise PredictionError(
            f"{prefix}the prediction is {sizes[0]} pixels (height x width) but the truth is "
            f"{sizes[1]}: predictions have the size of the truth (--resize nearest resizes them to "
            "it)"
        )


def _joint(truth: LabelMap, prediction: LabelMap, classes: Classes, where: str) -> Array:
    """Count one image into a matrix (C + 1, C + 1), void last, after checking sizes and values."""
    prefix, C = f"{where}: " if where else "", len(classes)
    _require_same_size(truth, prediction, prefix)
    sides: tuple[tuple[Array, str, type[DataError | PredictionError]], ...] = (
        (truth.labels, f"{prefix}the truth", DataError),
        (prediction.labels, f"{prefix}the prediction", PredictionError),
    )
    if truth.labels.dtype == prediction.labels.dtype == np.uint8 and classes.ignore <= 255:
        # One histogram over all bytes both counts and shows which values occur: no pass to check
        # them.
        full = kernels.joint_histogram(truth.labels, prediction.labels, 256, 256)
        for axis, (_, subject, error_type) in enumerate(sides):
            _require_labels(np.flatnonzero(full.any(axis=1 - axis)), classes, subject, error_type)
        valid = [*range(C), classes.ignore]
        return full[np.ix_(valid, valid)]
    # Wider labels would need a histogram of 2^32 cells: they are mapped to 0 .. C first.
    train_ids = np.full(65536, INVALID, dtype=np.int32)
    train_ids[:C] = np.arange(C)
    train_ids[classes.ignore] = C
    maps = []
    for labels, subject, error_type in sides:
        try:
            maps.append(kernels.map_labels(labels, train_ids, np.uint16))
        except kernels.InvalidLabel as error:
            _require_labels(np.array([error.value]), classes, subject, error_type)
    return kernels.joint_histogram(maps[0], maps[1], C + 1, C + 1)


def _require_labels(
    values: Array, classes: Classes, subject: str, error_type: type[DataError | PredictionError]
) -> None:
    """Refuse values that are neither a class nor ignored."""
    wrong = values[(values >= len(classes)) & (values != classes.ignore)]
    if wrong.size:
        valid = f"a class (0-{len(classes) - 1}) nor ignored ({classes.ignore})"
        raise error_type(f"{subject} holds the value {wrong[0]}, which is neither {valid}")
