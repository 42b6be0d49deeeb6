"""Weights and intervals: equal to plain loops and to the textbook interval of a mean, and honest in
a simulation.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bench import resample

Array = np.ndarray[Any, Any]
NUMBERS = hnp.arrays(np.float64, st.integers(3, 12), elements=st.integers(-50, 50).map(float))


def means_without_one(values: Array) -> Array:
    return np.asarray((values.sum() - values) / (len(values) - 1))


def slow_interval(estimate: float, left_out: list[float]) -> tuple[float, float]:
    """Standard error and degrees of freedom of the jackknife, in plain loops."""
    n = len(left_out)
    pseudo = [n * estimate - (n - 1) * value for value in left_out]
    centre = sum(pseudo) / n
    u = [value - centre for value in pseudo]
    second, fourth = sum(x**2 for x in u), sum(x**4 for x in u)
    spread = fourth - second**2 / n
    freedom = 2 * second**2 / spread if spread > 1e-12 * fourth else math.inf
    return math.sqrt(second / (n * (n - 1))), min(max(freedom, 1.5), n - 1)


@given(NUMBERS)
def test_interval_equals_the_plain_loops(values: Array) -> None:
    left_out = means_without_one(values)
    error, freedom = slow_interval(values.mean(), left_out.tolist())
    interval = resample.jackknife_interval(values.mean(), left_out)
    assert interval is not None
    np.testing.assert_allclose([interval.standard_error], [error], rtol=1e-9, atol=1e-12)
    if error > 1e-9:
        np.testing.assert_allclose([interval.degrees_of_freedom], [freedom], rtol=1e-6)


@given(NUMBERS, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_interval_of_a_mean_is_the_textbook_one_at_its_degrees_of_freedom(
    values: Array, level: float
) -> None:
    stats = pytest.importorskip("scipy.stats")
    interval = resample.jackknife_interval(values.mean(), means_without_one(values), level=level)
    assert interval is not None
    if values.std() > 0:
        low, high = stats.t.interval(
            level, interval.degrees_of_freedom, values.mean(), stats.sem(values)
        )
        np.testing.assert_allclose([interval.low, interval.high], [low, high], rtol=1e-9, atol=1e-9)


def test_interval_is_the_classic_one_where_no_unit_stands_out() -> None:
    stats = pytest.importorskip("scipy.stats")
    values = np.array([1.0, -1.0] * 5)
    interval = resample.jackknife_interval(0.0, means_without_one(values))
    assert interval is not None
    assert 9.0 == interval.degrees_of_freedom
    low, high = stats.t.interval(0.95, 9, 0.0, stats.sem(values))
    np.testing.assert_allclose([interval.low, interval.high], [low, high], rtol=1e-12)


def test_one_unit_that_carries_the_variance_lowers_the_degrees_of_freedom() -> None:
    values = np.array([0.0] * 29 + [1.0])
    interval = resample.jackknife_interval(values.mean(), means_without_one(values))
    assert interval is not None
    assert 2.5 > interval.degrees_of_freedom >= 1.5
    assert interval.low < 0
    assert interval.ends == (interval.low, interval.high)


def test_comparison_with_the_textbook_fails_where_one_value_differs() -> None:
    values = np.arange(8.0)
    left_out = means_without_one(values)
    left_out[3] += 1e-6
    interval = resample.jackknife_interval(values.mean(), left_out)
    assert interval is not None
    error, _ = slow_interval(values.mean(), means_without_one(values).tolist())
    assert abs(interval.standard_error - error) > 1e-9


def test_jackknife_needs_two_units_and_defined_scores() -> None:
    assert resample.jackknife_interval(0.5, np.array([0.5])) is None
    assert resample.jackknife_interval(0.5, np.array([])) is None
    assert resample.jackknife_interval(math.nan, np.array([0.4, 0.5])) is None
    assert resample.jackknife_interval(0.5, np.array([0.4, math.nan])) is None


def test_equal_scores_give_an_interval_of_width_zero() -> None:
    interval = resample.jackknife_interval(0.5, np.full(6, 0.5))
    assert interval is not None
    assert (0.5, 0.5, 0.0, 5.0) == (
        interval.low,
        interval.high,
        interval.standard_error,
        interval.degrees_of_freedom,
    )


def test_interval_reports_clusters() -> None:
    interval = resample.jackknife_interval(
        0.5, np.array([0.4, 0.5, 0.6]), sizes=np.array([8, 1, 1])
    )
    assert interval is not None
    assert (3, 100 / 66) == (interval.clusters, interval.effective_clusters)


@pytest.mark.parametrize("units", [15, 60])
def test_intervals_of_a_ratio_cover_the_truth_at_their_level(units: int) -> None:
    generator = np.random.default_rng(20240)
    covered = 0
    for _ in range(1500):
        size = generator.gamma(4.0, size=units)
        part = size * generator.beta(4.0, 2.0, size=units)
        ratio = part.sum() / size.sum()
        left_out = (part.sum() - part) / (size.sum() - size)
        interval = resample.jackknife_interval(ratio, left_out)
        assert interval is not None
        covered += interval.low <= 4 / 6 <= interval.high
    assert 0.93 <= covered / 1500 <= 0.97


@given(st.integers(1, 30), st.integers(1, 20), st.integers(0, 1000))
def test_bootstrap_resamples_hold_as_many_images_as_there_are(
    images: int, rows: int, seed: int
) -> None:
    weights = resample.bootstrap_weights(images, rows, np.random.default_rng(seed))
    assert (rows, images) == weights.shape
    assert [images] * rows == weights.sum(axis=1).tolist()
    np.testing.assert_array_equal(
        weights, resample.bootstrap_weights(images, rows, np.random.default_rng(seed))
    )


def test_images_of_a_cluster_share_their_weight() -> None:
    clusters = np.array([0, 1, 0, 2, 1, 0])
    weights = resample.bootstrap_weights(clusters, 200, np.random.default_rng(5))
    for cluster in range(3):
        same = weights[:, clusters == cluster]
        assert (same == same[:, :1]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert 0.8 < weights.mean() < 1.2


def test_another_seed_draws_other_weights() -> None:
    first, second = (
        resample.bootstrap_weights(20, 5, np.random.default_rng(seed)) for seed in (1, 2)
    )
    assert (first != second).any()


def test_bootstrap_of_no_image_is_empty() -> None:
    assert (4, 0) == resample.bootstrap_weights(0, 4, np.random.default_rng(0)).shape
    assert (1, 3) == resample.ones(3).shape


def test_effective_number_of_equal_clusters_is_their_number_and_of_unequal_ones_less() -> None:
    assert 7.0 == resample.effective_clusters(np.full(7, 12))
    # As in Cityscapes val, where two sequences hold 50 and 217 of the 500 images and the other 233
    # one each.
    assert resample.effective_clusters(np.array([50, 217] + [1] * 233)) == pytest.approx(
        5.0, abs=0.05
    )
    assert math.isnan(resample.effective_clusters(np.array([])))


def test_bootstrap_interval_of_a_mean_is_close_to_the_classic_one() -> None:
    generator = np.random.default_rng(4)
    values = generator.normal(size=80)
    weights = resample.bootstrap_weights(80, 4000, generator)
    found = resample.bootstrap_interval(values.mean(), (weights @ values) / 80, sizes=np.ones(80))
    classic = resample.jackknife_interval(values.mean(), means_without_one(values))
    assert found is not None
    assert classic is not None
    assert classic.standard_error == pytest.approx(found.standard_error, rel=0.05)
    assert classic.standard_error != pytest.approx(2 * found.standard_error, rel=0.05)
    assert 79 == found.degrees_of_freedom


def test_bootstrap_interval_needs_two_clusters_and_defined_scores() -> None:
    replicates = np.linspace(0, 1, 100)
    assert resample.bootstrap_interval(0.5, replicates, sizes=np.ones(1)) is None
    assert resample.bootstrap_interval(float("nan"), replicates, sizes=np.ones(9)) is None
    often_absent = np.where(np.arange(100) % 10 == 0, np.nan, replicates)
    assert resample.bootstrap_interval(0.5, often_absent, sizes=np.ones(9)) is None
    seldom_absent = np.where(np.arange(100) % 50 == 0, np.nan, replicates)
    assert resample.bootstrap_interval(0.5, seldom_absent, sizes=np.ones(9)) is not None


@given(freedom=st.floats(1, 5000), probability=st.floats(1e-3, 1 - 1e-3))
def test_the_quantile_of_students_t_is_scipys(freedom: float, probability: float) -> None:
    from scipy.special import stdtrit

    expected = float(stdtrit(freedom, probability))
    assert expected == pytest.approx(
        resample.student_quantile(probability, freedom), rel=1e-11, abs=1e-11
    )


def slow_rare_variance(values: list[dict[int, float]], size: int) -> float:
    """What members of one or two carriers add, in plain loops: `values` maps a member's carriers to
    what they say.
    """
    typical = []
    for member in values:
        if len(member) >= 3:
            mean = sum(member.values()) / len(member)
            typical.append(sum((x - mean) ** 2 for x in member.values()) / (len(member) - 1))
    each = sum(typical) / len(typical)
    return sum(each / len(member) for member in values if 0 < len(member) < 3) / size**2


def test_members_that_are_too_rare_vary_as_the_others() -> None:
    random = np.random.default_rng(3)
    values = [
        {int(k): random.normal() for k in random.permutation(40)[:n]} for n in (40, 25, 12, 2, 1, 0)
    ]
    without = np.full((40, 7), np.nan)
    for c, member in enumerate(values):
        if len(member) >= 3:
            total = sum(member.values())
            without[:, c] = [
                (total - member.get(k, 0.0)) / (len(member) - (k in member)) for k in range(40)
            ]
    carriers = np.array([*(len(member) for member in values), -1])
    variance, freedom = resample.rare_variance(resample.Members(without, carriers))
    # The jackknife's variance of a mean over n of 40 is (1/n) s^2 n / (n - 1) . 39 / 40: nearly,
    # not exactly, s^2 / n.
    assert slow_rare_variance(values, 6) == pytest.approx(variance, rel=0.1)
    assert 2 < freedom < 4
    plain = resample.jackknife_interval(0.0, without[:, 0])
    wider = resample.jackknife_interval(
        0.0, without[:, 0], members=resample.Members(without, carriers)
    )
    assert plain is not None
    assert wider is not None
    assert np.sqrt(plain.standard_error**2 + variance) == pytest.approx(wider.standard_error)
    assert 1.5 <= wider.degrees_of_freedom <= plain.degrees_of_freedom


def test_nothing_is_added_without_rare_members() -> None:
    without = np.random.default_rng(4).normal(size=(20, 3))
    assert 0.0 == resample.rare_variance(resample.Members(without, np.array([20, 9, 3])))[0]
    nothing = resample.Members(np.full((20, 2), np.nan), np.array([1, 2]))
    assert 0.0 == resample.rare_variance(nothing)[0]


def test_means_with_rare_members_cover() -> None:
    """A mean of two common members and one that 2 of 40 units carry: without its variance,
    intervals do not cover.
    """
    covered = {"fixed": 0, "rare": 0}
    for n in range(800):
        values = np.random.default_rng(n).normal(size=(40, 3))
        values[2:, 2] = 0.0
        carriers = np.array([40, 40, 2])
        without = np.column_stack(
            [means_without_one(values[:, c]) for c in range(2)] + [np.full(40, np.nan)]
        )
        fixed = values[:2, 2].mean()
        estimate = (values[:, 0].mean() + values[:, 1].mean() + fixed) / 3
        moved = (without[:, :2].sum(axis=1) + fixed) / 3
        members = resample.Members(without, carriers)
        for name, more in (("fixed", {}), ("rare", {"members": members})):
            found = resample.jackknife_interval(estimate, moved, **more)  # type: ignore[arg-type]
            assert found is not None
            covered[name] += found.low <= 0 <= found.high
    assert covered["fixed"] / 800 < 0.6
    assert 0.94 <= covered["rare"] / 800
