"""The confusion matrix of objects, by hand and against sums that must come out."""

from __future__ import annotations

import coco_cases
import numpy as np
import pytest

from bench.metrics import matching, object_confusion
from bench.samples.columns import DetectionColumns, TruthColumns

BOXES = np.array([[0.0, 0, 10, 10], [20, 0, 10, 10], [40, 0, 10, 10], [60, 0, 10, 10]])


def by_hand() -> tuple[TruthColumns, DetectionColumns]:
    """Objects of classes 0, 1 and 1 and a crowd; found: the first, the second as 0, the first
    again, the crowd.
    """
    truth = TruthColumns(
        images=1,
        image=np.zeros(4, np.int32),
        classes=np.array([0, 1, 1, 0], np.int32),
        boxes=BOXES,
        areas=np.full(4, 100.0),
        crowd=np.array([False, False, False, True]),
    )
    found = DetectionColumns(
        images=1,
        image=np.zeros(4, np.int32),
        classes=np.array([0, 0, 1, 1], np.int32),
        scores=np.array([0.9, 0.8, 0.7, 0.6]),
        boxes=BOXES[[0, 1, 0, 3]],
    )
    return truth, found


@pytest.mark.parametrize(
    ("score", "expected"),
    [(0.0, [[1, 0, 0], [1, 0, 1], [0, 1, 0]]), (0.85, [[1, 0, 0], [0, 0, 2], [0, 0, 0]])],
)
def test_matrix_by_hand(score: float, expected: list[list[float]]) -> None:
    truth, found = by_hand()
    tables = object_confusion.count(truth, found, matching.box_overlaps(truth, found))
    matrix = object_confusion.matrix(
        tables["confused"], tables["confused_truths"], np.array([2.0]), classes=2, score=score
    )
    assert (2 * np.array(expected)).tolist() == matrix.tolist()


@pytest.mark.parametrize("seed", range(4))
def test_rows_sum_to_the_truth_and_repeated_images_to_weights(seed: int) -> None:
    made = coco_cases.case(seed, distinct_scores=True)
    weights = np.random.default_rng(seed).integers(0, 3, made.images)
    truth, found = coco_cases.columns(made)
    tables = object_confusion.count(truth, found, matching.mask_overlaps(truth, found))
    matrix = object_confusion.matrix(*tables.values(), weights.astype(float), made.classes)  # type: ignore[arg-type, call-arg]
    again = coco_cases.columns(coco_cases.repeated(made, weights.tolist()))
    repeated = object_confusion.count(*again, matching.mask_overlaps(*again))
    ones = np.ones(int(weights.sum()))
    assert (
        object_confusion.matrix(*repeated.values(), ones, made.classes).tolist() == matrix.tolist()  # type: ignore[arg-type, call-arg]
    )
    objects = np.bincount(
        truth.classes[~truth.crowd], weights[truth.image[~truth.crowd]], made.classes
    )
    assert objects.tolist() == matrix[: made.classes].sum(axis=1).tolist()


def test_nothing_at_all() -> None:
    truth, found = by_hand()
    empty = DetectionColumns(
        1, found.image[:0], found.classes[:0], found.scores[:0], found.boxes[:0]
    )
    tables = object_confusion.count(truth, empty, matching.box_overlaps(truth, empty))
    matrix = object_confusion.matrix(*tables.values(), np.ones(1), 2)  # type: ignore[arg-type, call-arg]
    assert [[0, 0, 1], [0, 0, 2], [0, 0, 0]] == matrix.tolist()
