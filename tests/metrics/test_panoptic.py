"""Panoptic quality: equal to plain loops, the laws that counts and weights obey, and what is
refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import panoptic_maps
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import panoptic as oracle

from bench import kernels
from bench.errors import DataError, PredictionError
from bench.kernels import reference
from bench.metrics import panoptic, segments
from bench.samples import Segments

C, CLASSES, tables, plain, lists, made = (
    panoptic_maps.C,
    panoptic_maps.CLASSES,
    panoptic_maps.tables,
    panoptic_maps.plain,
    panoptic_maps.lists,
    panoptic_maps.made,
)
Pairs = list[tuple[Segments, Segments]]
PAIRS = panoptic_maps.segment_pairs()
few = settings(max_examples=25)
GROUPS = {"": range(C), "_th": range(2), "_st": range(2, C)}


def expected_counts(pairs: Pairs, distance: int | None = None) -> dict[int, list[float]]:
    total: dict[int, list[float]] = {}
    for truth, prediction in pairs:
        for label, row in oracle.count(*lists(truth), *lists(prediction), distance).items():
            total[label] = [
                a + b for a, b in zip(total.get(label, [0.0, 0, 0, 0]), row, strict=True)
            ]
    return total


def actual_counts(table: dict[str, Any]) -> dict[int, list[float]]:
    total: dict[int, list[float]] = {}
    for row in zip(
        *(table[name].tolist() for name in ("class", "iou_sum", "tp", "fp", "fn")), strict=True
    ):
        total[row[0]] = [
            a + b for a, b in zip(total.get(row[0], [0.0, 0, 0, 0]), row[1:], strict=True)
        ]
    return total


def require_counts(expected: dict[int, list[float]], actual: dict[int, list[float]]) -> None:
    assert sorted(expected) == sorted(actual)
    for label, row in expected.items():
        assert row[1:] == actual[label][1:]
        assert actual[label][0] == pytest.approx(row[0], rel=1e-12)


def require_scores(
    counts: dict[int, list[float]], actual: panoptic.PanopticScores, row: int = 0
) -> None:
    for suffix, group in GROUPS.items():
        for name, value in oracle.scores(counts, group).items():
            wanted = np.nan if value is None else value
            np.testing.assert_allclose(
                actual[name + suffix][row], wanted, rtol=1e-12, err_msg=name + suffix
            )
    for label in range(C):
        for name, value in oracle.scores(counts, [label]).items():
            wanted = np.nan if value is None else value
            np.testing.assert_allclose(
                actual.per_class[name][row, label], wanted, rtol=1e-12, err_msg=name
            )


def require_same(
    expected: panoptic.PanopticScores, actual: panoptic.PanopticScores, relative: float = 0.0
) -> None:
    for name in panoptic.OVERALL:
        np.testing.assert_allclose(
            actual[name], expected[name], rtol=relative, atol=relative, err_msg=name
        )
    for name in panoptic.PER_CLASS:
        np.testing.assert_allclose(
            actual.per_class[name],
            expected.per_class[name],
            rtol=relative,
            atol=relative,
            err_msg=name,
        )


# Oracles


@settings(max_examples=100)
@given(PAIRS)
def test_counts_and_scores_equal_the_plain_loops(pairs: Pairs) -> None:
    expected = expected_counts(pairs)
    require_counts(expected, actual_counts(tables(pairs)["segments"]))
    require_scores(expected, plain(pairs))


@few
@given(PAIRS, st.sampled_from([0.01, 0.2, 0.4]))
def test_boundary_counts_equal_the_plain_loops(pairs: Pairs, ratio: float) -> None:
    for truth, prediction in pairs:
        table = panoptic.count(truth, prediction, CLASSES, boundary_ratio=ratio)[
            "boundary_segments"
        ]
        distance = panoptic.boundary_distance(truth.size, ratio)
        require_counts(expected_counts([(truth, prediction)], distance), actual_counts(table))  # type: ignore[arg-type]


def drawn(seed: int, shift: int) -> Pairs:
    """Rectangles that are wide enough to have an inside, and a prediction that has moved."""
    generator = np.random.default_rng(seed)
    small = np.zeros((40, 60), np.int8)
    for number in range(1, 7):
        top, left = generator.integers(0, 30), generator.integers(0, 40)
        small[top : top + generator.integers(8, 30), left : left + generator.integers(8, 40)] = (
            number
        )
    labels = [0, 0, 1, 2, 3, 0]
    moved = np.roll(small, shift, axis=1)
    none = [False] * 6
    return [
        (
            panoptic_maps.from_small(small, labels, [*none[:5], True]),
            panoptic_maps.from_small(moved, labels, none),
        )
    ]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shift", [1, 2])
def test_boundary_counts_of_large_segments_equal_the_plain_loops(seed: int, shift: int) -> None:
    pairs = drawn(seed, shift)
    distance = panoptic.boundary_distance((40, 60), 0.03)
    assert distance == 2
    expected = expected_counts(pairs, distance)
    require_counts(expected, actual_counts(tables(pairs, boundary_ratio=0.03)["boundary_segments"]))
    assert expected != expected_counts(pairs)


@pytest.mark.parametrize("distance", [None, 2])
def test_comparison_with_the_oracle_fails_where_one_pixel_differs(distance: int | None) -> None:
    pairs = drawn(1, 1)
    expected = expected_counts(pairs, distance)
    name = "segments" if distance is None else "boundary_segments"
    require_counts(expected, actual_counts(tables(pairs, boundary_ratio=0.03)[name]))
    truth = pairs[0][0]
    y, x = np.argwhere(truth.ids == truth.segment_ids[~truth.crowd][0])[0]
    truth.ids[y, x] = 0
    with pytest.raises(AssertionError):
        require_counts(expected, actual_counts(tables(pairs, boundary_ratio=0.03)[name]))


@few
@given(PAIRS, st.data())
def test_whole_weights_equal_the_plain_loops_over_repeated_images(
    pairs: Pairs, data: st.DataObject
) -> None:
    weights = data.draw(strategies.whole_weights(len(pairs)))
    actual = panoptic.score(tables(pairs)["segments"], weights, CLASSES)
    for row, repeats in enumerate(weights):
        counts = expected_counts(
            [pair for pair, times in zip(pairs, repeats, strict=True) for _ in range(times)]
        )
        for label in range(C):
            for name, value in oracle.scores(counts, [label]).items():
                wanted = np.nan if value is None else value
                np.testing.assert_allclose(actual.per_class[name][row, label], wanted, rtol=1e-12)


@few
@given(PAIRS)
def test_scores_of_each_image_equal_weights_of_one_image(pairs: Pairs) -> None:
    counts = tables(pairs)["segments"]
    weighted = panoptic.score(counts, np.eye(len(pairs)), CLASSES)
    require_same(weighted, panoptic.per_image(counts, len(pairs), CLASSES))


def test_native_and_reference_kernels_count_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = tables(drawn(2, 3), boundary_ratio=0.03)
    for name in ("pair_counts", "edge_map"):
        monkeypatch.setattr(segments.kernels, name, getattr(reference, name))  # type: ignore[attr-defined]
    assert kernels.pair_counts is reference.pair_counts
    actual = tables(drawn(2, 3), boundary_ratio=0.03)
    for name, table in expected.items():
        for column, values in table.items():
            np.testing.assert_array_equal(values, actual[name][column])


# Laws


@few
@given(panoptic_maps.segment_pairs(crowds=False))
def test_perfect_prediction_scores_one(pairs: Pairs) -> None:
    same = [(truth, truth) for truth, _ in pairs]
    counts = tables(same, boundary_ratio=0.02)
    for name in ("segments", "boundary_segments"):
        scores = panoptic.score(counts[name], np.ones((1, len(pairs))), CLASSES)
        for values in (*scores.overall.values(), *scores.per_class.values()):
            np.testing.assert_array_equal(values[~np.isnan(values)], 1.0)
        assert scores.scored.tolist() == [
            any((truth.classes == label).any() for truth, _ in pairs) for label in range(C)
        ]


def renumbered(segments: Segments, order: list[int]) -> Segments:
    """The same segments under other ids, listed in another order."""
    names = dict(zip(segments.segment_ids.tolist(), [5 + 11 * k for k in order], strict=False))
    table = np.vectorize(lambda value: names.get(value, 0), otypes=[np.int32])
    places = np.argsort([names[number] for number in segments.segment_ids.tolist()]).astype(
        np.int64
    )
    return Segments(
        table(segments.ids),
        table(segments.segment_ids)[places],
        segments.classes[places],
        segments.crowd[places],
    )


@few
@given(PAIRS, st.permutations(range(6)), st.permutations(range(6)))
def test_renumbering_segments_changes_nothing(
    pairs: Pairs, first: list[int], second: list[int]
) -> None:
    changed = [
        (renumbered(truth, first), renumbered(prediction, second)) for truth, prediction in pairs
    ]
    expected, actual = tables(pairs, boundary_ratio=0.1), tables(changed, boundary_ratio=0.1)
    for name, table in expected.items():
        for column, values in table.items():
            np.testing.assert_array_equal(values, actual[name][column], err_msg=f"{name}.{column}")


@few
@given(PAIRS)
def test_turning_and_mirroring_images_changes_nothing(pairs: Pairs) -> None:
    turned = [
        tuple(replace(each, ids=np.ascontiguousarray(each.ids.T[::-1])) for each in pair)
        for pair in pairs
    ]
    expected, actual = tables(pairs, boundary_ratio=0.1), tables(turned, boundary_ratio=0.1)  # type: ignore[arg-type]
    for name, table in expected.items():
        for column, values in table.items():
            np.testing.assert_array_equal(values, actual[name][column])


@few
@given(PAIRS)
def test_every_segment_is_counted_once(pairs: Pairs) -> None:
    counts = tables(pairs, boundary_ratio=0.1)
    for name in ("segments", "boundary_segments"):
        table = counts[name]
        assert (table["tp"] + table["fn"]).sum() == sum((~truth.crowd).sum() for truth, _ in pairs)
        assert (table["tp"] + table["fp"]).sum() <= sum(
            len(prediction.classes) for _, prediction in pairs
        )
        assert (table["iou_sum"] <= table["tp"]).all()
    # An IoU that may only shrink can lose matches and never wins any.
    assert counts["boundary_segments"]["tp"].sum() <= counts["segments"]["tp"].sum()


@few
@given(PAIRS, st.data())
def test_truth_rows_do_not_depend_on_predictions(pairs: Pairs, data: st.DataObject) -> None:
    others = [(truth, made(np.zeros(truth.size), {})) for truth, _ in pairs]
    expected = panoptic.truth_rows(tables(pairs))
    actual = panoptic.truth_rows(tables(others))
    for name, column in expected.items():
        assert column.dtype == np.int64
        np.testing.assert_array_equal(column, actual[name])
    assert sum((truth.ids > 0).sum() for truth, _ in pairs) == expected["pixels"].sum()


@few
@given(PAIRS, st.data())
def test_order_of_images_does_not_matter(pairs: Pairs, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(pairs))))
    weights = data.draw(strategies.whole_weights(len(pairs)))
    moved = panoptic.score(
        tables([pairs[n] for n in order])["segments"], weights[:, order], CLASSES
    )
    require_same(panoptic.score(tables(pairs)["segments"], weights, CLASSES), moved)


@few
@given(PAIRS, st.data())
def test_rows_of_weights_do_not_depend_on_each_other_or_on_scale(
    pairs: Pairs, data: st.DataObject
) -> None:
    weights = data.draw(strategies.real_weights(len(pairs)))
    counts = tables(pairs)["segments"]
    together = panoptic.score(counts, weights, CLASSES)
    for row in range(len(weights)):
        alone = panoptic.score(counts, weights[row : row + 1], CLASSES)
        for name in panoptic.OVERALL:
            np.testing.assert_array_equal(together[name][row], alone[name][0])
    require_same(together, panoptic.score(counts, weights * 60, CLASSES), relative=1e-9)


@few
@given(
    panoptic_maps.segment_pairs(images=6),
    st.sampled_from([[0, 1, 2, 3, 4, 5], [0, 0, 1, 2, 3, 3], [3, 1, 0, 2, 0, 1]]),
)
def test_leaving_a_cluster_out_equals_recomputing_without_it(
    pairs: Pairs, clusters: list[int]
) -> None:
    member = np.array(clusters)
    counts = tables(pairs)["segments"]
    left_out = panoptic.leave_out(counts, member, CLASSES)
    recomputed = panoptic.score(
        counts, np.stack([member != k for k in range(member.max() + 1)]), CLASSES
    )
    for name in panoptic.PER_CLASS:
        free = ~np.isnan(left_out.per_class[name]).all(axis=0)
        np.testing.assert_array_equal(
            recomputed.per_class[name][:, free], left_out.per_class[name][:, free]
        )
    if not left_out.fixed.any():
        require_same(recomputed, left_out)


def test_blocks_of_rows_and_images_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(5)
    pairs = [drawn(seed, 1 + seed % 3)[0] for seed in range(9)]
    counts = tables(pairs)["segments"]
    weights = generator.multinomial(9, np.full(9, 1 / 9), size=8)
    expected = panoptic.score(counts, weights, CLASSES)
    monkeypatch.setattr(panoptic, "_ROWS", 3)
    monkeypatch.setattr(panoptic, "_IMAGES", 2)
    require_same(expected, panoptic.score(counts, weights, CLASSES))


# What is averaged


def sky_and_car() -> dict[str, Any]:
    """Three images: class 0 (a thing) in the truth of all, class 2 (stuff) only predicted, in the
    last one.
    """
    car = made([[5, 5, 0]], {5: 0})
    return tables(
        [(car, car), (car, car), (made([[5, 5, 9]], {5: 0, 9: 1}), made([[5, 5, 9]], {5: 0, 9: 2}))]
    )


def test_classes_of_the_mean_follow_the_rule_asked_for() -> None:
    counts, weights = sky_and_car()["segments"], np.ones((1, 3))
    found = {
        rule: panoptic.score(counts, weights, CLASSES, classes_in=rule)
        for rule in ("union", "truth", "all")
    }
    assert [True, True, True, False] == found["union"].scored.tolist()
    assert 1 / 3 == pytest.approx(found["union"]["PQ"][0])
    assert 1 / 2 == found["truth"]["PQ"][0]
    assert np.isnan(found["all"]["PQ"][0])
    assert 0.0 == found["union"]["PQ_st"][0]
    assert np.isnan(found["truth"]["PQ_st"][0])


def test_class_is_left_out_of_rows_without_its_truth() -> None:
    scores = panoptic.score(sky_and_car()["segments"], np.array([[1, 1, 0]]), CLASSES)
    assert [1.0] == scores["PQ"].tolist()
    assert np.isnan(scores.per_class["PQ"][0, 1:]).all()


def test_class_carried_by_one_image_keeps_its_plain_value_while_images_are_left_out() -> None:
    left_out = panoptic.leave_out(sky_and_car()["segments"], np.arange(3), CLASSES)
    assert [False, True, True, False] == left_out.fixed.tolist()
    np.testing.assert_allclose(left_out["PQ"], 1 / 3)
    assert np.isnan(left_out["PQ_st"]).all()
    assert [0.5, 0.5, 0.5] == left_out["PQ_th"].tolist()
    assert np.isnan(left_out.per_class["PQ"][:, 1]).all()


def test_image_of_void_alone_counts_nothing() -> None:
    empty, guess = made([[0, 0]], {}), made([[4, 0]], {4: 1})
    counts = tables([(empty, guess)], boundary_ratio=0.02)
    assert [0, 0, 0] == [
        len(counts[name]["class"]) for name in ("segments", "truth_segments", "boundary_segments")
    ]
    assert np.isnan(panoptic.score(counts["segments"], np.ones((2, 1)), CLASSES)["PQ"]).all()


# What is refused


GOOD = made([[3, 3, 0]], {3: 1})


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (
            made([[3, 8, 0]], {3: 1}),
            "has pixels of segment 8, which is not among its 1 listed segments",
        ),
        (made([[3, -8, 0]], {3: 1}), "has pixels of segment -8, which is not"),
        (
            made([[3, 3, 0]], {3: 1, 9: 0}),
            "lists segment 9, which has no pixel; leave such segments out",
        ),
        (made([[-3, 0, 0]], {-3: 1}), "has a segment -3: ids are positive numbers"),
        (made([[3, 3, 0]], {3: 4}), "gives segment 3 the class 4; classes are 0-3"),
        (
            replace(GOOD, ids=np.array([[3, 3, 1 << 31]])),
            "has segment ids from 3 to 2147483648; they must be in 0",
        ),
        (
            replace(GOOD, ids=np.array([[3.0, 3.0, 0.0]])),
            "has segment ids of type float64; they must be integers",
        ),
    ],
)
def test_maps_that_contradict_their_list_are_refused(bad: Segments, message: str) -> None:
    with pytest.raises(PredictionError, match=f"^val/7: the prediction {message}"):
        panoptic.count(GOOD, bad, CLASSES, where="val/7")
    with pytest.raises(DataError, match=f"^the truth {message}"):
        panoptic.count(bad, GOOD, CLASSES)


def test_prediction_of_another_size_is_refused() -> None:
    with pytest.raises(
        PredictionError, match=r"x: the predicted segments are 1x2 pixels .* but the truth is 1x3"
    ):
        panoptic.count(GOOD, made([[3, 3]], {3: 1}), CLASSES, where="x")


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint32, np.uint16])
def test_ids_of_any_whole_type_are_counted(dtype: type[np.generic]) -> None:
    other = replace(GOOD, ids=GOOD.ids.astype(dtype))
    assert [1] == panoptic.count(other, other, CLASSES)["segments"]["tp"].tolist()
