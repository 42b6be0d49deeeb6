"""Several models on several data sets: Friedman's test of ranks and Nemenyi's critical difference.

The sample consists of data sets here, not of images, and the scores are taken as exact (Demsar
2006). This module knows numbers only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.resample import Array


@dataclass(frozen=True, eq=False)
class RankTest:
    """The result of Friedman's test of M models on D data sets.

    `ranks` (D, M), where 1 is best, and their means `mean_ranks` (M,). `p_value` is that of the
    null hypothesis that all models are equal. Mean ranks that are further apart than
    `critical_difference` differ at significance level `alpha`.
    """

    ranks: Array
    mean_ranks: Array
    statistic: float
    p_value: float
    critical_difference: float
    alpha: float

    def differs(self) -> Array:
        """Return which pairs are further apart than the critical difference, (M, M) bool."""
        gaps = np.abs(self.mean_ranks[:, None] - self.mean_ranks[None])
        return np.asarray(gaps > self.critical_difference)


def friedman(scores: Array, *, alpha: float = 0.05) -> RankTest:
    """Test scores (D, M) of M models on D data sets, where higher is better.

    Models of equal score share their mean rank. With r_m the mean rank of model m, the statistic is
    12 D / (M (M + 1)) x sum over m of (r_m - (M + 1) / 2)^2, divided by a correction for ties; it
    has a chi-squared distribution with M - 1 degrees of freedom.

    >>> scores = [[0.9, 0.8, 0.7], [0.8, 0.7, 0.6], [0.7, 0.8, 0.6], [0.9, 0.5, 0.4]]
    >>> test = friedman(np.array(scores))
    >>> test.mean_ranks.tolist(), round(test.statistic, 2)
    ([1.25, 1.75, 3.0], 6.5)

    Raises:
        ValueError: fewer than two data sets or models.
    """
    from scipy.special import chdtrc
    from scipy.stats import studentized_range

    D, M = scores.shape
    if min(D, M) < 2:
        raise ValueError(f"a rank test needs at least 2 models and 2 data sets, got {M} and {D}")
    above = (scores[:, None, :] > scores[:, :, None]).sum(axis=2)
    same = (scores[:, None, :] == scores[:, :, None]).sum(axis=2)  # counts the model itself, too
    ranks = above + (same + 1) / 2
    mean = ranks.mean(axis=0)
    # Each group of t tied models reduces the variance of the ranks by t^3 - t. The sum of t^2 - 1
    # over the models is the same: each of the t models contributes t^2 - 1.
    ties = 1 - float((same**2 - 1).sum()) / (D * M * (M**2 - 1))
    spread = 12 * D / (M * (M + 1)) * float(((mean - (M + 1) / 2) ** 2).sum())
    statistic = spread / ties if ties > 0 else 0.0
    # Nemenyi: the quantile of the studentized range for M groups and infinitely many degrees of
    # freedom.
    quantile = float(studentized_range.ppf(1 - alpha, M, np.inf)) / np.sqrt(2)
    distance = quantile * float(np.sqrt(M * (M + 1) / (6 * D)))
    return RankTest(ranks, mean, statistic, float(chdtrc(M - 1, statistic)), distance, alpha)
