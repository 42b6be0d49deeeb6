"""Who stands where among many: sets that cannot be told apart, letters, and ranks with their bounds.

All of it follows from one matrix that says which pairs differ, so that bold face, letters and ranks never disagree.
"""

from __future__ import annotations

import numpy as np

from bench.resample import Array


def not_worse_than_the_best(scores: Array, differs: Array) -> Array:
    """Which of M, (M,) bool, are the best or cannot be told from it; `differs` (M, M) bool is symmetric.

    >>> not_worse_than_the_best(np.array([3.0, 2.9, 1.0]), np.array([[0, 0, 1], [0, 0, 1], [1, 1, 0]]) > 0).tolist()
    [True, True, False]
    """
    if not np.isfinite(scores).any():
        return np.zeros(len(scores), dtype=bool)
    return np.asarray(~differs[int(np.nanargmax(scores))] & np.isfinite(scores))


def letters(scores: Array, differs: Array) -> list[str]:
    """The compact letter display of M: two share a letter if and only if they do not differ; `a` is with the best.

    By insertion and absorption (Piepho 2004), with as few letters as that finds.

    >>> letters(np.array([3.0, 2.0, 1.0]), np.array([[0, 0, 1], [0, 0, 0], [1, 0, 0]]) > 0)
    ['a', 'ab', 'b']
    """
    order = np.argsort(-np.nan_to_num(scores, nan=-np.inf), kind="stable")
    groups = [frozenset(range(len(order)))]
    for i, j in np.argwhere(np.triu(differs, 1)):
        split = [group - {out} for group in groups for out in (i, j) if {i, j} <= group]
        groups = _largest([*(group for group in groups if not {i, j} <= group), *split])
    place = {int(one): rank for rank, one in enumerate(order)}
    groups.sort(key=lambda group: sorted(place[one] for one in group))
    return ["".join(_letter(n) for n, group in enumerate(groups) if one in group) for one in range(len(order))]


def rank_intervals(scores: Array, differs: Array) -> Array:
    """The ranks that each of M may have, (M, 2): 1 + how many are surely better, M - how many are surely worse.

    >>> rank_intervals(np.array([3.0, 2.9, 1.0]), np.array([[0, 0, 1], [0, 0, 1], [1, 1, 0]]) > 0).tolist()
    [[1, 2], [1, 2], [3, 3]]
    """
    better = differs & (scores[None] > scores[:, None])
    worse = differs & (scores[None] < scores[:, None])
    return np.stack([1 + better.sum(axis=1), len(scores) - worse.sum(axis=1)], axis=1)


def rank_shares(replicates: Array) -> Array:
    """How often each of M takes each rank in B resamples of scores (B, M): shares (M, M); equal scores share ranks.

    >>> rank_shares(np.array([[2.0, 1.0], [2.0, 3.0]])).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    scores = replicates[np.isfinite(replicates).all(axis=1)]
    found = np.zeros((replicates.shape[1],) * 2)
    if not len(scores):
        return found
    above = (scores[:, None, :] > scores[:, :, None]).sum(axis=2)
    same = (scores[:, None, :] == scores[:, :, None]).sum(axis=2)
    for rank in range(len(found)):
        found[:, rank] = np.where((above <= rank) & (rank < above + same), 1 / same, 0.0).mean(axis=0)
    return found


def _largest(groups: list[frozenset[int]]) -> list[frozenset[int]]:
    unique = list(dict.fromkeys(groups))
    return [group for group in unique if not any(group < other for other in unique)]


def _letter(number: int) -> str:
    """`a` to `z`, then `aa`-like letters would be read as two: capitals follow, then numbers in brackets."""
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return alphabet[number] if number < len(alphabet) else f"({number})"
