"""Several models on several data sets: Friedman's test of their ranks, and Nemenyi's critical difference.

Data sets are the sample here, not images: scores are taken as they are (Demsar 2006). This module knows numbers only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.resample import Array


@dataclass(frozen=True, eq=False)
class RankTest:
    """Ranks (D, M), 1 is best, their means (M,), the p-value of all being equal, and the critical difference."""

    ranks: Array
    mean_ranks: Array
    statistic: float
    p_value: float
    critical_difference: float
    alpha: float

    def differs(self) -> Array:
        """Which pairs lie further apart than the critical difference, (M, M) bool."""
        return np.asarray(np.abs(self.mean_ranks[:, None] - self.mean_ranks[None]) > self.critical_difference)


def friedman(scores: Array, *, alpha: float = 0.05) -> RankTest:
    """Test D data sets x M models, (D, M), where higher is better; equal scores share their mean rank.

    >>> test = friedman(np.array([[0.9, 0.8, 0.7], [0.8, 0.7, 0.6], [0.7, 0.8, 0.6], [0.9, 0.5, 0.4]]))
    >>> test.mean_ranks.tolist(), round(test.statistic, 2)
    ([1.25, 1.75, 3.0], 6.5)

    Raises:
        ValueError: fewer than two data sets or models.
    """
    from scipy.special import chdtrc
    from scipy.stats import studentized_range

    D, M = scores.shape
    if min(D, M) < 2:
        raise ValueError(f"ranks of {M} models on {D} data sets say nothing: both must be at least 2")
    above = (scores[:, None, :] > scores[:, :, None]).sum(axis=2)
    same = (scores[:, None, :] == scores[:, :, None]).sum(axis=2)
    ranks = above + (same + 1) / 2
    mean = ranks.mean(axis=0)
    ties = 1 - float((same**2 - 1).sum()) / (D * M * (M**2 - 1))
    spread = 12 * D / (M * (M + 1)) * float(((mean - (M + 1) / 2) ** 2).sum())
    statistic = spread / ties if ties > 0 else 0.0
    reach = float(studentized_range.ppf(1 - alpha, M, np.inf)) / np.sqrt(2)
    distance = reach * float(np.sqrt(M * (M + 1) / (6 * D)))
    return RankTest(ranks, mean, statistic, float(chdtrc(M - 1, statistic)), distance, alpha)
