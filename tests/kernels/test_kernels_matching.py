"""The kernels over objects: native and reference alike, and overlaps equal to pycocotools to the
bit.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco

from bench import kernels
from bench.kernels import reference

Array = np.ndarray[Any, Any]
NATIVE = kernels.native()
needs_native = pytest.mark.skipif(
    NATIVE is None, reason="the native kernels were not built: there was no compiler"
)
twins = pytest.mark.parametrize(
    "twin", [reference, pytest.param(NATIVE, marks=needs_native)], ids=["reference", "native"]
)
seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def same(function: str, *arguments: Any, **named: Any) -> None:
    """Both forms give the same values, types and shapes."""
    results = [getattr(module, function)(*arguments, **named) for module in (reference, NATIVE)]
    first, second = (result if isinstance(result, tuple) else (result,) for result in results)
    for one, other in zip(first, second, strict=True):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def groups(random: np.random.Generator, detections: int, truths: int) -> dict[str, Array]:
    """Spans over some rows, drawn with repetition, of columns with so many detections and
    truths.
    """
    count = int(random.integers(0, 5))
    sizes = random.integers(0, 5, (count, 2)) * np.array([detections > 0, truths > 0])
    ends = np.cumsum(sizes, axis=0).reshape(-1, 2)
    total = ends[-1] if count else np.zeros(2, int)
    spans = np.stack(
        [ends[:, 0] - sizes[:, 0], ends[:, 0], ends[:, 1] - sizes[:, 1], ends[:, 1]], axis=1
    )
    return {
        "detection_rows": random.integers(0, max(detections, 1), total[0]),
        "truth_rows": random.integers(0, max(truths, 1), total[1]),
        "spans": spans.astype(np.int64).reshape(-1, 4),
    }


def boxes(random: np.random.Generator, count: int) -> Array:
    """Boxes with fractions, some alike, some without an inside."""
    return random.choice([0, 0.1, 1 / 3, 2, 3.7, 5, 9], (count, 4))


def mask(random: np.random.Generator, height: int, width: int) -> Array:
    """Noise, a rectangle, nothing, or everything, (H, W) uint8."""
    kind = random.integers(4)
    if kind == 0:
        return (random.random((height, width)) < random.random()).astype(np.uint8)
    made = np.full((height, width), kind == 3, np.uint8)
    if kind == 1:
        top, left = random.integers(0, (height, width))
        made[top : top + int(random.integers(1, 9)), left : left + int(random.integers(1, 9))] = 1
    return made


def runs(random: np.random.Generator, count: int, size: tuple[int, int]) -> list[list[int]]:
    """Run lengths of masks, as an encoder writes them."""
    found = []
    for _ in range(count):
        flat = mask(random, *size).reshape(-1, order="F")
        borders = np.flatnonzero(np.diff(flat, prepend=0)).tolist()
        found.append(np.diff([0, *borders, flat.size]).tolist())
    return found


def split(random: np.random.Generator, lengths: list[list[int]]) -> list[list[int]]:
    """The same masks with runs of length 0 in between, which no encoder writes."""
    found = []
    for each in lengths:
        longer = list(each)
        for _ in range(int(random.integers(0, 3))):
            place = int(random.integers(0, len(longer) + 1))
            longer[place:place] = [0, 0]
        found.append(longer)
    return found


def joined(lengths: list[list[int]], height: int) -> tuple[Array, Array, Array]:
    """Masks as columns."""
    offsets = np.cumsum([0, *map(len, lengths)], dtype=np.int64)
    flat = np.array([run for each in lengths for run in each], dtype=np.uint32)
    return offsets, flat, np.full(len(lengths), height, dtype=np.int32)


def coded(lengths: list[list[int]], size: tuple[int, int]) -> list[Any]:
    return [coco.frPyObjects({"size": list(size), "counts": each}, *size) for each in lengths]


# ---- order


@needs_native
@given(seeds)
def test_orders_are_alike(random: np.random.Generator) -> None:
    count = int(random.integers(0, 40))
    image, classes = (random.integers(0, 4, count).astype(np.int32) for _ in range(2))
    scores = random.choice([0.0, -0.0, 0.5, 1.0, -3.0], count)
    same("order_groups", image, classes, scores)
    same("order_groups", image, classes, None)


@twins
def test_order_keeps_ties_as_they_come(twin: Any) -> None:
    order = twin.order_groups(
        np.array([0, 0, 0, 0], np.int32),
        np.array([1, 0, 1, 1], np.int32),
        np.array([0.5, 0.1, 0.5, 0.9]),
    )
    assert [1, 3, 0, 2] == order.tolist()


# ---- overlaps


@twins
@given(seeds)
def test_box_overlaps_equal_pycocotools(twin: Any, random: np.random.Generator) -> None:
    first, second = (
        boxes(random, int(random.integers(1, 6))),
        boxes(random, int(random.integers(1, 6))),
    )
    crowd = random.random(len(second)) < 0.3
    rows = {"detection_rows": np.arange(len(first)), "truth_rows": np.arange(len(second))}
    found = twin.box_overlaps(
        first, second, crowd, spans=np.array([[0, len(first), 0, len(second)]], np.int64), **rows
    )
    assert np.array_equal(coco.iou(first, second, crowd.astype(np.uint8)).reshape(-1), found)


@needs_native
@given(seeds)
def test_box_overlaps_are_alike(random: np.random.Generator) -> None:
    first, second = (
        boxes(random, int(random.integers(0, 6))),
        boxes(random, int(random.integers(0, 6))),
    )
    same(
        "box_overlaps",
        first,
        second,
        random.random(len(second)) < 0.3,
        **groups(random, len(first), len(second)),
    )


@twins
@given(seeds)
def test_mask_overlaps_equal_pycocotools(twin: Any, random: np.random.Generator) -> None:
    size = int(random.integers(1, 12)), int(random.integers(1, 12))
    first, second = (runs(random, int(random.integers(1, 5)), size) for _ in range(2))
    crowd = random.random(len(second)) < 0.3
    expected = coco.iou(coded(first, size), coded(second, size), crowd.astype(np.uint8)).reshape(-1)
    span = np.array([[0, len(first), 0, len(second)]], np.int64)
    rows = {
        "detection_rows": np.arange(len(first)),
        "truth_rows": np.arange(len(second)),
        "spans": span,
    }
    masks = joined(split(random, first), size[0]), joined(split(random, second), size[0])
    assert np.array_equal(expected, twin.mask_overlaps(*masks, crowd, **rows))
    floored = twin.mask_overlaps(*masks, crowd, floor=0.4, **rows)
    assert np.array_equal(np.where(expected < 0.4, 0, expected), floored)


@needs_native
@given(seeds)
def test_mask_overlaps_are_alike(random: np.random.Generator) -> None:
    size = int(random.integers(1, 12)), int(random.integers(1, 12))
    first, second = (
        split(random, runs(random, int(random.integers(0, 5)), size)) for _ in range(2)
    )
    arguments = joined(first, size[0]), joined(second, size[0]), random.random(len(second)) < 0.3
    same("mask_overlaps", *arguments, floor=0.3, **groups(random, len(first), len(second)))


@twins
@given(seeds)
def test_areas_and_boxes_of_masks_equal_pycocotools(twin: Any, random: np.random.Generator) -> None:
    size = int(random.integers(1, 12)), int(random.integers(1, 12))
    lengths = runs(random, int(random.integers(1, 5)), size)
    offsets, flat, heights = joined(split(random, lengths), size[0])
    codes = coded(lengths, size)
    assert coco.area(codes).tolist() == twin.run_areas(offsets, flat).tolist()
    assert coco.toBbox(codes).tolist() == twin.run_boxes(offsets, flat, heights).tolist()


@twins
def test_empty_runs_inside_a_mask_are_read_where_pycocotools_stops(twin: Any) -> None:
    size, first, second = (6, 6), [[0, 0, 0, 0, 0, 36]], [[0, 0, 0, 36]]
    rows = {
        "detection_rows": np.array([0], np.int64),
        "truth_rows": np.array([0], np.int64),
        "spans": np.array([[0, 1, 0, 1]], np.int64),
    }
    assert 0.0 == coco.iou(coded(first, size), coded(second, size), [0])[0, 0]
    assert (
        1.0 == twin.mask_overlaps(joined(first, 6), joined(second, 6), np.array([False]), **rows)[0]
    )


@needs_native
def test_a_mask_without_runs_is_empty_in_both() -> None:
    empty = np.array([0, 0], np.int64), np.zeros(0, np.uint32), np.array([5], np.int32)
    some = np.array([0, 2], np.int64), np.array([0, 25], np.uint32), np.array([5], np.int32)
    rows = {
        "detection_rows": np.array([0], np.int64),
        "truth_rows": np.array([0], np.int64),
        "spans": np.array([[0, 1, 0, 1]], np.int64),
    }
    for first, second in ((empty, some), (some, empty), (empty, empty)):
        same("mask_overlaps", first, second, np.array([False]), **rows)
        assert 0.0 == kernels.mask_overlaps(first, second, np.array([False]), **rows)[0]  # type: ignore[arg-type]
    same("run_areas", *empty[:2])
    same("run_boxes", *empty)


# ---- matching


@needs_native
@given(seeds, st.integers(1, 4))
def test_matches_are_alike(random: np.random.Generator, areas: int) -> None:
    spans = groups(random, 1, 1)["spans"]
    pairs = int(((spans[:, 1] - spans[:, 0]) * (spans[:, 3] - spans[:, 2])).sum())
    detections, truths = (int(spans[:, column].max(initial=0)) for column in (1, 3))
    thresholds = np.sort(random.choice([0.1, 0.5, 0.75, 0.9, 1.0], int(random.integers(1, 4))))
    named = {
        "areas": areas,
        "ignored": random.integers(0, 256, truths).astype(np.uint8)
        & random.integers(0, 256, truths).astype(np.uint8),
        "outside": random.integers(0, 256, detections).astype(np.uint8),
        "many": random.random(truths) < 0.3,
    }
    same("match", random.choice([0, 0.5, 0.6, 0.75, 1.0], pairs), spans, thresholds, **named)


@needs_native
def test_a_part_of_the_spans_is_matched_as_in_the_whole() -> None:
    random = np.random.default_rng(5)
    spans = np.array([[0, 3, 0, 2], [3, 4, 2, 5], [4, 8, 5, 7]], np.int64)
    overlaps = random.random(6 + 3 + 8)
    named: dict[str, Any] = {
        "areas": 2,
        "ignored": random.integers(0, 4, 7).astype(np.uint8),
        "outside": random.integers(0, 4, 8).astype(np.uint8),
        "many": random.random(7) < 0.3,
    }
    whole = kernels.match(overlaps, spans, np.array([0.3, 0.5]), **named)
    part = kernels.match(overlaps[6:], spans[1:], np.array([0.3, 0.5]), **named)
    for all_of_them, some in zip(whole, part, strict=True):
        assert all_of_them[3:].tolist() == some.tolist()


@twins
def test_too_many_bits_are_refused(twin: Any) -> None:
    none = np.zeros(0)
    for areas, thresholds in ((8, 9), (9, 1), (0, 1), (1, 0)):
        with pytest.raises(ValueError, match="at most 64"):
            twin.match(
                none,
                np.zeros((0, 4), np.int64),
                np.full(thresholds, 0.5),
                areas=areas,
                ignored=np.zeros(0, np.uint8),
                outside=np.zeros(0, np.uint8),
                many=np.zeros(0, bool),
            )


# ---- precision


def ranked(random: np.random.Generator) -> tuple[tuple[Array, Array, Array], dict[str, Any]]:
    images, classes, thresholds = (int(random.integers(1, most)) for most in (6, 4, 17))
    rows, detections = int(random.integers(1, 20)), int(random.integers(0, 30))
    hits = random.integers(0, 65536, detections).astype(np.uint16) & random.integers(
        0, 65536, detections
    ).astype("u2")
    borders = np.sort(random.integers(0, detections + 1, classes - 1))
    totals = random.integers(0, 9, (rows, classes)).astype(np.float64)
    named = {
        "image": random.integers(0, images, detections).astype(np.int32),
        "starts": np.concatenate([[0], borders, [detections]]).astype(np.int64),
        "hits": hits,
        "misses": ~hits & random.integers(0, 65536, detections).astype(np.uint16),
        "thresholds": thresholds,
    }
    recalls = np.linspace(0, 1, int(random.integers(1, 12)))
    return (random.integers(0, 4, (rows, images)).astype(np.float64), totals, recalls), named


@needs_native
@given(seeds)
def test_precision_is_alike_for_whole_weights(random: np.random.Generator) -> None:
    arguments, named = ranked(random)
    one, other = (
        module.weighted_precision(*arguments, **named, with_places=True)
        for module in (reference, NATIVE)
    )
    for place, (first, second) in enumerate(zip(one, other, strict=True)):
        assert first.dtype == second.dtype
        assert np.array_equal(first, second, equal_nan=place != 3)


@needs_native
@given(seeds)
def test_precision_is_close_for_fractions(random: np.random.Generator) -> None:
    (weights, totals, recalls), named = ranked(random)
    weights = weights * random.random(weights.shape)
    one, other = (
        module.weighted_precision(weights, totals, recalls, **named)
        for module in (reference, NATIVE)
    )
    np.testing.assert_allclose(other[1], one[1], rtol=1e-12)
    np.testing.assert_allclose(other[2], one[2], rtol=1e-12, atol=1e-15)


@twins
def test_area_under_the_curve_by_hand(twin: Any) -> None:
    """Right, wrong, right, of three truths: recall 1/3 at precision 1, then 2/3 at 2/3."""
    bits = {
        "hits": np.array([1, 0, 1], np.uint16),
        "misses": np.array([0, 1, 0], np.uint16),
        "thresholds": 1,
    }
    arguments = np.ones((1, 1)), np.array([[3.0]]), np.array([0.0, 0.5, 1.0])
    found = twin.weighted_precision(
        *arguments, image=np.array([0, 0, 0], np.int32), starts=np.array([0, 3], np.int64), **bits
    )
    assert [1.0, 2 / 3, 0.0] == pytest.approx(found[0].reshape(-1).tolist())
    assert 2 / 3 == pytest.approx(float(found[1][0, 0, 0]))
    assert 1 / 3 + 2 / 9 == pytest.approx(float(found[2][0, 0, 0]))


# ---- trapezoids


@needs_native
@given(seeds, st.booleans())
def test_trapezoids_are_alike(random: np.random.Generator, whole: bool) -> None:
    (weights, totals, _), named = ranked(random)
    weights = weights if whole else weights * random.random(weights.shape)
    last = random.random(len(named["hits"])) < 0.6
    last[named["starts"][1:][named["starts"][1:] > 0] - 1] = True
    same("trapezoid_areas", weights, totals, **named, last=last)


@twins
@pytest.mark.parametrize(
    ("last", "area"),
    [
        ([True, True, True], 1 / 3 + 7 / 36),
        ([False, True, True], 1 / 4 + 7 / 36),
        ([False, False, True], 5 / 9),
    ],
)
def test_trapezoids_by_hand(twin: Any, last: list[bool], area: float) -> None:
    """Right, wrong, right, of three truths: precision 1, 1/2, 2/3; equal scores are one point."""
    bits = {
        "hits": np.array([1, 0, 1], np.uint16),
        "misses": np.array([0, 1, 0], np.uint16),
        "thresholds": 1,
    }
    named = {
        "image": np.array([0, 0, 0], np.int32),
        "starts": np.array([0, 3], np.int64),
        "last": np.array(last),
    }
    found = twin.trapezoid_areas(np.ones((1, 1)), np.array([[3.0]]), **named, **bits)
    assert [[[pytest.approx(area)]]] == found.tolist()


# ---- what every native kernel keeps


@needs_native
def test_arguments_that_do_not_fit_are_refused() -> None:
    assert NATIVE is not None
    rows, spans = np.array([0], np.int64), np.array([[0, 1, 0, 1]], np.int64)
    box, one = np.zeros((1, 4)), np.array([False])
    wrong: list[dict[str, Any]] = [
        {"detection_rows": np.array([1], np.int64), "truth_rows": rows, "spans": spans},
        {"detection_rows": rows, "truth_rows": np.array([-1], np.int64), "spans": spans},
        {"detection_rows": rows, "truth_rows": rows, "spans": np.array([[0, 2, 0, 1]], np.int64)},
        {"detection_rows": rows, "truth_rows": rows, "spans": np.array([[0, 1, 1, 0]], np.int64)},
        {"detection_rows": rows, "truth_rows": rows, "spans": np.array([[0, 1]], np.int64)},
    ]
    for named in wrong:
        with pytest.raises(ValueError, match=r"span|row"):
            NATIVE.box_overlaps(box, box, one, **named)
    with pytest.raises(ValueError, match="offsets"):
        NATIVE.run_areas(np.array([0, 3], np.int64), np.array([1], np.uint32))
    with pytest.raises(ValueError, match="equal lengths"):
        NATIVE.order_groups(np.array([0], np.int32), np.array([0, 0], np.int32), None)
    with pytest.raises(ValueError, match="without a weight"):
        NATIVE.weighted_precision(
            np.ones((1, 1)),
            np.ones((1, 1)),
            np.ones(1),
            image=np.array([1], np.int32),
            starts=np.array([0, 1], np.int64),
            hits=np.array([1], np.uint16),
            misses=np.array([0], np.uint16),
            thresholds=1,
        )


@needs_native
def test_kernels_release_the_lock() -> None:
    """While precision is computed on one thread, another one counts."""
    random = np.random.default_rng(0)
    count, ticks, done = 60_000, 0, threading.Event()
    arguments = (
        random.integers(0, 3, (64, 50)).astype(float),
        np.full((64, 1), 1e5),
        np.linspace(0, 1, 101),
    )
    named = {
        "image": random.integers(0, 50, count).astype(np.int32),
        "starts": np.array([0, count], np.int64),
        "thresholds": 10,
    }
    hits = random.integers(0, 1024, count).astype(np.uint16)

    def work() -> None:
        kernels.weighted_precision(*arguments, hits=hits, misses=~hits, **named)  # type: ignore[arg-type]
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not done.is_set():
        ticks += 1
        time.sleep(0.001)
    thread.join()
    assert ticks > 5
