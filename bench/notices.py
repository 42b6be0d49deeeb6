"""What a reader of scores should know: a code that stays the same across versions, a sentence, and how serious it is.

Every room may find notices; they end in the run record, in the JSON and around the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

Severity: TypeAlias = Literal["note", "warning"]
"""`warning`: the scores are probably not those that were meant; it is printed above the table, notes below it."""


class Notice(NamedTuple):
    """One thing to know; the message is a sentence without its full stop."""

    code: str
    message: str
    severity: Severity = "note"


def many(number: int, noun: str) -> str:
    """A number with its noun.

    >>> many(1, "image"), many(1200, "detection")
    ('1 image', '1200 detections')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def few(names: Sequence[str], most: int = 5) -> str:
    """Names for a sentence: the first ones, and how many more there are.

    >>> few(["road", "car"]), few(["a", "b", "c", "d"], most=2)
    ('road, car', 'a, b and 2 more')
    """
    # One name more takes no more room than the words that it would be replaced by.
    if len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
