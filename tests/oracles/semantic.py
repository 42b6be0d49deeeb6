"""Semantic scores written out slowly, in plain loops over pixels: the specification of the fast
code.

It imports neither `bench` nor NumPy: label maps are lists of rows of numbers, matrices lists of
rows.
"""

from __future__ import annotations

import math

LabelRows = list[list[int]]
Matrix = list[list[int]]
NAN = float("nan")


def confusion(pairs: list[tuple[LabelRows, LabelRows]], classes: int, ignore: int) -> Matrix:
    """Count pixels by true class and predicted class; column `classes` is a label that is not
    scored.
    """
    matrix = [[0] * (classes + 1) for _ in range(classes)]
    for truth, prediction in pairs:
        for truth_row, predicted_row in zip(truth, prediction, strict=True):
            for true, predicted in zip(truth_row, predicted_row, strict=True):
                if true == ignore:
                    continue
                matrix[true][classes if predicted == ignore else predicted] += 1
    return matrix


def scores(matrix: Matrix, classes_in: str = "truth") -> dict[str, float | list[float]]:
    """Work out every score of one matrix, by the definitions."""
    size = len(matrix)
    iou, dice, accuracy, truth_of, present, with_truth = [], [], [], [], [], []
    for c in range(size):
        tp = matrix[c][c]
        fn = sum(matrix[c]) - tp
        fp = sum(matrix[other][c] for other in range(size) if other != c)
        iou.append(_divide(tp, tp + fp + fn))
        dice.append(_divide(2 * tp, 2 * tp + fp + fn))
        accuracy.append(_divide(tp, tp + fn))
        truth_of.append(tp + fn)
        with_truth.append(classes_in == "all" or tp + fn > 0)
        present.append(classes_in == "all" or (tp + fn + (fp if classes_in == "union" else 0)) > 0)
    valid = sum(truth_of)
    return {
        "IoU": iou,
        "Dice": dice,
        "accuracy": accuracy,
        "pixel_accuracy": _divide(sum(matrix[c][c] for c in range(size)), valid),
        "mean_accuracy": _mean(
            [a for a, counts in zip(accuracy, with_truth, strict=True) if counts]
        ),
        "mIoU": _mean([v for v, counts in zip(iou, present, strict=True) if counts]),
        "mDice": _mean([v for v, counts in zip(dice, present, strict=True) if counts]),
        "fwIoU": _divide(sum(n * v for n, v in zip(truth_of, iou, strict=True) if n), valid),
    }


def voc_devkit(pairs: list[tuple[LabelRows, LabelRows]], classes: int) -> tuple[list[float], float]:
    """Follow the steps of the development kit of PASCAL VOC, VOCevalseg.m: IoU of every class, and
    their plain mean.

    Raises ValueError where it stops with an error: another size, or a predicted value that is no
    class.
    """
    rows = [[0] * classes for _ in range(classes)]
    for truth, prediction in pairs:
        if len(truth) != len(prediction) or any(
            len(t) != len(p) for t, p in zip(truth, prediction, strict=True)
        ):
            raise ValueError("results image has wrong size")
        if max(max(row) for row in prediction) >= classes:
            raise ValueError("results image has out of range value")
        for truth_row, predicted_row in zip(truth, prediction, strict=True):
            for true, predicted in zip(truth_row, predicted_row, strict=True):
                if true < 255:
                    rows[true][predicted] += 1
    iou = []
    for c in range(classes):
        union = sum(rows[c]) + sum(row[c] for row in rows) - rows[c][c]
        iou.append(_divide(rows[c][c], union))
    return iou, _mean(iou)


def _divide(part: float, whole: float) -> float:
    return part / whole if whole > 0 else NAN


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values) if values else NAN
