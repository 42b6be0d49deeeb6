"""The pixels table: how many pixels of each true class were predicted as each class, in every image.

`count` makes its rows for one image; the other functions add rows up. What scores are made of the sums is told in
`semantic.py`; which images are weighted how, and why, this module must not know.
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
"""A class that fewer images carry is named beside the scores."""


@dataclass(frozen=True, eq=False)
class Sums:
    """Pixels per class, float64 (..., C): in its truth, predicted as it, both; whole numbers below 2^53 are exact."""

    truth: Array
    predicted: Array
    hits: Array

    def each(self, change: Callable[[Array], Array]) -> Sums:
        """Change the three in the same way."""
        return Sums(change(self.truth), change(self.predicted), change(self.hits))

    def joined(self, change: Callable[[Array], Array]) -> Sums:
        """Change the three side by side, (..., 3C), at once: for what costs most by itself."""
        return Sums(*np.split(change(np.concatenate([self.truth, self.predicted, self.hits], axis=-1)), 3, axis=-1))

    def total(self) -> Sums:
        """Add all images up, (1, C)."""
        return self.each(lambda part: part.sum(axis=0, keepdims=True))


def count(
    truth: LabelMap, prediction: LabelMap, classes: Classes, *, image: int = 0, region: int = 0, where: str = ""
) -> Table:
    """Count the pixels of every pair of truth and predicted class in one image.

    Returns the non-zero pairs, sorted: image (int32), region (int16, 0 is the whole image), truth (int16, 0 .. C-1),
    predicted (int16, 0 .. C, where C is any label that is not scored), pixels (int32; int64 in images above 2^31
    pixels). Void in the truth gives no rows. `where` names the image in messages.

    >>> from bench.classes import Class
    >>> classes = Classes((Class(0, "road", 0), Class(1, "car", 1)))
    >>> truth, prediction = np.uint8([[0, 0, 1, 255]]), np.uint8([[0, 1, 1, 1]])
    >>> table = count(LabelMap(truth), LabelMap(prediction), classes)
    >>> [table[name].tolist() for name in ("truth", "predicted", "pixels")]
    [[0, 0, 1], [0, 1, 1], [1, 1, 1]]

    Raises:
        PredictionError: the sizes differ, or a predicted value is neither 0 .. C-1 nor the ignore value.
        DataError: the same for a value of the truth.
    """
    return _rows(_joint(truth, prediction, classes, where)[: len(classes)], truth, image, region)


def count_all(
    truth: LabelMap, prediction: LabelMap, classes: Classes, *, image: int = 0, where: str = ""
) -> dict[str, Table]:
    """Count one image: the table `pixels`, as from `count`, and those of `unscored_pixels.py`. Errors as `count`."""
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
    """Count several images, whose `positions` in the data set are given, from the pixels of their pairs of labels.

    Rows are those of `count_all` for one image after the other.
    """
    return {"pixels": _of_pairs(pairs, classes, positions), **unscored_pixels.of_pairs(pairs, classes, positions)}


def _of_pairs(pairs: LabelPairs, classes: Classes, positions: Array) -> Table:
    void = classes.ignore
    kept = pairs.truth != void
    predicted = np.where(pairs.predicted == void, len(classes), pairs.predicted).astype(np.int64)[kept]
    cells = (pairs.image[kept] * len(classes) + pairs.truth[kept]) * (len(classes) + 1) + predicted
    order = np.argsort(cells, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(cells[order]) != 0)[: len(order)])
    first, pixels = cells[order][starts], np.add.reduceat(pairs.pixels[kept][order], starts) if len(starts) else starts
    pair = first % (len(classes) * (len(classes) + 1))
    return {
        "image": positions[first // (len(classes) * (len(classes) + 1))],
        "region": np.zeros(len(first), dtype=np.int16),
        "truth": (pair // (len(classes) + 1)).astype(np.int16),
        "predicted": (pair % (len(classes) + 1)).astype(np.int16),
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
    """Count one image in each of R regions: the rows of `count` for region 0, then for region 1, and so on.

    A region is a window (rows, columns) or a mask (H, W) bool, as `regions.regions_of` makes them. Errors as `count`.

    >>> from bench.classes import Class
    >>> classes = Classes((Class(0, "road", 0), Class(1, "car", 1)))
    >>> truth, prediction = LabelMap(np.uint8([[0, 0, 1, 1]])), LabelMap(np.uint8([[0, 1, 1, 1]]))
    >>> regions = [(slice(0, 1), slice(0, 4)), np.array([[True, False, True, False]])]
    >>> table = count_regions(truth, prediction, regions, classes)
    >>> [table[name].tolist() for name in ("region", "truth", "predicted", "pixels")]
    [[0, 0, 0, 1, 1], [0, 0, 1, 0, 1], [0, 1, 1, 0, 1], [1, 1, 2, 1, 1]]
    """
    _require_same_size(truth, prediction, f"{where}: " if where else "")
    parts = []
    for number, region in enumerate(regions):
        if isinstance(region, tuple):
            inside = LabelMap(truth.labels[region]), LabelMap(prediction.labels[region])
        else:
            void = truth.labels.dtype.type(classes.ignore)
            inside = LabelMap(np.where(region, truth.labels, void)), prediction
        parts.append(count(*inside, classes, image=image, region=number, where=where))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def truth_rows(counts: Table) -> Table:
    """The truth's own rows: pixels of every class per image and region, whatever was predicted; all columns int64."""
    columns = {name: counts[name].astype(np.int64) for name in ("image", "region", "truth")}
    keys = np.ravel_multi_index(tuple(columns.values()), _extent(columns))
    unique, place = np.unique(keys, return_inverse=True)
    total = np.bincount(place, weights=counts["pixels"], minlength=len(unique)).astype(np.int64)
    found = np.unravel_index(unique, _extent(columns))
    return {**{name: column.astype(np.int64) for name, column in zip(columns, found, strict=True)}, "pixels": total}


def rare_classes(counts: Table, classes: Classes, *, fewer_than: int = RARE, region: int = 0) -> list[tuple[str, int]]:
    """Name the classes that some but few images carry in their truth, with the number of those images."""
    keep = counts["region"] == region
    # With counts, because a plain np.unique loads numpy.ma, which takes longer than the scores of a small data set.
    pairs = counts["image"][keep].astype(np.int64) * len(classes) + counts["truth"][keep]
    found, _ = np.unique(pairs, return_counts=True)
    images = np.bincount(found % len(classes), minlength=len(classes))
    return [(name, int(n)) for name, n in zip(classes.names, images, strict=True) if 0 < n < fewer_than]


def confusion(counts: Table, classes: Classes, weights: Array | None = None, *, region: int = 0) -> Array:
    """Sum the pixels of all images, weighted by `weights` (N,) where given, into (C, C + 1): truth by predicted class.

    int64 without weights, else float64. The last column is the label that is not scored.
    """
    keep = counts["region"] == region
    shape = (len(classes), len(classes) + 1)
    pairs = counts["truth"][keep].astype(np.int64) * shape[1] + counts["predicted"][keep]
    pixels = counts["pixels"][keep].astype(np.float64)
    if weights is not None:
        pixels = pixels * weights[counts["image"][keep]]
    matrix = np.bincount(pairs, weights=pixels, minlength=shape[0] * shape[1]).reshape(shape)
    return matrix if weights is not None else matrix.astype(np.int64)


def sums_per_image(counts: Table, images: int, classes: Classes, region: int) -> Sums:
    """Add up each image, (N, C): all that scores need of the counts, and never (N, C, C)."""
    keep = counts["region"] == region
    image = counts["image"][keep].astype(np.int64) * len(classes)
    truth, predicted, pixels = (counts[name][keep] for name in ("truth", "predicted", "pixels"))

    def total(which: Array, label: Array) -> Array:
        sums = np.bincount((image + label)[which], weights=pixels[which], minlength=images * len(classes))
        return sums.astype(np.float64).reshape(images, len(classes))

    everything = np.ones(len(pixels), dtype=bool)
    return Sums(total(everything, truth), total(predicted < len(classes), predicted), total(truth == predicted, truth))


def weigh(weights: Array, part: Array) -> Array:
    """Sum (N, C) under weights (B, N) to (B, C): exact for whole weights, in the order of the images for others."""
    whole = weights.dtype.kind in "biu" or bool((weights == np.rint(weights)).all())
    weights = np.asarray(weights, dtype=np.float64)
    if whole:
        return np.asarray(weights @ part)
    # A matrix product adds in an order that depends on its shape: a result must not depend on how rows are batched.
    sums = np.zeros((len(weights), part.shape[1]))
    for column, row in zip(weights.T, part, strict=True):
        sums += column[:, None] * row
    return sums


def by_cluster(part: Array, clusters: Array, groups: int) -> Array:
    """Sum (N, C) to (K, C), where `clusters` (N,) numbers the cluster of each image and K = `groups`."""
    sums = np.zeros((groups, part.shape[1]))
    np.add.at(sums, clusters, part)
    return sums


def _extent(columns: Mapping[str, Array]) -> tuple[int, ...]:
    return tuple(int(column.max(initial=0)) + 1 for column in columns.values())


def _require_same_size(truth: LabelMap, prediction: LabelMap, prefix: str) -> None:
    if truth.size != prediction.size:
        sizes = [f"{height}x{width}" for height, width in (prediction.size, truth.size)]
        raise PredictionError(
            f"{prefix}the prediction is {sizes[0]} pixels (height x width) but the truth is {sizes[1]}: predictions "
            "have the size of the truth (--resize nearest resizes them to it)"
        )


def _joint(truth: LabelMap, prediction: LabelMap, classes: Classes, where: str) -> Array:
    """Count one image into a dense (C + 1, C + 1) matrix, void last, after checking sizes and that values are known."""
    prefix, known = f"{where}: " if where else "", len(classes)
    _require_same_size(truth, prediction, prefix)
    sides: tuple[tuple[Array, str, type[DataError | PredictionError]], ...] = (
        (truth.labels, f"{prefix}the truth", DataError),
        (prediction.labels, f"{prefix}the prediction", PredictionError),
    )
    if truth.labels.dtype == prediction.labels.dtype == np.uint8 and classes.ignore <= 255:
        full = kernels.joint_histogram(truth.labels, prediction.labels, 256, 256)
        for axis, (_, what, kind) in enumerate(sides):
            _require_known(np.flatnonzero(full.any(axis=1 - axis)), classes, what, kind)
        kept = [*range(known), classes.ignore]
        return full[np.ix_(kept, kept)]
    table = np.full(65536, INVALID, dtype=np.int32)
    table[:known] = np.arange(known)
    table[classes.ignore] = known
    maps = []
    for labels, what, kind in sides:
        try:
            maps.append(kernels.map_labels(labels, table, np.uint16))
        except kernels.InvalidLabel as error:
            _require_known(np.array([error.value]), classes, what, kind)
    return kernels.joint_histogram(maps[0], maps[1], known + 1, known + 1)


def _require_known(values: Array, classes: Classes, what: str, kind: type[DataError | PredictionError]) -> None:
    wrong = values[(values >= len(classes)) & (values != classes.ignore)]
    if wrong.size:
        known = f"a class (0-{len(classes) - 1}) nor ignored ({classes.ignore})"
        raise kind(f"{what} holds the value {wrong[0]}, which is neither {known}")
