"""Semantic scores: equal to plain loops, and the laws that any counts and weights obey."""

from __future__ import annotations

from typing import Any

import numpy as np
import pixel_tables
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import semantic as oracle

from bench.metrics import semantic

C, CLASSES, table, plain, lists = (
    pixel_tables.C,
    pixel_tables.CLASSES,
    pixel_tables.table,
    pixel_tables.plain,
    pixel_tables.lists,
)
grid = pixel_tables.grid
Pairs = list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]
PER_CLASS = ("IoU", "Dice", "accuracy")
PAIRS = strategies.label_pairs(C)


def require_equal(expected: dict[str, Any], actual: semantic.SemanticScores, row: int = 0) -> None:
    """Compare every score of one row with the oracle's."""
    for name in (*semantic.OVERALL, *PER_CLASS):
        np.testing.assert_allclose(
            actual[name][row], expected[name], rtol=1e-12, atol=0, err_msg=name
        )


def require_same(
    expected: semantic.SemanticScores, actual: semantic.SemanticScores, relative: float = 0.0
) -> None:
    for name in (*semantic.OVERALL, *PER_CLASS):
        np.testing.assert_allclose(actual[name], expected[name], rtol=relative, err_msg=name)


# Oracles


@given(PAIRS, st.sampled_from(semantic.CLASSES_IN))
def test_scores_equal_the_plain_loops(pairs: Pairs, classes_in: semantic.ClassesIn) -> None:
    matrix = oracle.confusion(lists(pairs), C, 255)
    assert matrix == semantic.confusion(table(pairs), CLASSES).tolist()
    require_equal(oracle.scores(matrix, classes_in), plain(pairs, classes_in=classes_in))


@given(strategies.label_pairs(C, images=3), st.integers(0, 2))
def test_comparison_with_the_oracle_fails_where_one_pixel_differs(pairs: Pairs, image: int) -> None:
    pairs[image][0][0, 0], pairs[image][1][0, 0] = 1, 1
    expected = oracle.scores(oracle.confusion(lists(pairs), C, 255))
    require_equal(expected, plain(pairs))
    pairs[image][1][0, 0] = 2
    with pytest.raises(AssertionError):
        require_equal(expected, plain(pairs))


@given(PAIRS, st.data())
def test_whole_weights_equal_the_plain_loops_over_repeated_images(
    pairs: Pairs, data: st.DataObject
) -> None:
    weights = data.draw(strategies.whole_weights(len(pairs)))
    actual = semantic.score(table(pairs), weights, CLASSES)
    for row, repeats in enumerate(weights):
        repeated = [
            pair for pair, times in zip(lists(pairs), repeats, strict=True) for _ in range(times)
        ]
        require_equal(oracle.scores(oracle.confusion(repeated, C, 255)), actual, row)


@given(PAIRS)
def test_scores_of_each_image_equal_the_plain_loops(pairs: Pairs) -> None:
    actual = semantic.per_image(table(pairs), len(pairs), CLASSES)
    for row, pair in enumerate(lists(pairs)):
        require_equal(oracle.scores(oracle.confusion([pair], C, 255)), actual, row)
    require_same(semantic.score(table(pairs), np.eye(len(pairs)), CLASSES), actual)


# Laws


@given(strategies.label_pairs(C, images=1), st.integers(0, 5))
def test_counts_add_up_over_parts_of_an_image(pairs: Pairs, cut: int) -> None:
    (truth, prediction), cut = pairs[0], min(cut, pairs[0][0].shape[0])
    parts = [(truth[:cut], prediction[:cut]), (truth[cut:], prediction[cut:])]
    whole = semantic.confusion(table(pairs), CLASSES)
    np.testing.assert_array_equal(whole, semantic.confusion(table(parts), CLASSES))
    require_same(plain(pairs), plain(parts))


@given(PAIRS, st.data())
def test_order_of_images_does_not_matter(pairs: Pairs, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(pairs))))
    weights = data.draw(strategies.whole_weights(len(pairs)))
    moved = semantic.score(table([pairs[n] for n in order]), weights[:, order], CLASSES)
    require_same(semantic.score(table(pairs), weights, CLASSES), moved)


@given(PAIRS, st.permutations(range(C)))
def test_renaming_classes_moves_their_scores(pairs: Pairs, order: list[int]) -> None:
    renamed = np.arange(256, dtype=np.uint8)
    renamed[:C] = order
    before, after = plain(pairs), plain([(renamed[t], renamed[p]) for t, p in pairs])
    for name in PER_CLASS:
        np.testing.assert_array_equal(before[name][0], after[name][0, order])
    for name in semantic.OVERALL:
        np.testing.assert_allclose(before[name], after[name], rtol=1e-12)


@given(PAIRS)
def test_perfect_prediction_scores_one(pairs: Pairs) -> None:
    scores = plain([(truth, truth) for truth, _ in pairs])
    valued = np.concatenate([scores[name].ravel() for name in (*semantic.OVERALL, *PER_CLASS)])
    np.testing.assert_allclose(valued[~np.isnan(valued)], 1.0, rtol=1e-12)
    assert scores["IoU"][0, scores.scored].tolist() == [1.0] * int(scores.scored.sum())


@given(PAIRS, st.integers(0, C - 1))
def test_predictions_on_void_do_not_matter(pairs: Pairs, label: int) -> None:
    changed = [
        (truth, np.where(truth == 255, np.uint8(label), prediction)) for truth, prediction in pairs
    ]
    before, after = table(pairs), table(changed)
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])


@given(PAIRS)
def test_weights_of_zero_drop_an_image(pairs: Pairs) -> None:
    weights = np.ones((1, len(pairs)))
    weights[0, 0] = 0
    if len(pairs) > 1:
        require_same(plain(pairs[1:]), semantic.score(table(pairs), weights, CLASSES))


@given(PAIRS, st.data())
def test_real_weights_do_not_depend_on_batching_and_scale(
    pairs: Pairs, data: st.DataObject
) -> None:
    weights = data.draw(strategies.real_weights(len(pairs)))
    counts = table(pairs)
    together = semantic.score(counts, weights, CLASSES)
    for row in range(len(weights)):
        alone = semantic.score(counts, weights[row : row + 1], CLASSES)
        for name in (*semantic.OVERALL, *PER_CLASS):
            np.testing.assert_array_equal(together[name][row], alone[name][0])
    require_same(together, semantic.score(counts, weights * 60, CLASSES), relative=1e-9)


@settings(max_examples=60)
@given(
    strategies.label_pairs(C, images=6),
    st.sampled_from([[0, 1, 2, 3, 4, 5], [0, 0, 1, 2, 3, 3], [3, 1, 0, 2, 0, 1]]),
)
def test_leaving_a_cluster_out_equals_recomputing_without_it(
    pairs: Pairs, clusters: list[int]
) -> None:
    member = np.array(clusters)
    counts = table(pairs)
    left_out = semantic.leave_out(counts, member, CLASSES)
    recomputed = semantic.score(
        counts, np.stack([member != k for k in range(member.max() + 1)]), CLASSES
    )
    carriers = [
        {k for (truth, _), k in zip(pairs, clusters, strict=True) if c in truth} for c in range(C)
    ]
    rare = np.array([len(each) < 3 for each in carriers])
    assert left_out.fixed.tolist() == (rare & left_out.scored).tolist()
    for name in PER_CLASS:
        np.testing.assert_array_equal(recomputed[name][:, ~rare], left_out[name][:, ~rare])
        assert np.isnan(left_out[name][:, rare]).all()
    for name in semantic.OVERALL if not left_out.fixed.any() else ("pixel_accuracy", "fwIoU"):
        np.testing.assert_array_equal(recomputed[name], left_out[name])


# Rules for classes that few images carry


def test_class_carried_by_two_images_keeps_its_plain_value_in_the_means() -> None:
    common = (grid([[0, 0, 1, 1]]), grid([[0, 1, 1, 1]]))
    pairs = [
        common,
        common,
        common,
        (grid([[0, 0, 2, 2]]), grid([[0, 0, 2, 2]])),
        (grid([[1, 2, 2]]), grid([[0, 0, 2]])),
    ]
    left_out = semantic.leave_out(table(pairs), np.arange(5), CLASSES)
    assert [False, False, True, False] == left_out.fixed.tolist()
    for image in range(5):
        without = plain(pairs[:image] + pairs[image + 1 :])
        for mean, rate in (("mIoU", "IoU"), ("mDice", "Dice"), ("mean_accuracy", "accuracy")):
            expected = (without[rate][0, :2].sum() + plain(pairs)[rate][0, 2]) / 3
            np.testing.assert_allclose(left_out[mean][image], expected, rtol=1e-12)


def test_class_that_vanishes_with_its_only_image_keeps_its_plain_value() -> None:
    common = (grid([[0, 0, 1, 1]]), grid([[0, 1, 1, 1]]))
    pairs = [common, common, common, (grid([[2, 2]]), grid([[2, 2]]))]
    left_out = semantic.leave_out(table(pairs), np.arange(4), CLASSES)
    np.testing.assert_allclose(left_out["mIoU"], np.full(4, plain(pairs)["mIoU"][0]), rtol=1e-12)


def test_means_are_undefined_if_all_classes_are_rare() -> None:
    pairs = [(grid([[0, 1]]), grid([[0, 0]]))] * 4
    left_out = semantic.leave_out(table(pairs), np.array([0, 0, 1, 1]), CLASSES)
    assert np.isnan(left_out["mIoU"]).all()
    assert not np.isnan(left_out["pixel_accuracy"]).any()


def test_mean_accuracy_over_all_classes_stays_undefined_in_every_row() -> None:
    pairs = [(grid([[0, 0]]), grid([[0, 1]])), (grid([[0, 0]]), grid([[0, 0]]))]
    four = (grid([[2, 3]]), grid([[2, 3]]))
    scores = semantic.score(
        table([*pairs, four]), np.array([[1, 1, 1], [0, 1, 1]]), CLASSES, classes_in="all"
    )
    assert np.isnan(scores["mean_accuracy"]).all()
    np.testing.assert_allclose(scores["mIoU"], [(3 / 4 + 0 + 1 + 1) / 4, 1.0], rtol=1e-12)


def test_class_is_left_out_of_rows_without_its_truth() -> None:
    pairs = [(grid([[0, 0]]), grid([[0, 1]])), (grid([[1, 1]]), grid([[1, 1]]))]
    scores = semantic.score(
        table(pairs), np.array([[1, 0], [0, 1], [0, 0]]), CLASSES, classes_in="union"
    )
    np.testing.assert_array_equal(scores["mIoU"], [0.5, 1.0, np.nan])


def test_union_averages_classes_that_are_predicted_only() -> None:
    pair = [(grid([[0, 0]]), grid([[0, 1]]))]
    assert [True, True, False, False] == semantic.scored_classes(
        table(pair), CLASSES, "union"
    ).tolist()
    np.testing.assert_array_equal(plain(pair, classes_in="union")["mIoU"], [0.25])
