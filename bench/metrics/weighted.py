"""Cityscapes' scores beside mIoU: IoU of categories, and iIoU, in which objects count alike whatever their size.

The category IoU follows from the `pixels` table; iIoU needs its own, in which the pixels of each object are weighted by
the average size of its class over its own. This module knows neither files nor which images are weighted how.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench import kernels
from bench.classes import Classes
from bench.errors import UsageError
from bench.metrics import semantic
from bench.metrics.categories import categories, merge, place_of
from bench.metrics.pixels import by_cluster, weigh
from bench.metrics.rates import Shares, rates, weigh_in_order
from bench.samples import Array, LabelMap, Segments, Table

OVERALL = ("iIoU", "category_IoU", "category_iIoU")
PER_CLASS = ("iIoU",)
PER_CATEGORY = ("IoU", "iIoU")


@dataclass(frozen=True, eq=False)
class WeightedScores:
    """Scores in [0, 1] for B rows of weights, NaN where undefined.

    `overall` maps the names in `OVERALL` to (B,), `per_class` those in `PER_CLASS` to (B, C), `per_category` those in
    `PER_CATEGORY` to (B, K) for the K `categories`. `held` (C + K,) are the classes, then categories, whose iIoU
    `leave_out` holds at its plain value.
    """

    overall: Mapping[str, Array]
    per_class: Mapping[str, Array]
    per_category: Mapping[str, Array]
    categories: tuple[str, ...]
    held: Array

    def __getitem__(self, name: str) -> Array:
        """Find a score by its name, (B,) or (B, C)."""
        return self.overall[name] if name in self.overall else self.per_class[name]


def average_sizes(classes: Classes) -> Array:
    """Return the average pixels of an object of each class in Cityscapes' training set, (C,), NaN for stuff.

    They are the constants of cityscapesScripts, whatever the size of the images.

    Raises:
        UsageError: a countable class that Cityscapes does not have.
    """
    from cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling import args

    known: Mapping[str, float] = args.avgClassSize
    lacking = [entry.name for entry in classes.scored if entry.thing and entry.name not in known]
    if lacking:
        raise UsageError(f"iIoU needs the average size of {lacking[0]!r}, which is known for Cityscapes' classes only")
    return np.array([known[entry.name] if entry.thing else np.nan for entry in classes.scored])


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
    """Count the objects of one image, weighted by their size; truth and prediction are as `pixels.count` takes them.

    Table `weighted`, sorted: image (int32), class (int16: 0 .. C-1 classes, C + k the k-th of `categories`), instances
    (int32: objects in the truth), tp and fn (float64: pixels of objects that are found or missed, each times `sizes`
    (C,) of its class over the pixels of the object), fp (int64: pixels predicted so where the truth is another scored
    class or category). Only rows that are not zero. Crowds are no objects.

    A label without train id belongs to its category here, as cityscapesScripts has it: `prediction_ids` (H, W), the
    ids as predicted, tells them apart; without it such labels belong to no category.
    """
    merged = categories(classes)
    predicted, codes = _codes(prediction, prediction_ids, classes, merged)
    total, every = len(classes), len(classes) + len(merged)
    belongs = _belongs(classes, merged)
    pixels = _table(kernels.value_pairs(truth.labels, predicted), np.arange(total), codes, len(belongs)) @ belongs
    fp = np.where(belongs[:total].T > 0, 0, pixels.T).sum(axis=1)
    objects, numbers, rows = _objects(segments, classes)
    found = _table(kernels.value_pairs(objects, predicted), numbers, codes, len(belongs))
    area = found.sum(axis=1)
    columns = {name: np.zeros(every) for name in ("instances", "tp", "fn")}
    countable = np.append(classes.things, merged.things)
    for hits, pixels_of_object, owner in zip(found @ belongs, area.tolist(), rows.tolist(), strict=True):
        weight = sizes[owner] / pixels_of_object if pixels_of_object else 0.0
        for row in np.flatnonzero(belongs[owner] * countable * (pixels_of_object > 0)):
            columns["instances"][row] += 1
            columns["tp"][row] += float(hits[row]) * weight
            columns["fn"][row] += float(pixels_of_object - hits[row]) * weight
    keep = np.flatnonzero(countable & ((fp > 0) | (columns["instances"] > 0)))
    return {
        "weighted": {
            "image": np.full(len(keep), image, dtype=np.int32),
            "class": keep.astype(np.int16),
            "instances": columns["instances"][keep].astype(np.int32),
            "tp": columns["tp"][keep],
            "fn": columns["fn"][keep],
            "fp": fp[keep].astype(np.int64),
        }
    }


def score(
    tables: Mapping[str, Table], weights: Array, classes: Classes, *, classes_in: semantic.ClassesIn = "truth"
) -> WeightedScores:
    """Score `pixels` and `weighted` of N images under B rows of weights, (B, N).

    iIoU = tp / (tp + fn + fp) with weighted tp and fn and plain fp. Means run over the countable classes (or
    categories) with objects in the truth, as `semantic.score` has it for its own; `union` is what cityscapesScripts
    does. In a row of weights without objects of a class, that class is left out of that row's mean.
    """
    sums = _sums(tables["weighted"], weights.shape[1], classes)
    plain = {name: part.sum(axis=0, keepdims=True) for name, part in sums.items()}
    weighed = {name: (weigh if name in ("instances", "fp") else weigh_in_order)(weights, p) for name, p in sums.items()}
    merged = categories(classes)
    by_category = semantic.score(merge(tables["pixels"], classes), weights, merged, classes_in=classes_in)
    return _scores(weighed, plain, classes, by_category, classes_in=classes_in)


def leave_out(
    tables: Mapping[str, Table], clusters: Array, classes: Classes, *, classes_in: semantic.ClassesIn = "truth"
) -> WeightedScores:
    """Score with each cluster left out in turn, B = K clusters, as total minus part; `clusters` (N,) numbers them.

    Classes and categories whose objects fewer than 3 clusters carry are held, as in `semantic.leave_out`.
    """
    sums = _sums(tables["weighted"], len(clusters), classes)
    groups = int(clusters.max(initial=-1)) + 1
    plain = {name: part.sum(axis=0, keepdims=True) for name, part in sums.items()}
    parts = {name: by_cluster(part, clusters, groups) for name, part in sums.items()}
    rest = {name: np.maximum(plain[name] - parts[name], 0.0) for name in sums}
    merged = categories(classes)
    by_category = semantic.leave_out(merge(tables["pixels"], classes), clusters, merged, classes_in=classes_in)
    silent = (parts["instances"] > 0).sum(axis=0) < semantic.SILENT
    return _scores(rest, plain, classes, by_category, classes_in=classes_in, silent=silent)


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """The truth's own rows: how many objects of each class and category every image has."""
    table = tables["weighted"]
    keep = table["instances"] > 0
    return {name: table[name][keep] for name in ("image", "class", "instances")}


def _codes(prediction: LabelMap, ids: Array | None, classes: Classes, merged: Classes) -> tuple[Array, Array]:
    """A map of what was predicted, (H, W), and the code of each of its values, (65536,).

    Codes are 0 .. C-1, C + k for a label of category k that is not scored, C + K for any other.
    """
    table = np.full(65536, len(classes) + len(merged), dtype=np.int64)
    if ids is None:
        table[: len(classes)] = np.arange(len(classes))
    else:
        for entry in classes.entries:
            if entry.id >= 0 and (entry.train_id is not None or entry.category in merged.names):
                other = len(classes) + merged.names.index(entry.category) if entry.category in merged.names else 0
                table[entry.id] = other if entry.train_id is None else entry.train_id
    return prediction.labels if ids is None else ids, table


def _table(pairs: Array, values: Array, codes: Array, count: int) -> Array:
    """Pixels of pairs of values (P, 3) as a table: a row for each of `values`, rising, a column for each code."""
    place = np.minimum(np.searchsorted(values, pairs[:, 0]), max(len(values) - 1, 0))
    known = values[place] == pairs[:, 0] if len(values) else np.zeros(len(pairs), dtype=bool)
    table = np.zeros((len(values), count), dtype=np.int64)
    np.add.at(table, (place[known], codes[pairs[known, 1]]), pairs[known, 2])
    return table


def _belongs(classes: Classes, merged: Classes) -> Array:
    """Which codes stand for which class or category, (C + K + 1, C + K) of 0 and 1."""
    C, K = len(classes), len(merged)
    table = np.zeros((C + K + 1, C + K), dtype=np.int64)
    table[np.arange(C), np.arange(C)] = 1
    place = place_of(classes, merged.names)
    inside = place < K
    table[np.flatnonzero(inside), C + place[inside]] = 1
    table[C + np.arange(K), C + np.arange(K)] = 1
    return table


def _objects(segments: Segments, classes: Classes) -> tuple[Array, Array, Array]:
    """A map (H, W), the values in it of countable segments that are no crowd, rising, and their classes."""
    order = np.argsort(segments.segment_ids, kind="stable")
    order = order[~segments.crowd[order].astype(bool) & classes.things[segments.classes[order].astype(np.int64)]]
    ids, owners = segments.segment_ids[order].astype(np.int64), segments.classes[order].astype(np.int64)
    if segments.ids.dtype in (np.uint8, np.uint16):
        return segments.ids, ids, owners
    table = np.zeros(1 + int(max(segments.ids.max(initial=0), np.max(segments.segment_ids, initial=0))), np.uint16)
    table[ids] = np.arange(1, len(order) + 1)
    return table[segments.ids], np.arange(1, len(order) + 1), owners


def _sums(table: Table, images: int, classes: Classes) -> dict[str, Array]:
    """Spread the table, (N, C + K) for each column."""
    shape = images, len(classes) + len(categories(classes))
    place = table["image"].astype(np.int64) * shape[1] + table["class"]
    names = ("instances", "tp", "fn", "fp")
    return {n: np.bincount(place, table[n], minlength=shape[0] * shape[1]).reshape(shape) for n in names}


def _scores(
    sums: Mapping[str, Array],
    plain: Mapping[str, Array],
    classes: Classes,
    by_category: semantic.SemanticScores,
    *,
    classes_in: semantic.ClassesIn,
    silent: Array | None = None,
) -> WeightedScores:
    C, merged = len(classes), categories(classes)

    def within(each: Mapping[str, Array], part: slice) -> Shares:
        cut = {name: column[:, part] for name, column in each.items()}
        return Shares(cut["tp"], cut["tp"] + cut["fn"] + cut["fp"], cut["instances"])

    by_class, by_merged = (
        rates(
            within(sums, part),
            within(plain, part),
            classes_in,
            among=countable,
            silent=None if silent is None else silent[part],
        )
        for part, countable in ((slice(0, C), classes.things), (slice(C, None), merged.things))
    )
    return WeightedScores(
        overall={"iIoU": by_class.mean, "category_IoU": by_category["mIoU"], "category_iIoU": by_merged.mean},
        per_class={"iIoU": by_class.rate},
        per_category={"IoU": by_category["IoU"], "iIoU": by_merged.rate},
        categories=merged.names,
        held=np.concatenate([by_class.held, by_merged.held]),
    )
