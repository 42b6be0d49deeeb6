"""AP^r of SDS in plain loops, in its forms of 2014 and 2015: masks as arrays, one class at a time.
No bench here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def iou(a: Array, b: Array) -> float:
    """Intersection over union of two masks."""
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 0.0


def hits(overlaps: list[list[float]], threshold: float, form: str) -> list[bool]:
    """Whether each detection of an image, best first, is right; overlaps[d][g]."""
    covered = [False] * (len(overlaps[0]) if overlaps else 0)
    result = []
    for row in overlaps:
        best, chosen = -1.0, -1
        for g, overlap in enumerate(row):
            if form == "2014" and covered[g]:
                continue
            if overlap > best:
                best, chosen = overlap, g
        if form == "2014":
            right = chosen >= 0 and best > threshold
        else:
            right = chosen >= 0 and best >= threshold and not covered[chosen]
        if right:
            covered[chosen] = True
        result.append(right)
    return result


def average_precision(right: list[bool], total: int) -> float:
    """The full area under the envelope of precision over recall; detections by falling score."""
    tp, fp, recall, precision = 0, 0, [0.0], [0.0]
    for each in right:
        tp, fp = tp + each, fp + (not each)
        recall.append(tp / total)
        precision.append(tp / (tp + fp))
    recall.append(1.0)
    precision.append(0.0)
    for i in range(len(precision) - 2, -1, -1):
        precision[i] = max(precision[i], precision[i + 1])
    return sum((recall[i] - recall[i - 1]) * precision[i] for i in range(1, len(recall)))


def score(
    truths: list[list[tuple[Array, int]]],
    found: list[list[tuple[Array, int, float]]],
    classes: int,
    form: str,
) -> dict[float, list[float]]:
    """AP of every class (NaN without truth) at every threshold of the form."""
    thresholds = [k / 10 for k in range(1, 10)] if form == "2014" else [0.5, 0.7]
    result: dict[float, list[float]] = {}
    for threshold in thresholds:
        result[threshold] = []
        for k in range(classes):
            listed: list[tuple[float, bool]] = []
            total = 0
            for true, guessed in zip(truths, found, strict=True):
                objects = [mask for mask, owner in true if owner == k]
                own = sorted(
                    ((s, m) for m, owner, s in guessed if owner == k), key=lambda pair: -pair[0]
                )
                total += len(objects)
                overlaps = [[iou(mask, g) for g in objects] for _, mask in own]
                right = hits(overlaps, threshold, form)
                listed += [(s, r) for (s, _), r in zip(own, right, strict=True)]
            ranked = sorted(listed, key=lambda pair: -pair[0])
            result[threshold].append(
                average_precision([r for _, r in ranked], total) if total else float("nan")
            )
    return result
