"""Confusion matrices for the terminal: a row for each class, with what it is taken for, most often first.

A matrix of many classes is wider than a terminal, so only the largest shares are named; it computes nothing else.
"""

from __future__ import annotations

from bench.samples import Array
from bench.scoring.details import NOTHING, Confusion

MOST = 4
"""Classes that a row names."""
LEAST = 0.001
"""Shares below this are not named."""
TITLES = {"pixels": "Pixels, by what they are", "objects": "Objects, by what they are"}


def confusion_table(found: Confusion) -> str:
    """A row for each class that occurs: how many, the share taken for what they are, and the largest other shares."""
    from tabulate import tabulate

    rows = []
    for place, name in enumerate(found.truth):
        total = int(found.counts[place].sum())
        if total:
            own = "" if name == NOTHING else f"{100 * found.counts[place, place] / total:.2f}"
            title = "(nothing)" if name == NOTHING else name
            rows.append([title, f"{total:,}", own, _others(found, found.counts[place], place)])
    headers = ["class", found.unit, "right %", "taken for, in %"]
    table = tabulate(
        rows,
        headers=headers,
        tablefmt="plain",
        colalign=("left", "right", "right", "left"),
        disable_numparse=True,
        maxcolwidths=[28, None, None, 52],
    )
    return f"{TITLES[found.unit]}:\n\n{table}\n"


def _others(found: Confusion, row: Array, own: int) -> str:
    """The largest shares of a row but its own.

    >>> import numpy as np
    >>> found = Confusion("pixels", ("road", "car"), ("road", "car"), np.array([[6, 2], [0, 1]]))
    >>> _others(found, found.counts[0], 0)
    'car 25.0'
    """
    total = row.sum()
    order = [int(n) for n in (-row).argsort(kind="stable") if n != own and row[n] >= LEAST * total][:MOST]
    return ", ".join(f"{found.predicted[n]} {100 * row[n] / total:.1f}" for n in order)
