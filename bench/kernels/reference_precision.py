"""The kernels that turn weighted matches into precision, recall and areas, in NumPy. See
`reference.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def weighted_precision(  # noqa: PLR0913 - the columns of one table
    weights: Array,
    totals: Array,
    recalls: Array,
    *,
    image: Array,
    starts: Array,
    hits: Array,
    misses: Array,
    thresholds: int,
    with_places: bool = False,
) -> tuple[Array, Array, Array, Array]:
    """Precision at given recalls, for weights (B, N) and K classes: (precision, recall, area,
    places).

    Detections are sorted class by class, class k in `starts[k]:starts[k + 1]` (K + 1,) int64, each
    by falling score. `image` (D,) int32 says whose weight counts; bit t of `hits` and `misses` (D,)
    uint16 that the detection is right or wrong at threshold t < T = `thresholds` <= 16. `weights`
    (B, N) float64, `totals` (B, K) float64 are the truths to be found, `recalls` (R,) float64
    rises.

    Precision (B, K, T, R) is the highest one at or after the first detection that reaches a recall,
    0 where none does; recall (B, K, T) what all detections reach; area (B, K, T) the area under
    that highest precision over recall; places (B, K, T, R) int64 is that first detection, -1 where
    none does, or of shape (0, K, T, R) unless `with_places`. All as pycocotools, to the bit where
    weights are whole; a class without truths in a row is NaN there.
    """
    B, K, T, R = len(weights), len(starts) - 1, thresholds, len(recalls)
    precision, recall, area = (
        np.full(shape, np.nan) for shape in ((B, K, T, R), (B, K, T), (B, K, T))
    )
    places = np.full((B, K, T, R), -1, dtype=np.int64)
    for b, k in np.ndindex(B, K):
        if totals[b, k] == 0:
            continue
        rows = np.arange(int(starts[k]), int(starts[k + 1]))
        rows = rows[weights[b, image[rows]] > 0]
        weight = weights[b, image[rows]]
        for t in range(T):
            right = np.cumsum(np.where(hits[rows] >> t & 1, weight, 0.0))
            wrong = np.cumsum(np.where(misses[rows] >> t & 1, weight, 0.0))
            reached = right / totals[b, k]
            rates = right / (wrong + right + np.spacing(1))
            # The envelope of pycocotools: the highest precision from here to the last detection.
            #   rates    1.0  0.5  0.7  0.5        highest  1.0  0.7  0.7  0.5
            highest = np.maximum.accumulate(rates[::-1])[::-1]
            first = np.searchsorted(reached, recalls, side="left")
            is_reached = first < len(rows)
            precision[b, k, t] = 0.0
            precision[b, k, t, is_reached] = highest[first[is_reached]]
            places[b, k, t, is_reached] = rows[first[is_reached]]
            recall[b, k, t] = reached[-1] if len(rows) else 0.0
            # Summed one by one from the last detection to the first, as the native kernel does:
            # another order of the additions would change the last bit.
            strips = np.diff(reached, prepend=0.0) * highest
            area[b, k, t] = np.cumsum(np.append(0.0, strips[::-1]))[-1]
    return precision, recall, area, places if with_places else places[:0]


def trapezoid_areas(
    weights: Array,
    totals: Array,
    *,
    image: Array,
    starts: Array,
    hits: Array,
    misses: Array,
    last: Array,
    thresholds: int,
) -> Array:
    """Areas under precision over recall by the trapezoid rule, (B, K, T): as Cityscapes has them.

    The other columns are those of `weighted_precision`; `last` (D,) bool says that the next
    detection of the class has a lower score, or that there is none: equal scores are one point. The
    curve begins at recall 0 and precision 1, and has no envelope. A class without truths in a row
    is NaN there.
    """
    areas = np.full((len(weights), len(starts) - 1, thresholds), np.nan)
    for b, k in np.argwhere(totals > 0):
        rows = slice(int(starts[k]), int(starts[k + 1]))
        weight, points = weights[b, image[rows]], np.flatnonzero(last[rows])
        for t in range(thresholds):
            right, wrong = (
                np.cumsum(np.where(bits[rows] >> t & 1, weight, 0.0))[points]
                for bits in (hits, misses)
            )
            shown = right + wrong
            precision = np.divide(right, shown, out=np.ones_like(shown), where=shown != 0)
            widths = np.diff(right / totals[b, k], prepend=0.0)
            # A trapezoid: width of recall times the mean of the precision at both of its ends.
            heights = precision + np.append(1.0, precision)[:-1]
            areas[b, k, t] = np.cumsum(np.append(0.0, widths * heights / 2))[-1]
    return areas
