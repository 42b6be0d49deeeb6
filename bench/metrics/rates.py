"""Quotients of weighted sums and means over classes, as every metric takes them.

Which sums these are, and which classes a mean runs over, is told by the callers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.samples import Array


def ratio(part: Array, whole: Array) -> Array:
    """Quotients, NaN where the whole is 0."""
    return np.asarray(np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0))


def weigh_in_order(weights: Array, part: Array) -> Array:
    """Sum (N, M) of floats under weights (B, N) to (B, M), in the order of the images whatever the rows are.

    A matrix product would add in an order that depends on the number of rows.
    """
    sums = np.zeros((len(weights), part.shape[1]))
    for column, row in zip(np.asarray(weights, dtype=np.float64).T, part, strict=True):
        if row.any():
            sums += column[:, None] * row
    return sums


@dataclass(frozen=True, eq=False)
class Held:
    """Values that a mean takes in place of those of silent classes while clusters are left out.

    `which` (C,) are the scored classes that too few clusters carry; `rate` and `counted`, (1, C), those of the plain
    score.
    """

    which: Array
    rate: Array
    counted: Array


def class_mean(rate: Array, counted: Array, held: Held | None = None, *, scored: Array | None = None) -> Array:
    """Mean of rates (B, C) over the classes counted in each row (B, C); NaN without any, (B,).

    With `held`, NaN as well where all of the classes `scored` (C,) are held: then nothing moves.

    >>> class_mean(np.array([[0.5, 1.0, np.nan]]), np.array([[True, True, False]])).tolist()
    [0.75]
    """
    if held is not None:
        rate, counted = np.where(held.which, held.rate, rate), np.where(held.which, held.counted, counted)
    mean = ratio(np.where(counted, rate, 0.0).sum(axis=1), counted.sum(axis=1).astype(np.float64))
    if held is not None and scored is not None and held.which.any() and not (scored & ~held.which).any():
        return np.full_like(mean, np.nan)
    return mean
