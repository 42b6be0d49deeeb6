"""Cityscapes' scores next to mIoU: IoU of categories, and the instance-weighted iIoU.

In IoU a large object counts more than a small one. In iIoU every object counts alike, because its
pixels are weighted by

    average size of its class / its own size

so that the weighted pixels of every object add up to the average size. The category IoU follows
from the `pixels` table; iIoU needs a table of its own. This module does not know why images are
weighted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench import kernels
from bench.classes import Classes
from bench.errors import UsageError
from bench.metrics import semantic
from bench.metrics.categories import categories, category_of, merge
from bench.metrics.pixels import by_cluster, weigh
from bench.metrics.rates import MIN_CARRIERS, ClassesIn, Rates, Terms, rates, weigh_in_order
from bench.samples import Array, LabelMap, Segments, Table

OVERALL = ("iIoU", "category_IoU", "category_iIoU")
PER_CLASS = ("iIoU",)
PER_CATEGORY = ("IoU", "iIoU")


@dataclass(frozen=True, eq=False)
class WeightedScores:
    """Scores in [0, 1] for weights (B, N), NaN if undefined.

    `overall` maps the names in `OVERALL` to (B,), `per_class` those in `PER_CLASS` to (B, C), and
    `per_category` those in `PER_CATEGORY` to (B, K) for the K `categories`. From `leave_out`,
    `fixed` (C + K,) are the classes, then the categories, whose iIoU keeps its plain value in the
    means.
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]
    per_category: Mapping[str, Array]
    categories: tuple[str, ...]
    fixed: Array

    def __getitem__(self, name: str) -> Array:
        """Return the score of this name, (B,) or (B, C)."""
        return self.overall[name] if name in self.overall else self.per_class[name]


def average_sizes(classes: Classes) -> Array:
    """Return the average pixels of an object of each class in Cityscapes' training set, (C,).

    NaN for stuff. These are the constants of cityscapesScripts, whatever the size of the images.

    Raises:
        UsageError: a countable class that Cityscapes does not have.
    """
    from cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling import args

    size_of: Mapping[str, float] = args.avgClassSize
    missing = [entry.name for entry in classes.scored if entry.thing and entry.name not in size_of]
    if missing:
        raise UsageError(
            f"iIoU needs the average size of {missing[0]!r}, which is known for Cityscapes' "
            "classes only"
        )
    return np.array([size_of[entry.name] if entry.thing else np.nan for entry in classes.scored])


def count(
    truth: LabelMap,
    segments: Segments,
    prediction: LabelMap,
    classes: Classes,
    sizes: Array,
    *,
    prediction_ids: Array | None = None,
    image: int = 0,
) -> dict[str, Table]:
    """Count the weighted pixels of one image; truth and prediction are as in `pixels.count`.

    Table `weighted`, sorted: image (int32), class (int16: 0 .. C-1 classes, C + k the k-th
    category), instances (int32: objects in the truth), tp and fn (float64: pixels of objects that
    are found or missed, each times `sizes` (C,) of its class / pixels of the object), fp (int64:
    pixels predicted as the class where the truth is another scored class or category). Rows of
    zeros are left out. Crowds are not objects.

    As in cityscapesScripts, a label without train id counts for its category. `prediction_ids` (H,
    W) are the ids as predicted, which distinguish such labels; without them, these labels belong to
    no category.
    """
    merged = categories(classes)
    predicted, codes = _codes(prediction, prediction_ids, classes, merged)
    total, rows = len(classes), len(classes) + len(merged)
    belongs = _belongs(classes, merged)
    pixels = (
        _table(kernels.value_pairs(truth.labels, predicted), np.arange(total), codes, len(belongs))
        @ belongs
    )
    # False positives are not weighted: no true object says how much such a pixel should count.
    fp = np.where(belongs[:total].T > 0, 0, pixels.T).sum(axis=1)
    objects, values, class_of_object = _objects(segments, classes)
    hits_by_code = _table(kernels.value_pairs(objects, predicted), values, codes, len(belongs))
    areas = hits_by_code.sum(axis=1)
    columns = {name: np.zeros(rows) for name in ("instances", "tp", "fn")}
    countable = np.append(classes.things, merged.things)
    for hits, area, owner in zip(
        hits_by_code @ belongs, areas.tolist(), class_of_object.tolist(), strict=True
    ):
        if not area:
            continue
        weight = sizes[owner] / area
        # An object counts in two rows: that of its class, and that of its category.
        for row in np.flatnonzero(belongs[owner] * countable):
            columns["instances"][row] += 1
            columns["tp"][row] += float(hits[row]) * weight
            columns["fn"][row] += float(area - hits[row]) * weight
    # Stuff has no objects, so it has no iIoU and no rows.
    kept = np.flatnonzero(countable & ((fp > 0) | (columns["instances"] > 0)))
    return {
        "weighted": {
            "image": np.full(len(kept), image, dtype=np.int32),
            "class": kept.astype(np.int16),
            "instances": columns["instances"][kept].astype(np.int32),
            "tp": columns["tp"][kept],
            "fn": columns["fn"][kept],
            "fp": fp[kept].astype(np.int64),
        }
    }


def score(
    tables: Mapping[str, Table],
    weights: Array,
    classes: Classes,
    *,
    classes_in: ClassesIn = "truth",
) -> WeightedScores:
    """Score the tables `pixels` and `weighted` of N images under weights (B, N).

    iIoU = tp / (tp + fn + fp), with weighted tp and fn and plain fp. Means average the countable
    classes (or categories) with objects in the ground truth, by the rules of `rates.rates`; `union`
    is what cityscapesScripts does.
    """
    sums = _sums(tables["weighted"], weights.shape[1], classes)
    plain = {name: values.sum(axis=0, keepdims=True) for name, values in sums.items()}
    # Whole numbers add up exactly in any order, weighted pixels do not.
    weighed = {
        name: weigh(weights, values)
        if name in ("instances", "fp")
        else weigh_in_order(weights, values)
        for name, values in sums.items()
    }
    # Merging classes first makes confusions within a category right.
    merged = categories(classes)
    by_category = semantic.score(
        merge(tables["pixels"], classes), weights, merged, classes_in=classes_in
    )
    return _scores(weighed, plain, classes, by_category, classes_in=classes_in)


def leave_out(
    tables: Mapping[str, Table],
    clusters: Array,
    classes: Classes,
    *,
    classes_in: ClassesIn = "truth",
) -> WeightedScores:
    """Score with each of K clusters left out in turn, B = K; `clusters` (N,) numbers them 0 .. K-1.

    Each row is the total minus the sums of one cluster. Classes and categories whose objects fewer
    than `MIN_CARRIERS` clusters carry keep their plain value, as in `semantic.leave_out`.
    """
    sums = _sums(tables["weighted"], len(clusters), classes)
    count_of_clusters = int(clusters.max(initial=-1)) + 1
    plain = {name: values.sum(axis=0, keepdims=True) for name, values in sums.items()}
    left_out = {
        name: by_cluster(values, clusters, count_of_clusters) for name, values in sums.items()
    }
    # A difference of rounded sums can be slightly below 0 where the true one is 0.
    rest = {name: np.maximum(plain[name] - left_out[name], 0.0) for name in sums}
    merged = categories(classes)
    by_category = semantic.leave_out(
        merge(tables["pixels"], classes), clusters, merged, classes_in=classes_in
    )
    rare = (left_out["instances"] > 0).sum(axis=0) < MIN_CARRIERS
    return _scores(rest, plain, classes, by_category, classes_in=classes_in, rare=rare)


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """Return what the ground truth alone determines: objects by image, class and category."""
    table = tables["weighted"]
    in_truth = table["instances"] > 0
    return {name: table[name][in_truth] for name in ("image", "class", "instances")}


def _codes(
    prediction: LabelMap, ids: Array | None, classes: Classes, merged: Classes
) -> tuple[Array, Array]:
    """Return a map of predicted values, (H, W), and the code of each of these values, (65536,).

    Codes are 0 .. C-1 for classes, C + k for a label of category k that is not scored, and C + K
    for any other value.
    """
    codes = np.full(65536, len(classes) + len(merged), dtype=np.int64)
    if ids is None:
        codes[: len(classes)] = np.arange(len(classes))
        return prediction.labels, codes
    for entry in classes.entries:
        if entry.id < 0:
            continue
        if entry.train_id is not None:
            codes[entry.id] = entry.train_id
        elif entry.category in merged.names:
            codes[entry.id] = len(classes) + merged.names.index(entry.category)
    return ids, codes


def _table(pairs: Array, values: Array, codes: Array, count: int) -> Array:
    """Arrange pairs (P, 3) of true value, predicted value and pixels as a table of pixels.

    It has a row for each of `values`, which rise, and a column for each of `count` codes. Pairs of
    other true values are left out.
    """
    table = np.zeros((len(values), count), dtype=np.int64)
    if not len(values):
        return table
    # `searchsorted` also returns a row for a value that is not listed: compare, and drop it.
    rows = np.minimum(np.searchsorted(values, pairs[:, 0]), len(values) - 1)
    listed = values[rows] == pairs[:, 0]
    np.add.at(table, (rows[listed], codes[pairs[listed, 1]]), pairs[listed, 2])
    return table


def _belongs(classes: Classes, merged: Classes) -> Array:
    """Return which codes count for which class or category, (C + K + 1, C + K) of 0 and 1.

    A class counts for itself and its category, an unscored label of a category for the category:

                      classes   categories
        class            1          1
        unscored                    1
        other value
    """
    C, K = len(classes), len(merged)
    table = np.zeros((C + K + 1, C + K), dtype=np.int64)
    table[np.arange(C), np.arange(C)] = 1
    category = category_of(classes, merged.names)
    has_category = category < K
    table[np.flatnonzero(has_category), C + category[has_category]] = 1
    table[C + np.arange(K), C + np.arange(K)] = 1
    return table


def _objects(segments: Segments, classes: Classes) -> tuple[Array, Array, Array]:
    """Return a map (H, W) of objects, the values of its objects, rising, and their classes.

    Objects are countable segments that are not crowds.
    """
    order = np.argsort(segments.segment_ids, kind="stable")
    is_object = (
        ~segments.crowd[order].astype(bool)
        & classes.things[segments.classes[order].astype(np.int64)]
    )
    order = order[is_object]
    ids, owners = (
        segments.segment_ids[order].astype(np.int64),
        segments.classes[order].astype(np.int64),
    )
    if segments.ids.dtype in (np.uint8, np.uint16):
        return segments.ids, ids, owners
    # The kernel takes values below 2^16: wider ids are replaced by 1, 2, ... in their order.
    largest = int(max(segments.ids.max(initial=0), np.max(segments.segment_ids, initial=0)))
    numbers = np.zeros(1 + largest, np.uint16)
    numbers[ids] = np.arange(1, len(order) + 1)
    return numbers[segments.ids], np.arange(1, len(order) + 1), owners


def _sums(table: Table, images: int, classes: Classes) -> dict[str, Array]:
    """Return each column of the table as a dense array (N, C + K)."""
    shape = images, len(classes) + len(categories(classes))
    cells = table["image"].astype(np.int64) * shape[1] + table["class"]
    return {
        name: np.bincount(cells, table[name], minlength=shape[0] * shape[1]).reshape(shape)
        for name in ("instances", "tp", "fn", "fp")
    }


def _scores(
    sums: Mapping[str, Array],
    plain: Mapping[str, Array],
    classes: Classes,
    by_category: semantic.SemanticScores,
    *,
    classes_in: ClassesIn,
    rare: Array | None = None,
) -> WeightedScores:
    C, merged = len(classes), categories(classes)

    def iiou(columns: slice, countable: Array) -> Rates:
        return rates(
            _terms(sums, columns),
            _terms(plain, columns),
            classes_in,
            subset=countable,
            rare=None if rare is None else rare[columns],
        )

    of_classes, of_categories = (
        iiou(slice(0, C), classes.things),
        iiou(slice(C, None), merged.things),
    )
    return WeightedScores(
        overall={
            "iIoU": of_classes.mean,
            "category_IoU": by_category["mIoU"],
            "category_iIoU": of_categories.mean,
        },
        per_class={"iIoU": of_classes.rate},
        per_category={"IoU": by_category["IoU"], "iIoU": of_categories.rate},
        categories=merged.names,
        fixed=np.concatenate([of_classes.fixed, of_categories.fixed]),
    )


def _terms(sums: Mapping[str, Array], columns: slice) -> Terms:
    """Return the terms of iIoU for some of the classes and categories."""
    tp, fn, fp, instances = (sums[name][:, columns] for name in ("tp", "fn", "fp", "instances"))
    return Terms(tp, tp + fn + fp, instances)
