"""Error types of detections, as TIDE defines them, and how much AP50 each of them costs.

Each detection that is not a true positive has one error, the first that fits (o is the IoU with an
object, "own" an object of its class and "other" an object of another class):

    location     .1 <= o(own) <= .5               right class, imprecise place
    class        o(other) >= .5                   right place, wrong class
    duplicate    o(own) >= .5, object is taken    a second detection of the object
    background   o <= .1 with every object
    both         anything else                    wrong class and imprecise place

An object that no detection finds, and that no fixed error would find, is missed. The score of an
error type is the gain in AP50 if all errors of this type were fixed: location and class errors
become right (one for each object), the others are removed, missed objects no longer count.

Errors need overlaps across classes, so there are tables of their own. This module does not know why
images are weighted. Source: tidecv (Bolya et al. 2020).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bench import kernels
from bench.classes import Classes
from bench.metrics.average_precision import InstanceScores
from bench.metrics.matching import Groups, Overlaps, box_overlaps, group, mask_overlaps
from bench.metrics.max_detections import LEFT_OUT, left_out
from bench.metrics.rates import class_mean
from bench.samples import Array, Table
from bench.samples.columns import DetectionColumns, TruthColumns

ERRORS = ("class", "location", "both", "duplicate", "background", "missed")
"""The column `error` is 0 for no error, 1 for the first of these, and so on."""
_CLASS, _LOCATION, _BOTH, _DUPLICATE, _BACKGROUND = range(1, 6)
OVERALL = ("AP50", *(f"dAP_{error}" for error in ERRORS))
FOUND, BACKGROUND = 0.5, 0.1
"""Overlaps: from FOUND on an object is found, and up to BACKGROUND it is not touched."""
DETECTIONS = 100
"""Detections of an image that count, over all classes."""
_RECALLS = np.arange(101) / 100
_BLOCK = 256

ClassesIn = Literal["truth", "union"]


def count(
    truth: TruthColumns, detections: DetectionColumns, *, kind: Literal["mask", "box"] = "mask"
) -> dict[str, Table]:
    """Find the errors in N images: tables `tide_detections`, `tide_truths` and `tide_left_out`.

    Detections, by falling score: image (int32), class (int16), score (float64), error (int8: 0 is
    right, then `ERRORS` from 1 on), ignored (bool: over a crowd of its class, so that it counts in
    no AP), mended (int16: the class in which it would be right if its error were fixed, -1 for
    none, or if another detection is fixed instead).

    Truths: image (int32), class (int16), objects (int32, to be found), missed (int32: those that no
    detection finds, and no location or class error would find).

    Raises:
        InputError: `kind` is mask, and there are no masks.
    """
    hidden = truth.crowd if truth.ignore is None else truth.crowd | truth.ignore
    # With all classes set to 0, a group is an image, and overlaps are computed across classes.
    any_class = replace(truth, classes=np.zeros_like(truth.classes), crowd=hidden)
    of_any_class = replace(detections, classes=np.zeros_like(detections.classes))
    overlaps = (box_overlaps if kind == "box" else mask_overlaps)(any_class, of_any_class)
    groups = group(any_class, of_any_class, DETECTIONS)
    # Every object is missed until a detection reaches it.
    missed = ~hidden
    total = len(groups.detection_rows)
    error, ignored, fixed_class = (
        np.zeros(total, np.int8),
        np.zeros(total, dtype=bool),
        np.full(total, -1, np.int16),
    )
    for span in groups.spans:
        rows = slice(int(span[0]), int(span[1]))
        objects = groups.truth_rows[span[2] : span[3]]
        image = _Image(
            _overlaps_of(overlaps, groups, span),
            detections.classes[groups.detection_rows[rows]],
            truth.classes[objects],
            hidden[objects],
        )
        error[rows], ignored[rows], fixed_class[rows], reached = _errors_of(image)
        missed[objects[reached]] = False
    counted = groups.detection_rows
    return {
        "tide_detections": {
            "image": detections.image[counted],
            "class": detections.classes[counted].astype(np.int16),
            "score": detections.scores[counted],
            "error": error,
            "ignored": ignored,
            "mended": fixed_class,
        },
        "tide_truths": _truth_table(truth, hidden, missed),
        f"tide_{LEFT_OUT}": left_out(detections, len(counted), DETECTIONS, by_class=False),
    }


def errors(tables: Mapping[str, Table]) -> dict[str, int]:
    """Return the number of errors of each type."""
    error = tables["tide_detections"]["error"]
    counts = {name: int((error == number).sum()) for number, name in enumerate(ERRORS, start=1)}
    return {**counts, "missed": int(tables["tide_truths"]["missed"].sum())}


def score(
    tables: Mapping[str, Table],
    weights: Array,
    classes: Classes,
    *,
    classes_in: ClassesIn = "union",
) -> InstanceScores:
    """Score N images under weights (B, N): AP50, and the gain in AP50 from fixing each error type.

    A gain is never below 0, as in TIDE. Means average the classes with ground truth or with
    detections that count (`union`, as in TIDE), where a class without ground truth has an AP of 0;
    or the classes with ground truth (`truth`). Of classes there is AP50. Weights are handled in
    blocks, which bounds memory.
    """
    weights = np.asarray(weights, dtype=np.float64)
    variants = {name: _Fixed.of(tables, len(classes), name) for name in ("", *ERRORS)}
    in_truth = (
        _sums(tables["tide_truths"], "objects", np.ones((1, weights.shape[1])), len(classes))[0] > 0
    )
    aps: dict[str, list[Array]] = {name: [np.zeros((0, len(classes)))] for name in variants}
    means: dict[str, list[Array]] = {name: [np.zeros(0)] for name in variants}
    for start in range(0, len(weights), _BLOCK):
        rows = weights[start : start + _BLOCK]
        # All variants share the weights: the gain is a difference within the same resample.
        for name, variant in variants.items():
            ap, counted = variant.score(rows)
            means[name].append(
                class_mean(ap, counted & in_truth if classes_in == "truth" else counted)
            )
            aps[name].append(np.where(counted, ap, np.nan))
    overall = {"AP50": np.concatenate(means[""])}
    for name in ERRORS:
        overall[f"dAP_{name}"] = np.maximum(np.concatenate(means[name]) - overall["AP50"], 0.0)
    return InstanceScores(overall, {"AP50": np.concatenate(aps[""])}, scored=in_truth)


def truth_rows(tables: Mapping[str, Table]) -> Table:
    """Return what the ground truth alone determines: objects by image and class."""
    return {name: column for name, column in tables["tide_truths"].items() if name != "missed"}


@dataclass(frozen=True, eq=False)
class _Image:
    """The D detections, by falling score, and G objects of one image.

    `overlaps` is (D, G), `classes` (D,) and `truths` (G,) are the classes of both, and `hidden`
    (G,) says which objects are crowds or ignored.
    """

    overlaps: Array
    classes: Array
    truths: Array
    hidden: Array


def _overlaps_of(overlaps: Overlaps, groups: Groups, span: Array) -> Array:
    class_groups = Groups(groups.detection_rows, groups.truth_rows, span[None], groups.rank)
    return overlaps(class_groups).reshape(int(span[1] - span[0]), int(span[3] - span[2]))


def _errors_of(image: _Image) -> tuple[Array, Array, Array, Array]:
    """Return error, ignored and fixed class of each detection, (D,), and the reached objects, (G,).

    An object is reached if a detection finds it or would find it after fixing its error.
    """
    same_class = image.classes[:, None] == image.truths[None]
    counting = ~image.hidden
    owner, found = _match(np.where(same_class & counting, image.overlaps, 0.0))
    right = owner >= 0
    crowds = (image.overlaps > FOUND) & same_class & image.hidden
    ignored = ~right & crowds.any(axis=1)
    reached = found.copy()
    fixed_class = np.full(len(owner), -1, dtype=np.int16)
    if not counting.any():
        return np.where(right, 0, _BACKGROUND).astype(np.int8), ignored, fixed_class, reached
    overlaps = np.where(counting, image.overlaps, 0.0)
    own, other = np.where(same_class, overlaps, 0.0), np.where(same_class, 0.0, overlaps)
    of_found = np.where(same_class & found, overlaps, 0.0)
    best_own, best_other = own.max(axis=1), other.max(axis=1)
    # The tests look at the largest IoU of a detection with an object of its own class, of another
    # class, and with an object that another detection has found already:
    #
    #     best_own   0 ---- .1 ======== .5 ---- 1        = location: near its object, not on it
    #     best_other 0 ---------------- .5 ==== 1        = class: on an object of another class
    #
    # `np.select` takes the first test that holds: the order is part of TIDE's definition.
    tests = {
        0: right,
        _LOCATION: (best_own >= BACKGROUND) & (best_own <= FOUND),
        _CLASS: best_other >= FOUND,
        _DUPLICATE: of_found.max(axis=1) >= FOUND,
        _BACKGROUND: overlaps.max(axis=1) <= BACKGROUND,
    }
    error = np.select(list(tests.values()), list(tests), default=_BOTH).astype(np.int8)
    target = np.where(error == _LOCATION, own.argmax(axis=1), other.argmax(axis=1))
    for d in np.flatnonzero((error == _CLASS) | (error == _LOCATION)).tolist():
        g = int(target[d])
        if not reached[g]:  # of several detections, the one of highest score is fixed
            reached[g], fixed_class[d] = True, image.truths[g]
    return error, ignored, fixed_class, reached


def _match(overlaps: Array) -> tuple[Array, Array]:
    """Match each detection to the free object that it overlaps most, by at least one half.

    Returns the object of each detection, (D,), -1 for none, and which objects are found, (G,).
    """
    owner, used = np.full(len(overlaps), -1), np.zeros(overlaps.shape[1], dtype=bool)
    # Detections come by falling score, so each takes its object before lower-scoring ones can.
    for d in np.flatnonzero((overlaps >= FOUND).any(axis=1)).tolist():
        free = np.where(used, 0.0, overlaps[d])
        g = int(free.argmax())
        if free[g] >= FOUND:
            owner[d], used[g] = g, True
    return owner, used


def _truth_table(truth: TruthColumns, hidden: Array, missed: Array) -> Table:
    rows = np.flatnonzero(~hidden)
    keys = truth.image[rows].astype(np.int64) << 32 | truth.classes[rows]
    unique, group_of_row = np.unique(keys, return_inverse=True)
    return {
        "image": (unique >> 32).astype(np.int32),
        "class": (unique & 0xFFFFFFFF).astype(np.int16),
        "objects": np.bincount(group_of_row, minlength=len(unique)).astype(np.int32),
        "missed": np.bincount(group_of_row, missed[rows], minlength=len(unique)).astype(np.int32),
    }


@dataclass(frozen=True, eq=False)
class _Fixed:
    """The detections after fixing all errors of one type, by class and falling score.

    `image` and `hits` (D,) are their images and whether they are right; those of class c are
    `starts[c]` to `starts[c + 1]`. `truths` are the objects to be found.
    """

    image: Array
    starts: Array
    hits: Array
    truths: Table
    classes: int

    @staticmethod
    def of(tables: Mapping[str, Table], classes: int, name: str) -> _Fixed:
        """Fix the errors of this name; the empty name fixes none."""
        detections, truths = tables["tide_detections"], tables["tide_truths"]
        number = ERRORS.index(name) + 1 if name else -1
        of_type, can_be_right = detections["error"] == number, detections["mended"] >= 0
        # Errors of the type are right now, in their fixed class, or gone. Others stay, if they
        # count.
        rows = np.flatnonzero(np.where(of_type, can_be_right, ~detections["ignored"]))
        class_of_row = np.where(of_type, detections["mended"], detections["class"])[rows].astype(
            np.int32
        )
        order = kernels.order_groups(
            np.zeros(len(rows), np.int32), class_of_row, detections["score"][rows]
        )
        rows, class_of_row = rows[order], class_of_row[order]
        remaining = truths["objects"] - (truths["missed"] if name == "missed" else 0)
        return _Fixed(
            detections["image"][rows],
            np.searchsorted(class_of_row, np.arange(classes + 1)).astype(np.int64),
            (of_type | (detections["error"] == 0))[rows].astype(np.uint16),
            {**truths, "objects": remaining},
            classes,
        )

    def score(self, weights: Array) -> tuple[Array, Array]:
        """Return AP50 (B, C), 0 without ground truth, and the classes with truth or detections."""
        totals = _sums(self.truths, "objects", weights, self.classes)
        # Ignored detections were removed before, so whatever is not a hit is a miss.
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
        class_of_row = np.repeat(np.arange(self.classes), np.diff(self.starts))
        detected = (
            np.stack([np.bincount(class_of_row, row[self.image], self.classes) for row in weights])
            > 0
        )
        return np.where(totals > 0, precision[:, :, 0].mean(axis=2), 0.0), detected | (totals > 0)


def _sums(truths: Table, column: str, weights: Array, classes: int) -> Array:
    """Return weighted objects (B, C), added in the order of the images."""
    image, class_of_row = truths["image"], truths["class"]
    return np.stack(
        [
            np.bincount(class_of_row, row[image] * truths[column], minlength=classes)
            for row in weights
        ]
    )
