"""Boundary IoU and boundary F: equal to plain loops and to the references' own operations, and the
laws of weights.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pixel_tables
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracles import boundary as boundary_oracle

from bench.classes import Class, Classes
from bench.errors import UsageError
from bench.metrics import boundary
from bench.samples import LabelMap, Table

Array = np.ndarray[Any, Any]
Pairs = list[tuple[Array, Array]]
Tables = dict[str, Table]
C, CLASSES, grid = pixel_tables.C, pixel_tables.CLASSES, pixel_tables.grid
WIDE = (1, 2, 3.5)  # pixels


@st.composite
def pairs(draw: st.DrawFn, images: int = 2, side: int = 8) -> Pairs:
    """Truth of one block on another class, with void; the prediction is the truth moved, with
    another block.
    """
    found = []
    for _ in range(images):
        shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=side))
        truth = np.full(shape, draw(st.sampled_from([0, 1, 255])), np.uint8)
        moved = (draw(st.integers(0, 1)), draw(st.integers(-1, 2)))
        for _ in range(draw(st.integers(0, 4))):
            block(draw, truth)
        prediction = np.roll(truth, moved, axis=(0, 1))
        block(draw, prediction)
        found.append((truth, prediction))
    return found


def block(draw: st.DrawFn, labels: Array) -> None:
    top, left = (draw(st.integers(0, side - 1)) for side in labels.shape)
    height, width = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    labels[top : top + height, left : left + width] = draw(st.sampled_from([0, 1, 2, 3, 255]))


def tables(pairs: Pairs, classes: Classes = CLASSES, **options: Any) -> Tables:
    options = {"band_ratio": 0.1, "tolerances": WIDE} | options
    parts = [
        boundary.count(LabelMap(t), LabelMap(p), classes, image=n, **options)["bands"]  # type: ignore[arg-type]
        for n, (t, p) in enumerate(pairs)
    ]
    return {"bands": {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}}


def plain(pairs: Pairs, **options: Any) -> boundary.BoundaryScores:
    return boundary.score(
        tables(pairs), np.ones((1, len(pairs))), CLASSES, tolerances=WIDE, **options
    )


def lists(pairs: Pairs) -> list[tuple[list[list[int]], list[list[int]]]]:
    return [(t.tolist(), p.tolist()) for t, p in pairs]


def expected_f(oracle: ModuleType, pairs: Pairs, tolerance: float) -> Array:
    """F of every image and class, (N, C), by plain loops."""
    found = []
    for t, p in pairs:
        void = (t == 255).tolist()
        row = [
            oracle.f_score((t == c).tolist(), (p == c).tolist(), void, tolerance) for c in range(C)
        ]
        found.append(row)
    return np.array(found)


# Plain loops


@settings(max_examples=60)
@given(pairs(images=1, side=9), st.sampled_from([0.04, 0.1, 0.2, 0.4]))
def test_boundary_iou_equals_the_plain_loops(pairs: Pairs, ratio: float) -> None:
    pairs = [(pairs[0][0], pairs[0][1])]
    width = max(1, round(ratio * float(np.hypot(*pairs[0][0].shape))))
    expected = [boundary_oracle.boundary_iou(lists(pairs), c, 255, width) for c in range(C)]
    found = boundary.score(
        tables(pairs, band_ratio=ratio), np.ones((1, 1)), CLASSES, tolerances=WIDE
    )
    np.testing.assert_allclose(found.per_class["boundary_IoU"][0], expected, rtol=1e-12)


@settings(max_examples=60)
@given(pairs())
def test_boundary_f_equals_the_plain_loops(pairs: Pairs) -> None:
    every, present = plain(pairs), plain(pairs, mode="present")
    for name, tolerance in zip(boundary.names(WIDE)[1:], WIDE, strict=True):
        expected = expected_f(boundary_oracle, pairs, tolerance)
        np.testing.assert_allclose(every.per_class[name][0], expected.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(every[name][0], expected.mean(), rtol=1e-12)
        contours = [
            [boundary_oracle.contour((t == c).tolist()) for c in range(C)] for t, _ in pairs
        ]
        carried = np.array([[any(map(any, one)) for one in image] for image in contours])
        per_class = [
            expected[carried[:, c], c].mean() if carried[:, c].any() else np.nan for c in range(C)
        ]
        np.testing.assert_allclose(present.per_class[name][0], per_class, rtol=1e-12)
        if carried.any():
            np.testing.assert_allclose(present[name][0], np.nanmean(per_class), rtol=1e-12)


def test_comparison_with_the_loops_fails_where_a_boundary_moves() -> None:
    truth = grid([[0, 0, 0, 1, 1, 1]] * 4)
    moved = grid([[0, 0, 1, 1, 1, 1]] * 4)
    expected = expected_f(boundary_oracle, [(truth, truth)], 0.1)
    strict = {"tolerances": (0.1,), "band_ratio": 0.1}
    found = [
        boundary.score(tables([pair], **strict), np.ones((1, 1)), CLASSES, tolerances=(0.1,))  # type: ignore[arg-type]
        for pair in ((truth, truth), (truth, moved))
    ]
    np.testing.assert_array_equal(found[0].per_class["boundary_F_0.1"], expected)
    assert (found[0]["boundary_IoU"] > found[1]["boundary_IoU"]).all()


# The references' own operations


def blobs(seed: int) -> tuple[Array, Array]:
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 3, (8, 9)).repeat(6, axis=0).repeat(7, axis=1).astype(np.uint8)
    spots = generator.random((8, 9)).repeat(6, axis=0).repeat(7, axis=1) < 0.2
    return truth, np.where(spots, 3, np.roll(truth, (1, 2), axis=(0, 1))).astype(np.uint8)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("ratio", [0.005, 0.02, 0.05])
def test_bands_are_those_of_boundary_iou_api(seed: int, ratio: float) -> None:
    """Its mask_to_boundary: pad by one, erode d times by a square of nine, subtract."""
    from scipy.ndimage import binary_erosion

    truth, prediction = blobs(seed)
    height, width = truth.shape
    times = max(1, round(ratio * np.sqrt(height**2 + width**2)))

    def band(mask: Array) -> Array:
        eroded = binary_erosion(np.pad(mask, 1), np.ones((3, 3)), iterations=times)[1:-1, 1:-1]
        return np.asarray(mask & ~eroded)

    bands = [[band(labels == c) for c in range(C)] for labels in (truth, prediction)]
    expected = [(a & b).sum() / max((a | b).sum(), 1) for a, b in zip(*bands, strict=True)]
    found = boundary.score(
        tables([(truth, prediction)], band_ratio=ratio), np.ones((1, 1)), CLASSES, tolerances=WIDE
    )
    np.testing.assert_allclose(found.per_class["boundary_IoU"][0], expected, rtol=1e-12)


@pytest.mark.parametrize("seed", [0, 1])
def test_boundary_f_is_that_of_gscnn(seed: int) -> None:
    """Its db_eval_boundary: contours by seg2bmap, dilated with the disk of scikit-image."""
    from skimage.morphology import dilation, disk

    truth, prediction = blobs(seed)
    truth[20:25, 10:30] = 255
    tolerances = (0.01, 0.03, 0.06)
    assert boundary.radii((48, 63), tolerances) == (1, 3, 5)
    found = boundary.score(
        tables([(truth, prediction)], tolerances=tolerances),
        np.ones((1, 1)),
        CLASSES,
        tolerances=tolerances,
    )
    for tolerance, radius in zip(tolerances, (1, 3, 5), strict=True):
        for c in range(C):
            masks = [
                np.where(truth == 255, False, labels == c).tolist()
                for labels in (truth, prediction)
            ]
            true, predicted = (np.array(boundary_oracle.contour(mask)) for mask in masks)
            precision = (predicted & dilation(true, disk(radius))).sum() / max(predicted.sum(), 1)
            recall = (true & dilation(predicted, disk(radius))).sum() / max(true.sum(), 1)
            expected = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
            actual = found.per_class[f"boundary_F_{tolerance:g}"][0, c]
            np.testing.assert_allclose(actual, expected, rtol=1e-12)


# Conventions of the ledger


def test_void_makes_a_contour_and_not_a_band() -> None:
    void = grid([[0] * 9 + [255] * 9] * 20)
    tall = boundary.count(
        LabelMap(void), LabelMap(np.zeros_like(void)), CLASSES, band_ratio=0.05, tolerances=(1,)
    )
    rows = {
        (int(c), int(t)): int(n)
        for c, t, n in zip(
            *(tall["bands"][k] for k in ("class", "tolerance", "truth")), strict=True
        )
    }
    # Width 1: the frame alone, without the column beside the void; the contour is that column
    # alone.
    assert {(0, 0): 20 + 8 + 8, (0, 1): 20} == rows


def test_a_class_behind_void_makes_a_band() -> None:
    labels = grid([[0, 0, 0, 255, 1, 1, 1]] * 9)
    wide = boundary.count(
        LabelMap(labels), LabelMap(labels), CLASSES, band_ratio=0.18, tolerances=()
    )
    narrow = boundary.count(
        LabelMap(labels), LabelMap(labels), CLASSES, band_ratio=0.1, tolerances=()
    )
    # Width 2 reaches from the third column over the void to the other class; width 1 does not.
    assert [[27, 27], [13, 13]] == [one["bands"]["truth"].tolist() for one in (wide, narrow)]


def test_frame_makes_a_band_and_not_a_contour() -> None:
    full = np.zeros((10, 12), np.uint8)
    rows = boundary.count(LabelMap(full), LabelMap(full), CLASSES, band_ratio=0.01)["bands"]
    assert ([0], [120 - 80]) == (rows["tolerance"].tolist(), rows["truth"].tolist())
    assert not np.any(boundary_oracle.contour((full == 0).tolist()))


def test_absent_classes_score_one_in_gscnn_and_are_left_out_in_present() -> None:
    pair = (grid([[0, 0, 1, 1]] * 4), grid([[1, 1, 1, 1]] * 4))
    assert 0.5 == plain([pair])["boundary_F_1"][0]
    assert 0.0 == plain([pair], mode="present")["boundary_F_1"][0]
    blank = (np.zeros((4, 4), np.uint8), grid([[0, 0, 2, 2]] * 4))
    assert np.isnan(plain([blank], mode="present")["boundary_F_1"][0])
    assert [0.0, 1.0, 0.0, 1.0] == plain([blank]).per_class["boundary_F_1"][0].tolist()


def test_tolerances_are_the_pixels_of_the_paper_and_those_that_coincide_are_named() -> None:
    assert (3, 5, 9, 12) == boundary.radii((1024, 2048))
    assert (2,) == boundary.radii((1024, 2048), (0.0005,))
    assert [] == boundary.coinciding((1024, 2048))
    assert [(1, boundary.TOLERANCES)] == boundary.coinciding((100, 100))
    for wrong in ((0.0,), (0.2, 0.1), (0.005, 1)):
        with pytest.raises(UsageError, match="boundary tolerances"):
            boundary.radii((1024, 2048), wrong)
    with pytest.raises(UsageError, match="gscnn or present, not 'all'"):
        plain([(grid([[0]]), grid([[0]]))], mode="all")


# Laws


SIX = [blobs(seed) for seed in range(6)]


@pytest.fixture(scope="module")
def six() -> Tables:
    return tables(SIX)


def values(scores: boundary.BoundaryScores) -> list[Array]:
    return [*scores.overall.values(), *scores.per_class.values()]


@settings(max_examples=20)
@given(strategies.whole_weights(6), st.sampled_from(boundary.MODES))
def test_whole_weights_equal_repeated_images(
    six: Tables, weights: Array, mode: boundary.Mode
) -> None:
    actual = boundary.score(six, weights, CLASSES, tolerances=WIDE, mode=mode)
    parts = [{k: v[six["bands"]["image"] == n] for k, v in six["bands"].items()} for n in range(6)]
    for row, times in enumerate(weights):
        order = np.repeat(np.arange(6), times)
        if not len(order):
            continue
        repeated = {k: np.concatenate([parts[n][k] for n in order]) for k in parts[0]}
        repeated["image"] = np.repeat(
            np.arange(len(order)), [len(parts[n]["image"]) for n in order]
        )
        ones = np.ones((1, len(order)))
        expected = boundary.score({"bands": repeated}, ones, CLASSES, tolerances=WIDE, mode=mode)
        for mine, theirs in zip(values(actual), values(expected), strict=True):
            np.testing.assert_allclose(mine[row], theirs[0], rtol=1e-12)


@settings(max_examples=20)
@given(strategies.real_weights(6), st.sampled_from(boundary.MODES))
def test_real_weights_do_not_depend_on_batching(
    six: Tables, weights: Array, mode: boundary.Mode
) -> None:
    together = boundary.score(six, weights, CLASSES, tolerances=WIDE, mode=mode)
    for row in range(len(weights)):
        alone = boundary.score(six, weights[row : row + 1], CLASSES, tolerances=WIDE, mode=mode)
        for one, two in zip(values(together), values(alone), strict=True):
            np.testing.assert_array_equal(one[row], two[0])


@pytest.mark.parametrize("mode", boundary.MODES)
@pytest.mark.parametrize("clusters", [[0, 1, 2, 3, 4, 5], [0, 0, 1, 2, 3, 3]])
def test_leaving_a_cluster_out_equals_recomputing_without_it(
    six: Tables, mode: boundary.Mode, clusters: list[int]
) -> None:
    member = np.array(clusters)
    left_out = boundary.leave_out(six, member, CLASSES, tolerances=WIDE, mode=mode)
    rows = np.stack([member != k for k in range(member.max() + 1)])
    recomputed = boundary.score(six, rows, CLASSES, tolerances=WIDE, mode=mode)
    for name in boundary.names(WIDE):
        rare = np.isnan(left_out.per_class[name]).all(axis=0)
        np.testing.assert_allclose(
            left_out.per_class[name][:, ~rare], recomputed.per_class[name][:, ~rare], rtol=1e-12
        )
        if not left_out.fixed[name].any():
            np.testing.assert_allclose(left_out[name], recomputed[name], rtol=1e-12)


@settings(max_examples=30)
@given(pairs(), st.permutations(range(C)), st.sampled_from([0, 1, 3, 255]))
def test_renaming_classes_moves_their_scores_and_void_does_not_matter(
    pairs: Pairs, order: list[int], label: int
) -> None:
    renamed = np.arange(256, dtype=np.uint8)
    renamed[:C] = order
    before, after = plain(pairs), plain([(renamed[t], renamed[p]) for t, p in pairs])
    filled = plain([(t, np.where(t == 255, np.uint8(label), p)) for t, p in pairs])
    for name, rate in before.per_class.items():
        np.testing.assert_array_equal(rate[0], after.per_class[name][0, order])
        np.testing.assert_array_equal(rate, filled.per_class[name])


@settings(max_examples=30)
@given(pairs())
def test_perfect_prediction_scores_one_and_truth_rows_do_not_move(pairs: Pairs) -> None:
    perfect = tables([(t, t) for t, _ in pairs])
    for mode in boundary.MODES:
        scores = boundary.score(
            perfect, np.ones((1, len(pairs))), CLASSES, tolerances=WIDE, mode=mode
        )
        found = np.concatenate([value.ravel() for value in values(scores)])
        np.testing.assert_allclose(found[~np.isnan(found)], 1.0, rtol=1e-12)
    mine, theirs = boundary.truth_rows(tables(pairs)), boundary.truth_rows(perfect)
    assert {k: v.tolist() for k, v in mine.items()} == {k: v.tolist() for k, v in theirs.items()}


def test_many_classes_are_counted_alike() -> None:
    wide = Classes(tuple(Class(c, f"class {c}", c) for c in range(255)), ignore=255, void=())
    labels = grid([[0, 254, 254, 255, 1, 1]] * 3)
    rows = boundary.count(
        LabelMap(labels), LabelMap(labels), wide, band_ratio=0.01, tolerances=(1,)
    )["bands"]
    assert [0, 0, 1, 1, 254, 254] == rows["class"].tolist()
    assert {"image": "i4", "class": "i2", "tolerance": "i2", "truth": "i4"} == {
        name: rows[name].dtype.str[1:] for name in ("image", "class", "tolerance", "truth")
    }
