"""Quotients of weighted sums, and their means over the classes that the truth carries.

Which sums these are is told by the callers; the rules of the means are those of `semantic.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

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


@dataclass(frozen=True, eq=False)
class Shares:
    """What rates are made of, each (rows, C): a part, its whole, and how much of a class the truth carries."""

    part: Array
    whole: Array
    carried: Array

    def each(self, change: Callable[[Array], Array]) -> Shares:
        """Change the three in the same way."""
        return Shares(change(self.part), change(self.whole), change(self.carried))


@dataclass(frozen=True, eq=False)
class Rates:
    """Rates (B, C) and their mean (B,), NaN where undefined.

    `scored` (C,) are the classes the mean runs over, `held` (C,) those of them that it takes at their plain value.
    """

    rate: Array
    mean: Array
    scored: Array
    held: Array


def rates(
    rows: Shares,
    plain: Shares,
    classes_in: Literal["truth", "union", "all"],
    *,
    among: Array | None = None,
    silent: Array | None = None,
) -> Rates:
    """Divide the weighted sums of B rows, and average over classes by the rules of `semantic.score`.

    `plain` are the sums under weights of one, (1, C): they say which classes a mean runs over, of those in `among`
    (C,). A class without truth in a row is left out of that row's mean. Classes that are `silent` (C,) are held at
    their plain value in means and have no rate of their own; where all scored classes are held, the mean is NaN.

    >>> one = Shares(np.array([[1.0, 1, 0]]), np.array([[2.0, 1, 0]]), np.array([[1, 1, 0]]))
    >>> rates(one, one, "truth").mean.tolist()
    [0.75]
    """
    carried = plain.carried[0] > 0
    scored = {"truth": carried, "union": plain.whole[0] > 0, "all": np.ones_like(carried)}[classes_in]
    scored = scored if among is None else scored & among
    held = np.zeros_like(scored) if silent is None else scored & silent
    rate, plain_rate = ratio(rows.part, rows.whole), ratio(plain.part, plain.whole)
    counted, plain_counted = (_counted(each, plain, scored, classes_in) for each in (rows, plain))
    mean = class_mean(rate, counted, Held(held, plain_rate, plain_counted), scored=scored)
    return Rates(rate if silent is None else np.where(silent, np.nan, rate), mean, scored, held)


def _counted(of: Shares, plain: Shares, scored: Array, classes_in: str) -> Array:
    """Which classes enter the mean of each row, (rows, C)."""
    present = np.where(plain.carried > 0, of.carried > 0, of.whole > 0)
    return np.asarray(scored & (present | (plain.whole == 0) if classes_in == "all" else present))
