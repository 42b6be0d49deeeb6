"""The note on classes that no prediction has, for every kind of count."""

from __future__ import annotations

from bench.classes import Classes
from bench.notices import Notice, few
from bench.samples import Array


def never_predicted(true: Array, predicted: Array, classes: Classes) -> list[Notice]:
    """The note on classes in the truth that are never predicted; `true` and `predicted` (C,) are
    how much of each.
    """
    there, missing = true > 0, (true > 0) & (predicted == 0)
    if not missing.any():
        return []
    names = few([name for name, alone in zip(classes.names, missing, strict=True) if alone])
    message = f"{missing.sum()} of {there.sum()} classes in the truth are never predicted: {names}"
    return [Notice("never-predicted", message)]
