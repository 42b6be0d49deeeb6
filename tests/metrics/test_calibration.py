"""Calibration: equal to plain loops over pixels, and the laws of counts and weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pixel_tables
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bench.errors import PredictionError
from bench.metrics import calibration
from bench.samples import LabelMap, Table

Array = np.ndarray[Any, Any]
C, CLASSES, grid = pixel_tables.C, pixel_tables.CLASSES, pixel_tables.grid
Images = list[tuple[Array, Array, Array]]
BINS = 4


@st.composite
def images(draw: st.DrawFn, count: int | None = None) -> Images:
    found = []
    for truth, prediction in draw(strategies.label_pairs(C, count)):
        sure = draw(
            hnp.arrays(
                np.float64, truth.shape, elements=st.sampled_from([0, 0.1, 0.25, 0.3, 0.5, 0.9, 1])
            )
        )
        found.append((truth, prediction, sure))
    return found


def tables(images: Images) -> dict[str, Table]:
    parts = [
        calibration.count(LabelMap(t), LabelMap(p), s, CLASSES, bins=BINS, image=n)["calibration"]
        for n, (t, p, s) in enumerate(images)
    ]
    return {
        "calibration": {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    }


def plain_loops(images: Images, only: int | None = None) -> tuple[float, float]:
    """ECE and MCE by the definition of Guo et al.; of the pixels predicted as one class where it is
    given.
    """
    bins_of_pixels: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for truth, prediction, confidence in images:
        for true, predicted, sure in zip(truth.flat, prediction.flat, confidence.flat, strict=True):
            if true != 255 and only in (None, int(predicted)):
                number = next(k for k in range(BINS) if sure <= (k + 1) / BINS)
                bins_of_pixels[number].append((float(sure), bool(true == predicted)))
    total = sum(map(len, bins_of_pixels))
    gaps = [
        abs(sum(hit for _, hit in one) - math.fsum(sure for sure, _ in one))
        for one in bins_of_pixels
    ]
    if not total:
        return math.nan, math.nan
    return sum(gaps) / total, max(
        gap / len(one) for gap, one in zip(gaps, bins_of_pixels, strict=True) if one
    )


def require_equal(expected: Images, actual: calibration.CalibrationScores, row: int = 0) -> None:
    ece, mce = plain_loops(expected)
    np.testing.assert_allclose(actual["ECE"][row], ece, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(actual["MCE"][row], mce, rtol=1e-9, atol=1e-12)
    per_class = [plain_loops(expected, only=c)[0] for c in range(C)]
    np.testing.assert_allclose(actual.per_class["ECE"][row], per_class, rtol=1e-9, atol=1e-12)


@settings(max_examples=50)
@given(images(), st.data())
def test_scores_equal_the_plain_loops_over_repeated_images(
    images: Images, data: st.DataObject
) -> None:
    weights = np.concatenate(
        [
            np.ones((1, len(images)), np.int64),
            data.draw(strategies.whole_weights(len(images), rows=2)),
        ]
    )
    actual = calibration.score(tables(images), weights, CLASSES, bins=BINS)
    for row, repeats in enumerate(weights):
        require_equal(
            [image for image, times in zip(images, repeats, strict=True) for _ in range(times)],
            actual,
            row,
        )


def test_comparison_fails_where_a_pixel_differs() -> None:
    image = (grid([[0, 1]]), grid([[0, 1]]), np.array([[0.9, 0.9]]))
    found = calibration.score(tables([image]), np.ones((1, 1)), CLASSES, bins=BINS)
    require_equal([image], found)
    with pytest.raises(AssertionError):
        require_equal([(grid([[0, 2]]), *image[1:])], found)


@settings(max_examples=50)
@given(images(count=5), st.sampled_from([[0, 1, 2, 3, 4], [0, 0, 1, 2, 1]]))
def test_leaving_a_cluster_out_equals_recomputing_without_it(
    images: Images, clusters: list[int]
) -> None:
    counts, member = tables(images), np.array(clusters)
    left_out = calibration.leave_out(counts, member, CLASSES, bins=BINS)
    rows = np.stack([member != k for k in range(member.max() + 1)])
    recomputed = calibration.score(counts, rows, CLASSES, bins=BINS)
    for mine, theirs in zip(
        left_out.per_class.values(), recomputed.per_class.values(), strict=True
    ):
        np.testing.assert_allclose(mine, theirs, atol=1e-12)
    np.testing.assert_allclose(left_out["ECE"], recomputed["ECE"], atol=1e-12)


@settings(max_examples=30)
@given(images(), st.data())
def test_real_weights_do_not_depend_on_batching_and_blocks(
    images: Images, data: st.DataObject
) -> None:
    weights = data.draw(strategies.real_weights(len(images), rows=5))
    counts = tables(images)
    together = calibration.score(counts, weights, CLASSES, bins=BINS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration, "_CELLS", 2 * BINS * (C + 1))
        blocked = calibration.score(counts, weights, CLASSES, bins=BINS)
        members = np.arange(len(images))
        in_blocks = calibration.leave_out(counts, members, CLASSES, bins=BINS)
    at_once = calibration.leave_out(counts, members, CLASSES, bins=BINS)
    for one, two in ((together, blocked), (at_once, in_blocks)):
        np.testing.assert_array_equal(one["ECE"], two["ECE"])
        np.testing.assert_array_equal(one.per_class["ECE"], two.per_class["ECE"])
    alone = calibration.score(counts, weights[3:4], CLASSES, bins=BINS)
    np.testing.assert_array_equal(together["MCE"][3], alone["MCE"][0])


@settings(max_examples=30)
@given(images())
def test_truth_rows_hold_the_valid_pixels(images: Images) -> None:
    rows = calibration.truth_rows(tables(images))
    valid = {n: int((truth != 255).sum()) for n, (truth, _, _) in enumerate(images)}
    assert {n: pixels for n, pixels in valid.items() if pixels} == dict(
        zip(rows["image"].tolist(), rows["pixels"].tolist(), strict=True)
    )


def test_ends_of_bins_belong_below_and_zero_to_the_first() -> None:
    sure = np.array([[0.0, 0.25, 0.250001, 1.0]])
    rows = calibration.count(
        LabelMap(grid([[0] * 4])), LabelMap(grid([[0] * 4])), sure, CLASSES, bins=BINS
    )
    assert ([0, 1, 3], [2, 1, 1]) == tuple(
        rows["calibration"][name].tolist() for name in ("bin", "pixels")
    )


@pytest.mark.parametrize("wrong", [1.5, -0.1, float("nan")])
def test_confidence_outside_0_to_1_is_refused_on_valid_pixels(wrong: float) -> None:
    labels, sure = LabelMap(grid([[0, 1]])), np.array([[0.5, wrong]])
    with pytest.raises(PredictionError, match=r"a\.png: confidence must be between 0 and 1, got "):
        calibration.count(labels, labels, sure, CLASSES, where="a.png")
    calibration.count(LabelMap(grid([[0, 255]])), labels, sure, CLASSES)
    with pytest.raises(PredictionError, match=r"shape \(1, 2\) but the truth has shape \(1, 1\)"):
        calibration.count(LabelMap(grid([[0]])), LabelMap(grid([[0]])), sure, CLASSES)
