"""Permutations, corrections, bootstrap intervals, ranks and power: equal to scipy, statsmodels and
plain loops.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bench.resample import bootstrap, corrections, friedman, permutation, power, ties

Array = np.ndarray[Any, Any]
P_VALUES = hnp.arrays(
    np.float64, st.integers(1, 9), elements=st.integers(0, 40).map(lambda n: n / 40)
)


def permuted_means(differences: Array, rows: Array) -> Array:
    """Mean differences of pairs (N,) after every permutation (R, N)."""
    return np.asarray(np.where(rows, -differences, differences).mean(axis=1)[:, None])


def test_all_permutations_are_each_listed_once_up_to_the_sign() -> None:
    for units in range(1, 8):
        found = permutation.permutations(units, 10, np.random.default_rng(0))
        rows = {tuple(row) for row in found.exchanged.tolist()}
        assert found.exact
        assert rows | {tuple(not each for each in row) for row in rows} == set(
            product([False, True], repeat=units)
        )
        assert 2 ** (units - 1) == len(rows) == len(found.exchanged)


def test_many_units_are_exchanged_independently_and_half_the_time() -> None:
    found = permutation.permutations(30, 20_000, np.random.default_rng(1))
    assert not found.exact
    assert (20_000, 30) == found.exchanged.shape
    np.testing.assert_allclose(found.exchanged.mean(axis=0), 0.5, atol=0.02)
    np.testing.assert_allclose(np.corrcoef(found.exchanged.T) - np.eye(30), 0, atol=0.04)


@given(hnp.arrays(np.float64, st.integers(2, 9), elements=st.integers(-20, 20).map(float)))
def test_exact_p_value_of_a_mean_is_that_of_scipy(differences: Array) -> None:
    stats = pytest.importorskip("scipy.stats")
    found = permutation.permutations(len(differences), 1, np.random.default_rng(0))
    p = permutation.p_values(
        differences.mean()[None], permuted_means(differences, found.exchanged), exact=True
    )
    reference = stats.permutation_test(
        (differences, np.zeros(len(differences))),
        lambda x, y, axis: np.abs((x - y).mean(axis=axis)),
        permutation_type="samples",
        alternative="greater",
        vectorized=True,
        n_resamples=np.inf,
    )
    np.testing.assert_allclose(p, [reference.pvalue], atol=1e-12)


def test_comparison_with_scipy_fails_on_other_differences() -> None:
    stats = pytest.importorskip("scipy.stats")
    differences = np.array([3.0, 1, 4, 1, 5, 9])
    found = permutation.permutations(6, 1, np.random.default_rng(0))
    reference = stats.permutation_test(
        (differences - [0, 6, 0, 0, 0, 0], np.zeros(6)),
        lambda x, y, axis: np.abs((x - y).mean(axis=axis)),
        permutation_type="samples",
        alternative="greater",
        vectorized=True,
        n_resamples=np.inf,
    )
    p = permutation.p_values(
        differences.mean()[None], permuted_means(differences, found.exchanged), exact=True
    )
    assert abs(p[0] - reference.pvalue) > 0.01


def test_drawn_permutations_give_the_p_value_of_all() -> None:
    differences = np.random.default_rng(3).normal(0.3, 1, 13)
    exact = permutation.permutations(13, 1, np.random.default_rng(0))
    drawn = np.random.default_rng(4).random((20_000, 13)) < 0.5
    p = [
        permutation.p_values(
            differences.mean()[None],
            permuted_means(differences, rows),
            exact=rows is exact.exchanged,
        )[0]
        for rows in (exact.exchanged, drawn)
    ]
    assert p[0] == pytest.approx(p[1], abs=0.015)


def test_a_drawn_p_value_is_never_zero_and_counts_what_is_undefined_against_the_difference() -> (
    None
):
    permuted = np.array([[0.1], [0.0], [np.nan]])
    assert 0.5 == permutation.p_values(np.array([9.0]), permuted, exact=False)[0]
    assert np.isnan(permutation.p_values(np.array([np.nan]), permuted, exact=False)[0])


def slow_max_t(observed: list[float], permuted: list[list[float]]) -> list[float]:
    """Step-down maxima in plain loops."""
    left = sorted(range(len(observed)), key=lambda m: -abs(observed[m]))
    found, before = [0.0] * len(observed), 0.0
    for place, m in enumerate(left):
        reached = sum(
            max(abs(row[k]) for k in left[place:]) >= abs(observed[m]) - 1e-12 for row in permuted
        )
        before = max(before, (1 + reached) / (1 + len(permuted)))
        found[m] = before
    return found


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_max_t_equals_the_plain_loops(seed: int, tests: int) -> None:
    generator = np.random.default_rng(seed)
    observed, permuted = (
        generator.integers(-4, 5, tests).astype(float),
        generator.integers(-4, 5, (40, tests)),
    )
    found = permutation.max_t(observed, permuted.astype(float), exact=False)
    np.testing.assert_allclose(found, slow_max_t(observed.tolist(), permuted.tolist()))


def test_max_t_of_one_test_is_its_p_value_and_nan_stays_nan() -> None:
    permuted = np.random.default_rng(0).normal(size=(99, 2))
    alone = permutation.p_values(np.array([1.5, np.nan]), permuted, exact=False)
    np.testing.assert_allclose(
        permutation.max_t(np.array([1.5, np.nan]), permuted, exact=False), alone
    )


@pytest.mark.parametrize("tests", [1, 2, 5, 9])
def test_corrections_are_those_of_statsmodels(tests: int) -> None:
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p = np.random.default_rng(tests).integers(0, 20, tests) / 40
    for ours, theirs in ((corrections.holm, "holm"), (corrections.benjamini_hochberg, "fdr_bh")):
        expected = multitest.multipletests(p, method=theirs)[1]
        np.testing.assert_allclose(ours(p), expected, atol=1e-12)
        if tests > 1:
            assert not np.allclose(ours(p[::-1] / 2), expected)


@given(P_VALUES)
def test_corrections_by_their_definitions_in_plain_loops(p: Array) -> None:
    m = len(p)
    ordered = sorted(p.tolist())
    for value, holm, bh in zip(
        p, corrections.holm(p), corrections.benjamini_hochberg(p), strict=True
    ):
        below = [(m - k) * q for k, q in enumerate(ordered) if q <= value]
        assert min(1.0, max(below)) == pytest.approx(holm)
        above = [m / (k + 1) * q for k, q in enumerate(ordered) if q >= value]
        assert min(1.0, *above, 1.0) == pytest.approx(bh)


def test_corrections_leave_out_what_was_not_tested() -> None:
    p = np.array([0.01, np.nan, 0.04])
    for correct in (corrections.holm, corrections.benjamini_hochberg):
        np.testing.assert_allclose(correct(p)[[0, 2]], correct(p[[0, 2]]))
        assert np.isnan(correct(p)[1])


@given(st.integers(0, 100_000), st.integers(1, 7))
def test_letters_are_shared_exactly_by_those_that_do_not_differ(seed: int, models: int) -> None:
    generator = np.random.default_rng(seed)
    upper = np.triu(generator.random((models, models)) < 0.4, 1)
    differs, scores = upper | upper.T, generator.random(models)
    letters = ties.letters(scores, differs)
    for i in range(models):
        for j in range(models):
            assert differs[i, j] != bool(set(letters[i]) & set(letters[j]))
    assert "a" in letters[int(scores.argmax())]


@given(st.integers(0, 100_000), st.integers(1, 7))
def test_bold_letters_and_ranks_agree(seed: int, models: int) -> None:
    generator = np.random.default_rng(seed)
    upper = np.triu(generator.random((models, models)) < 0.4, 1)
    differs, scores = upper | upper.T, generator.random(models)
    best, ranks = (
        ties.not_worse_than_the_best(scores, differs),
        ties.rank_intervals(scores, differs),
    )
    letters = ties.letters(scores, differs)
    leader = int(scores.argmax())
    for m in range(models):
        assert best[m] == bool(set(letters[m]) & set(letters[leader]))
        low = 1 + sum(bool(differs[m, k]) and scores[k] > scores[m] for k in range(models))
        high = models - sum(bool(differs[m, k]) and scores[k] < scores[m] for k in range(models))
        assert [low, high] == ranks[m].tolist()


def test_rank_shares_add_up() -> None:
    shares = ties.rank_shares(np.random.default_rng(0).integers(0, 3, (50, 4)).astype(float))
    np.testing.assert_allclose(shares.sum(axis=0), 1)
    np.testing.assert_allclose(shares.sum(axis=1), 1)


@given(
    hnp.arrays(
        np.float64,
        st.tuples(st.integers(3, 8), st.integers(3, 6)),
        elements=st.integers(0, 9).map(float),
    )
)
def test_friedman_is_that_of_scipy(scores: Array) -> None:
    stats = pytest.importorskip("scipy.stats")
    if all(len(set(row)) == 1 for row in scores.tolist()):
        return
    found, reference = friedman.friedman(scores), stats.friedmanchisquare(*scores.T)
    np.testing.assert_allclose(
        [found.statistic, found.p_value], [reference.statistic, reference.pvalue], atol=1e-9
    )
    np.testing.assert_allclose(found.mean_ranks, stats.rankdata(-scores, axis=1).mean(axis=0))


def test_nemenyi_distance_is_that_of_the_published_table() -> None:
    """Demsar 2006, table 5: q of .05 is 1.960, 2.343, 2.569, 2.728 for 2 to 5 models."""
    for models, q in ((2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728)):
        scores = np.random.default_rng(0).random((14, models))
        expected = q * np.sqrt(models * (models + 1) / (6 * 14))
        assert expected == pytest.approx(friedman.friedman(scores).critical_difference, abs=5e-4)


def test_bootstrap_intervals_of_a_mean_are_those_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(2).exponential(size=25)
    counts = np.random.default_rng(5).multinomial(25, np.full(25, 1 / 25), size=20_000)
    without = (values.sum() - values) / 24
    ours = {
        "percentile": bootstrap.percentile(counts @ values / 25),
        "BCa": bootstrap.bca(values.mean(), counts @ values / 25, without),
    }
    for method, ends in ours.items():
        found = stats.bootstrap(
            (values,), np.mean, n_resamples=20_000, method=method, rng=np.random.default_rng(6)
        )
        np.testing.assert_allclose(ends, list(found.confidence_interval), atol=0.02)


def test_studentised_interval_of_a_mean_covers() -> None:
    generator, hits = np.random.default_rng(8), 0
    for _ in range(200):
        values = generator.normal(size=20)
        drawn = values[generator.integers(0, 20, (400, 20))]
        low, high = bootstrap.studentised(
            values.mean(), values.std(ddof=1), drawn.mean(axis=1), drawn.std(axis=1, ddof=1)
        )
        hits += low <= 0 <= high
    assert 0.90 <= hits / 200 <= 0.985


def test_bootstrap_intervals_are_undefined_if_nothing_varies() -> None:
    same = np.full(10, 0.5)
    assert np.isnan(bootstrap.bca(0.5, same, same)[0])
    assert np.isnan(bootstrap.percentile(same * np.nan)[0])
    assert np.isnan(bootstrap.studentised(0.5, 0.0, same, same * 0)[0])


def test_a_difference_of_the_detectable_size_is_found_four_times_in_five() -> None:
    stats = pytest.importorskip("scipy.stats")
    images = 40
    effect = power.detectable(1 / np.sqrt(images), images - 1.0)
    samples = np.random.default_rng(1).normal(effect, 1, (4000, images))
    found = (stats.ttest_1samp(samples, 0, axis=1).pvalue <= 0.05).mean()
    assert 0.8 == pytest.approx(found, abs=0.02)


def test_units_needed_make_the_effect_detectable() -> None:
    units = power.units_needed(50, 0.02, 1e9, effect=0.01)
    error = 0.02 * np.sqrt(50 / units)
    assert 0.01 == pytest.approx(power.detectable(error, 1e9), rel=0.01)
    assert np.inf == power.units_needed(50, 0.02, 49, effect=0.0)


def test_the_exact_test_keeps_its_significance_level() -> None:
    generator = np.random.default_rng(5)
    rows = permutation.permutations(11, 1, generator).exchanged
    differences = generator.standard_t(3, (600, 11))  # heavy tails, symmetric: no difference
    p = [
        permutation.p_values(each.mean()[None], permuted_means(each, rows), exact=True)[0]
        for each in differences
    ]
    assert 0.02 < np.mean(np.array(p) <= 0.05) < 0.075
