"""Ties among several scores: which are not worse than the best, letters, and bounds of ranks.

Everything follows from one matrix of the pairs that differ, so that bold face, letters and ranks
never contradict each other.
"""

from __future__ import annotations

import numpy as np

from bench.resample import Array


def not_worse_than_the_best(scores: Array, differs: Array) -> Array:
    """Return which of M scores are the best or do not differ from it, (M,) bool.

    `differs` (M, M) bool is symmetric.

    >>> differs = np.array([[0, 0, 1], [0, 0, 1], [1, 1, 0]]) > 0
    >>> not_worse_than_the_best(np.array([3.0, 2.9, 1.0]), differs).tolist()
    [True, True, False]
    """
    if not np.isfinite(scores).any():
        return np.zeros(len(scores), dtype=bool)
    return np.asarray(~differs[int(np.nanargmax(scores))] & np.isfinite(scores))


def letters(scores: Array, differs: Array) -> list[str]:
    """Return the compact letter display of M scores.

    Two scores share a letter if and only if they do not differ; the best one has an `a`. Made by
    insertion and absorption (Piepho 2004).

    >>> letters(np.array([3.0, 2.0, 1.0]), np.array([[0, 0, 1], [0, 0, 0], [1, 0, 0]]) > 0)
    ['a', 'ab', 'b']
    """
    # A score that is undefined comes last.
    order = np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind="stable")
    groups = [frozenset(range(len(order)))]
    for i, j in np.argwhere(np.triu(differs, 1)):
        # Insertion: every group with both i and j is replaced by one without i and one without j.
        split = [group - {out} for group in groups for out in (i, j) if {i, j} <= group]
        groups = _absorbed([*(group for group in groups if not {i, j} <= group), *split])
    rank_of = {int(index): rank for rank, index in enumerate(order)}
    # Groups in the order of their best member, so that the best score has the letter a.
    groups.sort(key=lambda group: sorted(rank_of[index] for index in group))
    return [
        "".join(_letter(number) for number, group in enumerate(groups) if index in group)
        for index in range(len(order))
    ]


def rank_intervals(scores: Array, differs: Array) -> Array:
    """Return the lowest and highest rank that each of M scores may have, (M, 2).

    That is 1 + the number of scores that are significantly better, and M - the number that are
    significantly worse.

    >>> differs = np.array([[0, 0, 1], [0, 0, 1], [1, 1, 0]]) > 0
    >>> rank_intervals(np.array([3.0, 2.9, 1.0]), differs).tolist()
    [[1, 2], [1, 2], [3, 3]]
    """
    better = differs & (scores[None] > scores[:, None])
    worse = differs & (scores[None] < scores[:, None])
    return np.stack([1 + better.sum(axis=1), len(scores) - worse.sum(axis=1)], axis=1)


def rank_shares(replicates: Array) -> Array:
    """Return how often each of M scores has each rank in B resamples, (M, M) fractions.

    `replicates` is (B, M). Equal scores share their ranks evenly; resamples with an undefined score
    are left out.

    >>> rank_shares(np.array([[2.0, 1.0], [2.0, 3.0]])).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    scores = replicates[np.isfinite(replicates).all(axis=1)]
    shares = np.zeros((replicates.shape[1],) * 2)
    if not len(scores):
        return shares
    above = (scores[:, None, :] > scores[:, :, None]).sum(axis=2)
    same = (scores[:, None, :] == scores[:, :, None]).sum(axis=2)
    for rank in range(len(shares)):
        # A score that shares its value with `same` others has the ranks above .. above + same - 1.
        shares[:, rank] = np.where((above <= rank) & (rank < above + same), 1 / same, 0.0).mean(
            axis=0
        )
    return shares


def _absorbed(groups: list[frozenset[int]]) -> list[frozenset[int]]:
    """Remove groups that are contained in another one: their letters would add nothing."""
    unique = list(dict.fromkeys(groups))
    return [group for group in unique if not any(group < other for other in unique)]


def _letter(number: int) -> str:
    """Return the letter of a group: `a` to `z`, `A` to `Z`, then a number in brackets.

    A second round of `aa`, `ab` would read as two letters.
    """
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return alphabet[number] if number < len(alphabet) else f"({number})"
