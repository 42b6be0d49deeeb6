"""The metric families that can be counted from what a loop passed for an image."""

from __future__ import annotations

from collections.abc import Sequence

from bench.errors import UsageError
from bench.evaluation import updates
from bench.evaluation.tallies import Handed
from bench.families import family


def countable(names: Sequence[str], handed: Handed, *, may_drop: bool) -> tuple[str, ...]:
    """The names of the families that can be counted; others are dropped only with `may_drop`.

    Raises:
        UsageError: a family that may not be dropped cannot be counted, or none can.
    """
    if handed == "whole":
        return tuple(names)
    kept = tuple(name for name in names if _can_count(name, handed))
    # Images without objects fit every family, so that they alone decide nothing.
    must_keep_all = not may_drop and handed != "nothing"
    if not kept or (must_keep_all and len(kept) < len(names)):
        dropped = next(name for name in names if name not in kept)
        if handed == "boxes":
            raise UsageError(
                f"the metrics of {dropped} need masks, and the objects have boxes only"
            )
        raise UsageError(f"the metrics of {dropped} need all forms of the truth{updates.ALL_FORMS}")
    return kept


def _can_count(name: str, handed: Handed) -> bool:
    if family(name).needs_whole_truth:
        return False
    return handed != "boxes" or not family(name).needs_masks
