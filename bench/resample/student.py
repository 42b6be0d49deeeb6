"""Quantiles of Student's t distribution without scipy.

Loading `scipy.special` takes longer than evaluating 60 images, and the default interval of every
score needs one quantile. So the quantile is written out here; a test compares it with scipy's.
"""

from __future__ import annotations

import math


def student_quantile(probability: float, freedom: float) -> float:
    """Return the quantile of Student's t for a probability in (0, 1).

    `freedom` are the degrees of freedom, above 0 and not necessarily a whole number.

    >>> round(student_quantile(0.975, 10), 3)
    2.228
    """
    if probability < 0.5:
        return -student_quantile(1 - probability, freedom)
    tail, t = 1 - probability, 0.0
    # The density of t is  scale * (1 + t^2 / freedom) ^ (-(freedom + 1) / 2). Logarithms of the
    # gamma function keep `scale` finite for many degrees of freedom.
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(
        freedom * math.pi
    )
    # Newton's method on the upper tail. The tail is convex for t > 0, so the iterates that start at
    # 0 rise to the root and never pass it.
    for _ in range(200):
        density = scale * math.exp(-(freedom + 1) / 2 * math.log1p(t * t / freedom))
        step = (_upper_tail(t, freedom) - tail) / density
        t += step
        if abs(step) <= 1e-9 * t:  # convergence is quadratic: the next step would be its square
            break
    return t


def _upper_tail(t: float, freedom: float) -> float:
    """Return P(T > t) for t >= 0.

    It is half the regularized incomplete beta function at x = freedom / (freedom + t^2).
    """
    square = t * t / freedom
    x, a, b = 1 / (1 + square), freedom / 2, 0.5
    # The continued fraction converges fast below the mean of the beta distribution. Above it, use
    # the symmetry  I_x(a, b) = 1 - I_(1-x)(b, a).
    if x < (a + 1) / (a + b + 2):
        return 0.5 * _beta(x, square / (1 + square), a, b)
    return 0.5 - 0.5 * _beta(square / (1 + square), x, b, a)


def _beta(x: float, rest: float, a: float, b: float) -> float:
    """Return the regularized incomplete beta function at x by a continued fraction (DLMF 8.17.22).

    `rest` is 1 - x. The caller passes it, because subtracting here would cancel digits for x near
    1.
    """
    if x == 0:
        return 0.0
    front = (
        math.exp(
            math.lgamma(a + b)
            - math.lgamma(a)
            - math.lgamma(b)
            + a * math.log(x)
            + b * math.log(rest)
        )
        / a
    )
    # Lentz's method: c and d are the ratios of successive numerators and denominators of the
    # fraction, so that neither overflows.
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 10_000):
        even = m * (b - m) / (a + 2 * m - 1)
        odd = -(a + m) * (a + b + m) / (a + 2 * m + 1)
        for factor in (even, odd):
            term = factor * x / (a + 2 * m)
            d, c = 1 / (1 + term * d), 1 + term / c
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * value
