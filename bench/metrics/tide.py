"""What keeps detections from being right, as TIDE has it: wrong class, place, both, doubles, background, and misses.

Needs overlaps across classes, hence tables of its own; `score` tells how much AP50 would rise if each kind of error
were mended. This module knows neither files nor which images are weighted how.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bench import kernels
from bench.classes import Classes
from bench.metrics.average_precision import InstanceScores
from bench.metrics.caps import LEFT_OUT, left_out
from bench.metrics.matching import Groups, Overlaps, box_overlaps, group, mask_overlaps
from bench.metrics.rates import class_mean
from bench.samples import Array, Table
from bench.samples.columns import DetectionColumns, TruthColumns

ERRORS = ("class", "location", "both", "duplicate", "background", "missed")
"""In the column `error`, 0 is no error and 1 the first of these."""
OVERALL = ("AP50", *(f"dAP_{error}" for error in ERRORS))
FOUND, BACKGROUND = 0.5, 0.1
DETECTIONS = 100
"""Detections of an image that count, over all classes."""
_RECALLS = np.arange(101) / 100
_BLOCK = 256

ClassesIn = Literal["truth", "union"]


def count(
    truth: TruthColumns, detections: DetectionColumns, *, kind: Literal["mask", "box"] = "mask"
) -> dict[str, Table]:
    """Sort the errors of N images; tables `tide_detections` and `tide_truths`, rows by image, and `tide_left_out`.

    Detections, by falling score: image (int32), class (int16), score (float64), error (int8: 0 right, then `ERRORS`
    from 1 on), ignored (bool: over a crowd of its class, so that it counts in no AP), mended (int16: the class in which
    it would be right if its error were mended, -1 for none or where another detection is mended instead).

    Truths: image (int32), class (int16), objects (int32, to be found), missed (int32: those that no detection finds
    and none of wrong class or place would).

    Raises:
        InputError: masks are asked for where there are none.
    """
    hidden = truth.crowd if truth.ignore is None else truth.crowd | truth.ignore
    anything = replace(truth, classes=np.zeros_like(truth.classes), crowd=hidden)
    found = replace(detections, classes=np.zeros_like(detections.classes))
    overlaps = (box_overlaps if kind == "box" else mask_overlaps)(anything, found)
    groups = group(anything, found, DETECTIONS)
    missed = ~hidden
    total = len(groups.detection_rows)
    error, ignored, mended = np.zeros(total, np.int8), np.zeros(total, dtype=bool), np.full(total, -1, np.int16)
    for span in groups.spans:
        rows = slice(int(span[0]), int(span[1]))
        objects = groups.truth_rows[span[2] : span[3]]
        image = _Image(
            _overlaps_of(overlaps, groups, span),
            detections.classes[groups.detection_rows[rows]],
            truth.classes[objects],
            hidden[objects],
        )
        error[rows], ignored[rows], mended[rows], reached = _sorted_errors(image)
        missed[objects[reached]] = False
    kept = groups.detection_rows
    return {
        "tide_detections": {
            "image": detections.image[kept],
            "class": detections.classes[kept].astype(np.int16),
            "score": detections.scores[kept],
            "error": error,
            "ignored": ignored,
            "mended": mended,
        },
        "tide_truths": _truth_table(truth, hidden, missed),
        f"tide_{LEFT_OUT}": left_out(detections, len(kept), DETECTIONS, by_class=False),
    }


def errors(tables: Mapping[str, Table]) -> dict[str, int]:
    """How many errors of each kind there are."""
    found = tables["tide_detections"]["error"]
    counts = {name: int((found == place).sum()) for place, name in enumerate(ERRORS, start=1)}
    return {**counts, "missed": int(tables["tide_truths"]["missed"].sum())}


def score(
    tables: Mapping[str, Table], weights: Array, classes: Classes, *, classes_in: ClassesIn = "union"
) -> InstanceScores:
    """Score N images under B rows of weights, (B, N): AP50, and for each kind of error what mending it adds to AP50.

    Never below 0, as TIDE has it. Means run over classes with truth or with detections that count, the latter alone
    with an AP of 0, as in TIDE (`union`), or over classes with truth. Per class: AP50. Memory is capped.
    """
    weights = np.asarray(weights, dtype=np.float64)
    variants = {name: _Mended.of(tables, len(classes), name) for name in ("", *ERRORS)}
    carried = _sums(tables["tide_truths"], "objects", np.ones((1, weights.shape[1])), len(classes))[0] > 0
    aps: dict[str, list[Array]] = {name: [np.zeros((0, len(classes)))] for name in variants}
    means: dict[str, list[Array]] = {name: [np.zeros(0)] for name in variants}
    for start in range(0, len(weights), _BLOCK):
        rows = weights[start : start + _BLOCK]
        for name, variant in variants.items():
            ap, counted = variant.score(rows)
            means[name].append(class_mean(ap, counted & carried if classes_in == "truth" else counted))
            aps[name].append(np.where(counted, ap, np.nan))
    overall = {"AP50": np.concatenate(means[""])}
    for name in ERRORS:
        overall[f"dAP_{name}"] = np.maximum(np.concatenate(means[name]) - overall["AP50"], 0.0)
    held = np.zeros(len(classes), dtype=bool)
    return InstanceScores(overall, {"AP50": np.concatenate(aps[""])}, scored=carried, held=held)


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """The truth's own rows: true objects per image and class, without what is missed of them."""
    return {name: column for name, column in tables["tide_truths"].items() if name != "missed"}


@dataclass(frozen=True, eq=False)
class _Image:
    """One image: overlaps (D, G), detections by falling score, the classes of both, and which truths are hidden."""

    overlaps: Array
    classes: Array
    truths: Array
    hidden: Array


def _overlaps_of(overlaps: Overlaps, groups: Groups, span: Array) -> Array:
    part = Groups(groups.detection_rows, groups.truth_rows, span[None], groups.rank)
    return overlaps(part).reshape(int(span[1] - span[0]), int(span[3] - span[2]))


def _sorted_errors(image: _Image) -> tuple[Array, Array, Array, Array]:
    """Error, ignored and mended class of each detection; and which truths are found or could be by mending."""
    same = image.classes[:, None] == image.truths[None]
    seen = ~image.hidden
    owner, used = _match(np.where(same & seen, image.overlaps, 0.0))
    right = owner >= 0
    crowds = (image.overlaps > FOUND) & same & image.hidden
    ignored = ~right & crowds.any(axis=1)
    reached = used.copy()
    mended = np.full(len(owner), -1, dtype=np.int16)
    if not seen.any():
        return np.where(right, 0, 5).astype(np.int8), ignored, mended, reached
    overlaps = np.where(seen, image.overlaps, 0.0)
    own, other = np.where(same, overlaps, 0.0), np.where(same, 0.0, overlaps)
    double = np.where(same & used, overlaps, 0.0).max(axis=1) >= FOUND
    near, best = own.max(axis=1), other.max(axis=1)
    tests = [
        right,
        (near >= BACKGROUND) & (near <= FOUND),
        best >= FOUND,
        double,
        overlaps.max(axis=1) <= BACKGROUND,
    ]
    error = np.select(tests, [0, 2, 1, 4, 5], default=3).astype(np.int8)
    target = np.where(error == 2, own.argmax(axis=1), other.argmax(axis=1))
    for d in np.flatnonzero((error == 1) | (error == 2)).tolist():
        g = int(target[d])
        if not reached[g]:  # of several, the one of highest score is mended
            reached[g], mended[d] = True, image.truths[g]
    return error, ignored, mended, reached


def _match(overlaps: Array) -> tuple[Array, Array]:
    """Each detection takes the free truth of its class that it overlaps most, by one half at least."""
    owner, used = np.full(len(overlaps), -1), np.zeros(overlaps.shape[1], dtype=bool)
    for d in np.flatnonzero((overlaps >= FOUND).any(axis=1)).tolist():
        free = np.where(used, 0.0, overlaps[d])
        g = int(free.argmax())
        if free[g] >= FOUND:
            owner[d], used[g] = g, True
    return owner, used


def _truth_table(truth: TruthColumns, hidden: Array, missed: Array) -> Table:
    rows = np.flatnonzero(~hidden)
    keys = truth.image[rows].astype(np.int64) << 32 | truth.classes[rows]
    different, place = np.unique(keys, return_inverse=True)
    return {
        "image": (different >> 32).astype(np.int32),
        "class": (different & 0xFFFFFFFF).astype(np.int16),
        "objects": np.bincount(place, minlength=len(different)).astype(np.int32),
        "missed": np.bincount(place, missed[rows], minlength=len(different)).astype(np.int32),
    }


@dataclass(frozen=True, eq=False)
class _Mended:
    """What would be detected if errors of a kind were mended, class by class and by falling score."""

    image: Array
    starts: Array
    hits: Array
    truths: Table
    classes: int

    @staticmethod
    def of(tables: Mapping[str, Table], classes: int, name: str) -> _Mended:
        found, truths = tables["tide_detections"], tables["tide_truths"]
        kind = ERRORS.index(name) + 1 if name else -1
        mine, mended = found["error"] == kind, found["mended"] >= 0
        rows = np.flatnonzero(np.where(mine, mended, ~found["ignored"]))
        owners = np.where(mine, found["mended"], found["class"])[rows].astype(np.int32)
        order = kernels.order_groups(np.zeros(len(rows), np.int32), owners, found["score"][rows])
        rows, owners = rows[order], owners[order]
        left = truths["objects"] - (truths["missed"] if name == "missed" else 0)
        return _Mended(
            found["image"][rows],
            np.searchsorted(owners, np.arange(classes + 1)).astype(np.int64),
            (mine | (found["error"] == 0))[rows].astype(np.uint16),
            {**truths, "objects": left},
            classes,
        )

    def score(self, weights: Array) -> tuple[Array, Array]:
        """AP50 (B, C), 0 without truth, and which classes have truth or detections in each row."""
        totals = _sums(self.truths, "objects", weights, self.classes)
        precision, *_ = kernels.weighted_precision(
            weights,
            totals,
            _RECALLS,
            image=self.image,
            starts=self.starts,
            hits=self.hits,
            misses=1 - self.hits,
            thresholds=1,
        )
        owners = np.repeat(np.arange(self.classes), np.diff(self.starts))
        some = np.stack([np.bincount(owners, row[self.image], self.classes) for row in weights]) > 0
        return np.where(totals > 0, precision[:, :, 0].mean(axis=2), 0.0), some | (totals > 0)


def _sums(truths: Table, column: str, weights: Array, classes: int) -> Array:
    """Weighted truths (B, C), added in the order of the images."""
    image, owners = truths["image"], truths["class"]
    return np.stack([np.bincount(owners, row[image] * truths[column], minlength=classes) for row in weights])
