"""The kernels over objects in NumPy: grouping, overlaps of boxes and masks, and matching. See
`reference.py`.

Objects of one image and class form a group. Spans (K, 4) int64 give the position of each group: its
detections are `detection_rows[span[0]:span[1]]`, its truths `truth_rows[span[2]:span[3]]`, rows of
the columns they come from. Overlaps are flat: group after group, a row of truths for each
detection.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

BELOW_ONE = 1 - 1e-10
"""A threshold of 1 is met by this overlap, as in pycocotools; it matters at no other threshold."""


def order_groups(image: Array, classes: Array, scores: Array | None = None) -> Array:
    """Order objects by image, then class, then falling score; equal ones keep their order. Returns
    (D,) int64.

    `image` and `classes` (D,) int32 are not negative, `scores` (D,) float64 is finite.

    >>> order_groups(np.int32([1, 0, 0]), np.int32([0, 2, 2]), np.array([0.5, 0.1, 0.9])).tolist()
    [2, 1, 0]
    """
    keys = (classes, image) if scores is None else (-scores, classes, image)
    order: Array = np.lexsort(keys).astype(np.int64)
    return order


def box_overlaps(
    detections: Array,
    truths: Array,
    crowd: Array,
    *,
    detection_rows: Array,
    truth_rows: Array,
    spans: Array,
) -> Array:
    """Overlap of every detection with every truth of its group: flat float64, as pycocotools' bbIou
    to the bit.

    Boxes are (D, 4) and (G, 4) float64 as x, y, width, height; `crowd` (G,) bool: there,
    intersection / detection.

    >>> rows, spans = np.arange(1), np.int64([[0, 1, 0, 1]])
    >>> first, second = np.array([[0.0, 0, 2, 1]]), np.array([[1.0, 0, 2, 1]])
    >>> pairs = {"detection_rows": rows, "truth_rows": rows, "spans": spans}
    >>> box_overlaps(first, second, np.array([True]), **pairs).tolist()
    [0.5]
    """
    first, second = _pairs(spans)
    d, g = detections[detection_rows[first]], truths[truth_rows[second]]
    width = np.minimum(d[:, 2] + d[:, 0], g[:, 2] + g[:, 0]) - np.maximum(d[:, 0], g[:, 0])
    height = np.minimum(d[:, 3] + d[:, 1], g[:, 3] + g[:, 1]) - np.maximum(d[:, 1], g[:, 1])
    common, area = width * height, d[:, 2] * d[:, 3]
    union = np.where(crowd[truth_rows[second]], area, area + g[:, 2] * g[:, 3] - common)
    meet = (width > 0) & (height > 0)
    overlaps: Array = np.divide(common, union, out=np.zeros(len(common)), where=meet)
    return overlaps


def mask_overlaps(
    detections: tuple[Array, Array, Array],
    truths: tuple[Array, Array, Array],
    crowd: Array,
    *,
    detection_rows: Array,
    truth_rows: Array,
    spans: Array,
    floor: float = 0.0,
) -> Array:
    """Overlap of every detection with every truth of its group: flat float64, as pycocotools'
    rleIou to the bit.

    Masks are (offsets, lengths, heights) as in `columns.Runs`; `crowd` (G,) bool: there,
    intersection / detection. Overlaps below `floor` are given as 0. (Where both masks have inner
    runs of length 0, which no encoder writes, pycocotools stops too early.)
    """
    first, second = _pairs(spans)
    result = np.zeros(len(first))
    for index, (d, g) in enumerate(
        zip(detection_rows[first].tolist(), truth_rows[second].tolist(), strict=True)
    ):
        ends, inside = _cumulated(detections, d)
        borders, others = _cumulated(truths, g)
        # Pixels inside the detection before each border of the truth's runs: those up to the end of
        # the detection's run that holds the border, minus the part of that run after the border:
        #
        #   detection  ....######......        inside up to the end of its run: 6
        #   border           |                 run end - border: 4, so 2 pixels are covered
        run = np.searchsorted(ends, borders, side="left")
        covered = (
            inside[run] - np.where(run % 2 == 1, ends[run] - borders, 0)
            if len(ends)
            else 0 * borders
        )
        common = int(np.diff(covered, prepend=0)[1::2].sum())
        area = int(inside[-1]) if len(inside) else 0
        whole = area if crowd[g] else area + (int(others[-1]) if len(others) else 0) - common
        overlap = common / whole if common else 0.0
        result[index] = overlap if overlap >= floor else 0.0
    return result


def run_areas(offsets: Array, lengths: Array) -> Array:
    """Pixels inside each mask, (G,) float64; masks as in `columns.Runs`."""
    index = np.arange(len(lengths)) - np.repeat(offsets[:-1], np.diff(offsets))
    total = np.concatenate([[0], np.cumsum(np.where(index % 2 == 1, lengths, 0), dtype=np.int64)])
    areas: Array = (total[offsets[1:]] - total[offsets[:-1]]).astype(np.float64)
    return areas


def run_boxes(offsets: Array, lengths: Array, heights: Array) -> Array:
    """Box around each mask as x, y, width, height, (G, 4) float64: zeros for a mask without
    pixels.
    """
    boxes = np.zeros((len(heights), 4))
    for g, height in enumerate(heights.tolist()):
        ends = np.cumsum(lengths[offsets[g] : offsets[g + 1]], dtype=np.int64)
        starts, stops = ends[: len(ends) // 2 * 2 : 2], ends[1::2]
        # Pixel numbers run down the columns: number = column * height + row. A run that begins in
        # one column and ends in a later one passes the bottom row and the top row.
        left, top = np.divmod(starts[starts < stops], height)
        right, bottom = np.divmod(stops[starts < stops] - 1, height)
        if len(left):
            whole = bool((left < right).any())
            low, high = (0, height - 1) if whole else (top.min(), bottom.max())
            boxes[g] = left.min(), low, right.max() - left.min() + 1, high - low + 1
    return boxes


def match(
    overlaps: Array,
    spans: Array,
    thresholds: Array,
    *,
    areas: int,
    ignored: Array,
    outside: Array,
    many: Array,
) -> tuple[Array, Array]:
    """Match detections, best first, to truths as pycocotools does; returns (matched, ignored), (D,)
    uint64 of bits.

    `spans` may be a part of all groups: overlaps are theirs, and so is the result, for the D
    detections from `spans[0, 0]` to `spans[-1, 1]`. Bit a * T + t stands for area range a < A =
    `areas` <= 8 and threshold t of `thresholds` (T,) float64, A * T <= 64: `matched` says that the
    detection found a truth, `ignored` that it counts neither as right nor as wrong. For all rows,
    in the order of the spans: bit a of `ignored` (G,) uint8 says that a truth is ignored in range
    a, bit a of `outside` uint8 that a detection is, if unmatched; `many` (G,) bool marks truths
    that may be matched many times (crowds).

    A detection takes the free truth of highest overlap (of equal ones the last), ignored ones only
    where no other is.

    >>> spans, none = np.int64([[0, 2, 0, 1]]), np.uint8([0])
    >>> options = {"areas": 1, "ignored": none, "outside": np.uint8([0, 0])}
    >>> options["many"] = np.array([False])
    >>> matches = match(np.array([0.6, 0.9]), spans, np.array([0.5, 0.75]), **options)
    >>> [bits.tolist() for bits in matches]
    [[1, 2], [0, 0]]
    """
    T, A = len(thresholds), areas
    if not (T and 1 <= A <= 8 and A * T <= 64):
        raise ValueError(
            "1 to 8 area ranges, and at most 64 pairs of a range and a threshold, are matched "
            "at once"
        )
    first = int(spans[0, 0]) if len(spans) else 0
    total = int(spans[-1, 1]) - first if len(spans) else 0
    matched, neither = np.zeros((total, A, T), dtype=bool), np.zeros((total, A, T), dtype=bool)
    start = 0
    for d0, d1, g0, g1 in spans.tolist():
        block = overlaps[start : start + (d1 - d0) * (g1 - g0)].reshape(d1 - d0, g1 - g0)
        start += block.size
        rows = slice(d0 - first, d1 - first)
        matches = _match_group(
            block, np.minimum(thresholds, BELOW_ONE), _bits(ignored[g0:g1], A), many[g0:g1]
        )
        matched[rows], neither[rows] = matches
        neither[rows] |= ~matches[0] & _bits(outside[d0:d1], A)[:, :, None]
    return _packed(matched), _packed(neither)


def _match_group(
    overlaps: Array, thresholds: Array, ignored: Array, many: Array
) -> tuple[Array, Array]:
    D, G = overlaps.shape
    A, T = ignored.shape[1], len(thresholds)
    taken = np.zeros((G, A, T), dtype=bool)
    matched, neither = np.zeros((D, A, T), dtype=bool), np.zeros((D, A, T), dtype=bool)
    for d in range(D):
        best, chosen = np.broadcast_to(thresholds, (A, T)).copy(), np.full((A, T), -1)
        for wanted in (False, True):
            open_still = chosen < 0
            for g in range(G):
                better = ~(overlaps[d, g] < best) & (many[g] | ~taken[g])
                better &= (ignored[g] == wanted)[:, None] & open_still
                best[better], chosen[better] = overlaps[d, g], g
            if wanted:
                neither[d] = open_still & (chosen >= 0)
        matched[d] = chosen >= 0
        for a, t in np.argwhere(matched[d]):
            taken[chosen[a, t], a, t] = True
    return matched, neither


def _bits(flags: Array, areas: int) -> Array:
    """Lowest bits of each value, (..., A) bool."""
    return np.unpackbits(flags[:, None], axis=1, bitorder="little")[:, :areas].astype(bool)


def _packed(flags: Array) -> Array:
    """Flags (D, A, T) as (D,) uint64, bit a * T + t."""
    flat = flags.reshape(len(flags), flags.shape[1] * flags.shape[2])
    bits = np.zeros((len(flags), 64), dtype=np.uint8)
    bits[:, : flat.shape[1]] = flat
    return (
        np.packbits(bits, axis=1, bitorder="little")
        .view("<u8")
        .astype(np.uint64)
        .reshape(len(flags))
    )


def _pairs(spans: Array) -> tuple[Array, Array]:
    """Places in the detections' and the truths' rows of every pair of every group, in the order of
    flat overlaps.
    """
    detections, truths = spans[:, 1] - spans[:, 0], spans[:, 3] - spans[:, 2]
    sizes = detections * truths
    within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    columns = np.repeat(truths, sizes)
    first, second = np.divmod(within, np.maximum(columns, 1))
    return np.repeat(spans[:, 0], sizes) + first, np.repeat(spans[:, 2], sizes) + second


def _cumulated(masks: tuple[Array, Array, Array], row: int) -> tuple[Array, Array]:
    """Where each run of a mask ends, and the pixels inside the mask up to there; both int64."""
    offsets, lengths, _ = masks
    runs = lengths[offsets[row] : offsets[row + 1]].astype(np.int64)
    inside = np.where(np.arange(len(runs)) % 2 == 1, runs, 0)
    return np.cumsum(runs), np.cumsum(inside)
