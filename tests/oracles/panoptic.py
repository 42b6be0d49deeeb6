"""Panoptic quality by plain loops: panopticapi's matching, and boundary-iou-api's way with
boundaries.

A map is a list of rows of ids with 0 for void; its segments are {id: (class, crowd)}. No bench, no
NumPy. Unlike panopticapi, all crowds of a class excuse a prediction, not only the last one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Map = Sequence[Sequence[int]]
Segments = Mapping[int, tuple[int, bool]]
Pixels = set[tuple[int, int]]


def masks(ids: Map) -> dict[int, Pixels]:
    """The pixels of every id, void too."""
    found: dict[int, Pixels] = {0: set()}
    for y, row in enumerate(ids):
        for x, value in enumerate(row):
            found.setdefault(value, set()).add((y, x))
    return found


def boundary(mask: Pixels, distance: int) -> Pixels:
    """Erode by a square of 3 x 3, as often as the distance says, beyond the frame is outside; keep
    what goes.
    """
    left = set(mask)
    for _ in range(distance):
        left = {
            (y, x)
            for y, x in left
            if all((y + down, x + right) in left for down in (-1, 0, 1) for right in (-1, 0, 1))
        }
    return mask - left


def iou(true: Pixels, predicted: Pixels, void: Pixels) -> float:
    shared = len(true & predicted)
    return shared / (len(predicted) + len(true) - shared - len(void & predicted))


def matches(
    true: Mapping[int, Pixels],
    true_segments: Segments,
    predicted: Mapping[int, Pixels],
    segments: Segments,
    reach: int,
) -> dict[tuple[int, int], float]:
    """Return (true id, predicted id) -> IoU of what matches; with a reach, the smaller IoU of mask
    and boundary.
    """
    found = {}
    for t, (label, crowd) in true_segments.items():
        for p, (guess, _) in segments.items():
            if crowd or label != guess or not true[t] & predicted[p]:
                continue
            value = iou(true[t], predicted[p], true[0])
            if reach:
                value = min(
                    value, iou(boundary(true[t], reach), boundary(predicted[p], reach), true[0])
                )
            if value > 0.5:
                found[t, p] = value
    return found


def count(
    truth: Map,
    true_segments: Segments,
    prediction: Map,
    segments: Segments,
    distance: int | None = None,
) -> dict[int, list[float]]:
    """Return class -> [sum of IoU, tp, fp, fn]; with a distance, of Boundary PQ."""
    true, predicted = masks(truth), masks(prediction)
    found = matches(true, true_segments, predicted, segments, distance or 0)
    counts: dict[int, list[float]] = {}
    for (t, _), value in found.items():
        row = counts.setdefault(true_segments[t][0], [0.0, 0, 0, 0])
        row[0] += value
        row[1] += 1
    for t, (label, crowd) in true_segments.items():
        if not crowd and all(t != pair[0] for pair in found):
            counts.setdefault(label, [0.0, 0, 0, 0])[3] += 1
    for p, (guess, _) in segments.items():
        crowds = [t for t, (label, crowd) in true_segments.items() if crowd and label == guess]
        excused = sum(len(predicted[p] & true[t]) for t in [0, *crowds]) / len(predicted[p]) > 0.5
        if not excused and all(p != pair[1] for pair in found):
            counts.setdefault(guess, [0.0, 0, 0, 0])[2] += 1
    return counts


def scores(
    counts: Mapping[int, Sequence[float]], classes: Sequence[int]
) -> dict[str, float | None]:
    """Means over the given classes that have anything to count; None where there are none."""
    rows = [counts[c] for c in classes if c in counts and sum(counts[c][1:]) > 0]
    if not rows:
        return {"PQ": None, "SQ": None, "RQ": None}
    each = [(iou_sum, tp, tp + fp / 2 + fn / 2) for iou_sum, tp, fp, fn in rows]
    return {
        "PQ": sum(total / segments for total, _, segments in each) / len(rows),
        "SQ": sum(total / tp if tp else 0.0 for total, tp, _ in each) / len(rows),
        "RQ": sum(tp / segments for _, tp, segments in each) / len(rows),
    }
