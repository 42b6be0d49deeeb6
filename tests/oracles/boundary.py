"""Boundary scores in plain loops: the rules of boundary-iou-api and of the released code of GSCNN,
step by step.

It imports neither `bench` nor NumPy: masks and label maps are lists of rows.
"""

from __future__ import annotations

import math

Rows = list[list[int]]
Mask = list[list[bool]]


def band(mask: Mask, void: Mask, width: int) -> Mask:
    """Pixels of a mask within `width` (chessboard) of a pixel outside it that is not void, or of
    the frame.
    """
    height, across = len(mask), len(mask[0])
    result = [[False] * across for _ in range(height)]
    for y in range(height):
        for x in range(across):
            if not mask[y][x] or void[y][x]:
                continue
            for v in range(y - width, y + width + 1):
                for u in range(x - width, x + width + 1):
                    outside = not (0 <= v < height and 0 <= u < across)
                    if outside or not (mask[v][u] or void[v][u]):
                        result[y][x] = True
    return result


def contour(mask: Mask) -> Mask:
    """Follow seg2bmap of GSCNN and DAVIS: a pixel that differs from its right, lower or lower right
    neighbour.
    """
    height, width = len(mask), len(mask[0])
    result = [[False] * width for _ in range(height)]
    for y in range(height):
        for x in range(width):
            neighbours = []
            if x + 1 < width:
                neighbours.append(mask[y][x + 1])
            if y + 1 < height:
                neighbours.append(mask[y + 1][x])
            if x + 1 < width and y + 1 < height:
                neighbours.append(mask[y + 1][x + 1])
            result[y][x] = any(mask[y][x] != other for other in neighbours)
    return result


def matched(own: Mask, other: Mask, radius: int) -> int:
    """Count pixels of one contour that the other covers, dilated with a disk."""
    count = 0
    for y, row in enumerate(own):
        for x, here in enumerate(row):
            count += here and any(
                there and (y - v) ** 2 + (x - u) ** 2 <= radius**2
                for v, others in enumerate(other)
                for u, there in enumerate(others)
            )
    return count


def f_score(truth: Mask, prediction: Mask, void: Mask, threshold: float) -> float:
    """Follow db_eval_boundary of GSCNN for one class of one image."""
    height, width = len(truth), len(truth[0])
    radius = (
        int(threshold) if threshold >= 1 else math.ceil(threshold * math.sqrt(height**2 + width**2))
    )
    valid = [
        [
            [m and not v for m, v in zip(row, gone, strict=True)]
            for row, gone in zip(mask, void, strict=True)
        ]
        for mask in (truth, prediction)
    ]
    true, predicted = contour(valid[0]), contour(valid[1])
    n_true, n_predicted = sum(map(sum, true)), sum(map(sum, predicted))
    if n_true == 0 and n_predicted == 0:
        precision, recall = 1.0, 1.0
    elif n_true == 0:
        precision, recall = 0.0, 1.0
    elif n_predicted == 0:
        precision, recall = 1.0, 0.0
    else:
        precision = matched(predicted, true, radius) / n_predicted
        recall = matched(true, predicted, radius) / n_true
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def boundary_iou(pairs: list[tuple[Rows, Rows]], label: int, ignore: int, width: int) -> float:
    """Intersection over union of one class's bands, summed over images; NaN without any."""
    both = either = 0
    for truth, prediction in pairs:
        void = [[value == ignore for value in row] for row in truth]
        bands = [
            band([[value == label for value in row] for row in rows], void, width)
            for rows in (truth, prediction)
        ]
        for first, second in zip(*bands, strict=True):
            both += sum(a and b for a, b in zip(first, second, strict=True))
            either += sum(a or b for a, b in zip(first, second, strict=True))
    return both / either if either else math.nan
