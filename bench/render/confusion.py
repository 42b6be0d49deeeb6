"""Confusion matrices for the terminal: a row for each class with its most frequent confusions.

A matrix of many classes is wider than a terminal, so only the largest fractions are shown. It
computes nothing but these fractions.
"""

from __future__ import annotations

from bench.samples import Array
from bench.scoring.details import NOTHING, Confusion

MAX_CONFUSIONS = 4
"""Maximum number of confusions in a row."""
MIN_FRACTION = 0.001
"""Smaller fractions are not shown."""
TITLES = {"pixels": "Pixels by true class", "objects": "Objects by true class"}


def confusion_table(confusion: Confusion) -> str:
    """A row for each class that occurs: its count, the correct fraction, the largest confusions."""
    from tabulate import tabulate

    rows = []
    for index, name in enumerate(confusion.truth):
        counts = confusion.counts[index]
        total = int(counts.sum())
        if not total:
            continue
        if name == NOTHING:  # detections without an object: none of them is correct
            title, correct = "(nothing)", ""
        else:
            title, correct = name, f"{100 * counts[index] / total:.2f}"
        rows.append([title, f"{total:,}", correct, _confusions(confusion, counts, index)])
    table = tabulate(
        rows,
        headers=["class", confusion.unit, "correct %", "confused with, in %"],
        tablefmt="plain",
        colalign=("left", "right", "right", "left"),
        disable_numparse=True,
        maxcolwidths=[28, None, None, 52],
    )
    return f"{TITLES[confusion.unit]}:\n\n{table}\n"


def _confusions(confusion: Confusion, counts: Array, index: int) -> str:
    """The largest fractions of a row, without the class itself.

    >>> import numpy as np
    >>> matrix = Confusion("pixels", ("road", "car"), ("road", "car"), np.array([[6, 2], [0, 1]]))
    >>> _confusions(matrix, matrix.counts[0], 0)
    'car 25.0'
    """
    total = counts.sum()
    by_count = [int(n) for n in (-counts).argsort(kind="stable")]
    shown = [n for n in by_count if n != index and counts[n] >= MIN_FRACTION * total]
    names = confusion.predicted
    return ", ".join(f"{names[n]} {100 * counts[n] / total:.1f}" for n in shown[:MAX_CONFUSIONS])
