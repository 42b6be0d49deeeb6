"""Regions decided pixel by pixel, in plain loops and exact fractions: the specification of
`bench.metrics.regions`.

It imports neither `bench` nor NumPy: label maps are lists of rows of numbers.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor

LabelRows = list[list[int]]


def crop_rows_and_columns(factor: int, height: int, width: int) -> tuple[range, range]:
    """Cut 100 pixels from every side but the top, then the factor above and below and twice it at
    the sides.
    """

    def scaled(pixels: int) -> int:
        return floor(Fraction(pixels * height, 1024) + Fraction(1, 2))

    rows = range(scaled(factor), height - scaled(100 + factor))
    return rows, range(scaled(100 + 2 * factor), width - scaled(100 + 2 * factor))


def ring(radii: list[int], y: int, x: int, height: int, width: int) -> int:
    """Number of the ring around the vanishing point in which the centre of a pixel lies."""
    scale = Fraction(height, 1024)
    across = x + Fraction(1, 2) - Fraction(width, 2)
    down = y + Fraction(1, 2) - (height - 100 * scale) / 2
    return sum(across**2 + down**2 >= (radius * scale) ** 2 for radius in radii)


def near(labels: LabelRows, void: int, reach: int) -> list[list[bool]]:
    """Say of every pixel whether a pixel of another class lies in the square of 2 reach + 1 pixels
    around it.
    """
    height, width = len(labels), len(labels[0])
    found = [[False] * width for _ in range(height)]
    for y in range(height):
        for x in range(width):
            for v in range(max(0, y - reach), min(height, y + reach + 1)):
                for u in range(max(0, x - reach), min(width, x + reach + 1)):
                    if void not in (labels[y][x], labels[v][u]) and labels[y][x] != labels[v][u]:
                        found[y][x] = True
    return found
